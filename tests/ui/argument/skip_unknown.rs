use idempotent::{Error, idempotent};

#[idempotent(key = id, skip(portl))]
fn book(portal: &str, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
