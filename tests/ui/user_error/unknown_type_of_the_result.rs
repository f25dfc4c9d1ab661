use idempotent::Error;

#[idempotent::idempotent(key = id)]
fn book(id: u32) -> Result<Apointment, Error> {
    Ok(id)
}

fn main() {
    let _ = book(1);
}
