use idempotent::{Error, idempotent};

#[idempotent(key = patient)]
fn book(patient: &str) -> Result<&str, Error> {
    Ok(patient)
}

fn main() {}
