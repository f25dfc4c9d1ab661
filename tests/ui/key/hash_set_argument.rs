use idempotent::{Error, idempotent};

#[idempotent(key = (id, tags))]
async fn book(id: u32, tags: std::collections::HashSet<String>) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
