use idempotent::{Error, idempotent};

struct Tenant;

impl std::fmt::Display for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("tenant")
    }
}

#[idempotent(key = "{tenant}")]
fn book(tenant: &Tenant) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
