use idempotent::Error;

#[idempotent::idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    Ok(id.to_string())
}

fn main() {
    let _ = book(1);
}
