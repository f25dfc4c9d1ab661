use idempotent::{Error, idempotent};

#[idempotent(key = "{id}")]
fn book() -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
