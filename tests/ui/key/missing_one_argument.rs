use idempotent::{Error, idempotent};

#[idempotent(rerun)]
fn report(day: u8) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
