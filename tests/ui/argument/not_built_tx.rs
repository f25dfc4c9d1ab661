use idempotent::{Error, idempotent};

#[idempotent(key = id, tx = connection)]
fn book(connection: &mut u8, id: u32) -> Result<u32, Error> {
    *connection += 1;
    Ok(id)
}

fn main() {}
