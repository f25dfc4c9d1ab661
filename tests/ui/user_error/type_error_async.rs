use idempotent::Error;

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    let day: u32 = "monday";
    Ok(id + day)
}

fn main() {
    drop(book(1));
}
