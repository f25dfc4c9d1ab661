use idempotent::Error;

#[idempotent::idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id)
}

fn main() {
    let _ = book("1");
}
