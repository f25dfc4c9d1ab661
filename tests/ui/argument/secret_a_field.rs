use idempotent::{Error, idempotent};

#[derive(serde::Serialize)]
struct Patient {
    ssn: String,
}

#[idempotent(key = id, secret(patient.ssn))]
fn book(id: u32, patient: Patient) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
