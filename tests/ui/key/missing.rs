use idempotent::{Error, idempotent};

#[idempotent]
fn book(patient: &str, day: u8) -> Result<u32, Error> {
    Ok(1)
}

fn main() {
    let _ = book("ann", 1);
}
