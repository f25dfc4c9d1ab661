use idempotent::{Error, idempotent};

#[idempotent(key = ssn, secret(ssn))]
fn book(ssn: &str) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
