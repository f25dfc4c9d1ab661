#![deny(unused_must_use)]

use idempotent::Error;

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {
    book(1);
}
