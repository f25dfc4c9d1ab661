use idempotent::idempotent;

#[idempotent(key = id)]
struct Booking {
    id: u32,
}

fn main() {}
