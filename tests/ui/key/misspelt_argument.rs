use idempotent::{Error, idempotent};

#[idempotent(key = patiant)]
fn book(patient: &str) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
