use idempotent::{Error, OnErr, idempotent};

#[idempotent(key = id, on_err = judge)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn judge(_: &str) -> OnErr {
    OnErr::Release
}

fn main() {}
