use idempotent::Error;

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    if id == 0 {
        return Ok("none");
    }
    Ok(id)
}

fn main() {
    drop(book(1));
}
