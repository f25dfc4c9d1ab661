use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    println!("{}", effect!(id + 1));
    Ok(id)
}

fn main() {}
