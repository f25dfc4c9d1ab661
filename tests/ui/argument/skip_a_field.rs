use idempotent::{Error, idempotent};

#[idempotent(key = id, skip(order.note))]
fn book(order: &str, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
