#![deny(unreachable_code)]

use idempotent::Error;

// (without the attribute)
async fn book(id: u32) -> Result<u32, Error> {
    return Ok(id);
    println!("never");
}

fn main() {
    drop(book(1));
}
