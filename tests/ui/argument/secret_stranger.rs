use idempotent::{Error, idempotent};

#[idempotent(key = id, secret(passport))]
fn book(id: u32, ssn: &str) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
