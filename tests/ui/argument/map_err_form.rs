use idempotent::{Error, idempotent};

#[idempotent(key = id, map_err = |error| error)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
