use idempotent::Error;

// (without the attribute)
async fn book(id: u32) -> Result<u32, Error> {
    let day: u32 = "3".parse()?;
    Ok(id + day)
}

fn main() {
    drop(book(1));
}
