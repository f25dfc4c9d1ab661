use idempotent::{Error, idempotent};

#[idempotent(key = ())]
fn book(id: u32, room: u8) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
