use idempotent::{Error, idempotent};

#[idempotent(key = id, check(find, after = "2s", after = "3s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
