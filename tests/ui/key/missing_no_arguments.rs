use idempotent::{Error, idempotent};

#[idempotent()]
fn report() -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
