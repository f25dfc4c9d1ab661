use idempotent::idempotent;

struct Booking;

type Alias<T> = Option<T>;

#[idempotent(key = id)]
async fn book(id: u32) -> Alias<Booking> {
    Some(Booking)
}

fn main() {}
