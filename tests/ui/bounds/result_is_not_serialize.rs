use idempotent::{Error, idempotent};

struct Appointment;

#[idempotent(key = id)]
fn book(id: u32) -> Result<Appointment, Error> {
    Ok(Appointment)
}

fn main() {}
