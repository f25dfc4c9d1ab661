use idempotent::{Error, idempotent};

#[idempotent(key = id, value(version = 1, upgrade = older))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn older(_: u32, _: &[u8]) -> Result<u32, String> {
    Ok(0)
}

fn main() {}
