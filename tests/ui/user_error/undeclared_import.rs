use idempotent::Error;

#[idempotent::idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    let found: HashMap<u32, u32> = HashMap::new();
    Ok(found[&id])
}

fn main() {
    drop(book(1));
}
