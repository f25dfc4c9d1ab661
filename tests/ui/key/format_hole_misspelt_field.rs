use idempotent::{Error, idempotent};

struct Order {
    number: u32,
}

#[idempotent(key = "booking {order.nummer}", skip(order))]
fn book(order: &Order) -> Result<u32, Error> {
    Ok(order.number)
}

fn main() {}
