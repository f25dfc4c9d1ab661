use idempotent::{Error, idempotent};

#[idempotent(key = id, check(find, after = "2s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn find(id: u32) -> Result<Option<String>, Error> {
    Ok(Some(id.to_string()))
}

fn main() {}
