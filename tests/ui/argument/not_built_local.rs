use idempotent::{Error, idempotent};

#[idempotent(key = id, local(capacity = 10_000, ttl = "60s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
