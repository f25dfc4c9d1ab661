use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(const { effect!(1) } + id)
}

fn main() {}
