use idempotent::{Error, effect};

fn book(id: u32) -> Result<u32, Error> {
    Ok(effect!(id + 1))
}

fn main() {
    let _ = book(1);
}
