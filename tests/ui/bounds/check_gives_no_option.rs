use idempotent::{Error, idempotent};

fn find(id: u32) -> Result<u32, Error> {
    Ok(id)
}

#[idempotent(key = id, check(find, after = "2s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
