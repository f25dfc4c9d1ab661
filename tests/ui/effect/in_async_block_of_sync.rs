use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    let act = async { effect!(id + 1) };
    drop(act);
    Ok(id)
}

fn main() {}
