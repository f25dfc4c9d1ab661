use idempotent::{Error, idempotent};

struct Silent;

fn find(id: u32) -> Result<Option<u32>, Silent> {
    Ok(Some(id))
}

#[idempotent(key = id, check(find, after = "2s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
