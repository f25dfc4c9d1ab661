use idempotent::{Error, idempotent};

#[idempotent(key = id, wait = "5 minutes")]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
