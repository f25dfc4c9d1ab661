use idempotent::{Error, idempotent};

#[idempotent(key = (patient, dya))]
fn book(patient: &str, day: u8) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
