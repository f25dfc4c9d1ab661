#![deny(unused_mut)]

use idempotent::Error;

// (without the attribute)
fn book(id: u32, mut day: u8) -> Result<u32, Error> {
    Ok(id + u32::from(day))
}

fn main() {
    let _ = book(1, 2);
}
