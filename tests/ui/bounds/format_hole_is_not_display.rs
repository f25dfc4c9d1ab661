use idempotent::{Error, idempotent};

struct Tenant;

#[idempotent(key = "{id}:{tenant}", skip(tenant))]
fn book(id: u32, tenant: &Tenant) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
