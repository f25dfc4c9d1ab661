use idempotent::idempotent;

struct Booking;

#[idempotent(key = id)]
fn book(id: u32) -> Booking {
    Booking
}

fn main() {}
