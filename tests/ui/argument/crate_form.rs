use idempotent::{Error, idempotent};

#[idempotent(key = id, crate = "my_facade::idempotent")]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
