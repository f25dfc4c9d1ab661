#![deny(unused_variables)]

use idempotent::Error;

// (without the attribute)
async fn book(id: u32) -> Result<u32, Error> {
    let day = 3;
    Ok(id)
}

fn main() {
    drop(book(1));
}
