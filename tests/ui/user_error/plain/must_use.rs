#![deny(unused_must_use)]

use idempotent::Error;

fn click() -> Result<(), Error> {
    Ok(())
}

// (without the attribute)
fn book(id: u32) -> Result<u32, Error> {
    click();
    Ok(id)
}

fn main() {
    let _ = book(1);
}
