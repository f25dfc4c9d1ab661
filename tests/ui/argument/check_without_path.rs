use idempotent::{Error, idempotent};

#[idempotent(key = id, check("2s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
