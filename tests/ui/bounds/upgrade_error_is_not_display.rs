use idempotent::{Error, idempotent};

#[idempotent(key = id, value(version = 2, upgrade = older))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

struct Unreadable;

fn older(_: u32, _: &[u8]) -> Result<u32, Unreadable> {
    Err(Unreadable)
}

fn main() {}
