use idempotent::{Error, idempotent};

#[idempotent(key = id, crate = std)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
