use idempotent::{Error, idempotent};

#[idempotent(key = all, skip(portal))]
fn book(portal: &str) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
