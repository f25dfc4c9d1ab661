use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn book<const FLOOR: u8>(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
