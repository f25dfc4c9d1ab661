use idempotent::{Error, idempotent};

struct Portal;

#[idempotent(key = id)]
async fn book(portal: &Portal, id: u32) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
