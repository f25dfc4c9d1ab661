use idempotent::Error;

#[idempotent::idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    let day: u32 = "3".parse()?;
    Ok(id + day)
}

fn main() {
    let _ = book(1);
}
