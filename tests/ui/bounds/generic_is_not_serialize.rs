use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn book<K>(id: K) -> Result<u32, Error> {
    Ok(1)
}

fn main() {}
