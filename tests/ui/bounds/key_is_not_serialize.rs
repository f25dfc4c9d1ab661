use idempotent::{Error, idempotent};

struct Patient;

#[idempotent(key = patient)]
fn book(patient: &Patient) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
