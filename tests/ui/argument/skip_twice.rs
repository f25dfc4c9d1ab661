use idempotent::{Error, idempotent};

#[idempotent(key = id, skip(day, day))]
fn book(day: u8, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
