use idempotent::idempotent;

#[idempotent(key = id)]
enum Booking {
    Open,
}

fn main() {}
