#![deny(unused_mut)]

use idempotent::Error;

// (without the attribute)
async fn book(id: u32, mut day: u8) -> Result<u32, Error> {
    let mut sum = id;
    Ok(sum + u32::from(day))
}

fn main() {
    drop(book(1, 2));
}
