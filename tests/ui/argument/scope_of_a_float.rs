use idempotent::{Error, idempotent};

#[idempotent(key = id, scope = price, skip(price))]
fn book(id: u32, price: f64) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
