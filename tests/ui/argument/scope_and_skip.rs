use idempotent::{Error, idempotent};

#[idempotent(key = id, scope = tenant, skip(tenant))]
fn book(id: u32, tenant: &str) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
