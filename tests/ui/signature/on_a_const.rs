use idempotent::idempotent;

#[idempotent(key = id)]
const LIMIT: u32 = 5;

fn main() {}
