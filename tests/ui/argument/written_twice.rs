use idempotent::{Error, idempotent};

#[idempotent(key = id, wait = "5s", wait = "6s")]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
