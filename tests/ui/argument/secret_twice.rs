use idempotent::{Error, idempotent};

#[idempotent(key = id, secret(ssn, ssn))]
fn book(id: u32, ssn: &str) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
