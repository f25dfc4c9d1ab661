use idempotent::{Error, idempotent};

#[idempotent(key = id, map_err = told)]
fn book(id: u32) -> Result<u32, String> {
    Ok(id)
}

fn told(error: Error) -> Error {
    error
}

fn main() {}
