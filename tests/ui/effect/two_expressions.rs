use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    effect!(id + 1, id + 2);
    Ok(id)
}

fn main() {}
