use idempotent::{Error, idempotent};

#[idempotent(key = id, value(version = 0))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
