use idempotent::{Error, idempotent};

#[idempotent(key = id, scope = tenant)]
fn book(tenant: &str, id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
