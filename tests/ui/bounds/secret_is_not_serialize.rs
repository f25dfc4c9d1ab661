use idempotent::{Error, idempotent};

struct Card;

#[idempotent(key = id, secret(card))]
fn book(id: u32, card: &Card) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
