use idempotent::{Error, idempotent};

#[idempotent(key = "{id}:{dya}")]
fn book(id: u32, day: u8) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
