use idempotent::idempotent;

#[idempotent(key = id)]
mod booking {}

fn main() {}
