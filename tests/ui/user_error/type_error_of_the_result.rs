use idempotent::Error;

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    id
}

fn main() {
    drop(book(1));
}
