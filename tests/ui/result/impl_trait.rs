use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<impl std::fmt::Display, Error> {
    Ok(id)
}

fn main() {}
