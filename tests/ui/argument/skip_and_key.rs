use idempotent::{Error, idempotent};

#[idempotent(key = (day, id), skip(id))]
fn book(day: u8, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
