use idempotent::{Error, effect as mark, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(mark!(id + 1))
}

fn main() {}
