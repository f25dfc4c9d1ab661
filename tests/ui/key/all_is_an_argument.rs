use idempotent::{Error, idempotent};

#[idempotent(key = all)]
fn book(all: &str, day: u8) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
