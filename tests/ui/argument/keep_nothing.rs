use idempotent::{Error, idempotent};

#[idempotent(key = id, keep = "0s")]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
