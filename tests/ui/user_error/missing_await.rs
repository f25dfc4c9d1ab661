use idempotent::Error;

async fn click() -> Result<u32, Error> {
    Ok(1)
}

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    let done = click()?;
    Ok(id + done)
}

fn main() {
    drop(book(1));
}
