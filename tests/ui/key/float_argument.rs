use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn pay(id: u32, amount: f64) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
