use idempotent::{Error, idempotent};

async fn find(id: u32) -> Result<Option<u32>, Error> {
    Ok(Some(id))
}

#[idempotent(key = id, check(find, after = "2s"))]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
