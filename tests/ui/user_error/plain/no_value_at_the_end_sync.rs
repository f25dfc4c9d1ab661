use idempotent::Error;

// (without the attribute)
fn book(id: u32) -> Result<u32, Error> {
    Ok::<u32, Error>(id);
}

fn main() {
    let _ = book(1);
}
