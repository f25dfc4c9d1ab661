use idempotent::Error;

// (without the attribute)
fn book(id: u32) -> Result<u32, Error> {
    Ok(id.to_string())
}

fn main() {
    let _ = book(1);
}
