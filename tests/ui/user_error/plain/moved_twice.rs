use idempotent::Error;

// (without the attribute)
async fn book(id: u32, day: String) -> Result<u32, Error> {
    drop(day);
    drop(day);
    Ok(id)
}

fn main() {
    drop(book(1, String::new()));
}
