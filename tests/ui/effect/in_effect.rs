use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(effect!(effect!(id) + 1))
}

fn main() {}
