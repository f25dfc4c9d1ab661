use idempotent::{Error, idempotent};

#[idempotent(key = id, timeout = "5s")]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
