#![deny(unreachable_code)]

use idempotent::Error;

// (without the attribute)
fn book(id: u32) -> Result<u32, Error> {
    return Ok(id);
    println!("never");
}

fn main() {
    let _ = book(1);
}
