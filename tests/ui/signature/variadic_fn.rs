use idempotent::{Error, idempotent};

#[idempotent(key = id)]
unsafe extern "C" fn book(id: u32, _: ...) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
