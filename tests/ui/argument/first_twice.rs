use idempotent::{Error, idempotent};

#[idempotent(key = id, check(find, first, after = "2s", first))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn find(id: u32) -> Result<Option<u32>, Error> {
    Ok(Some(id))
}

fn main() {}
