use idempotent::idempotent;

struct ClinicError;

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, ClinicError> {
    Err(ClinicError)
}

fn main() {}
