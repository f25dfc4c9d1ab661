use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
async fn book(id: u32) -> Result<u32, Error> {
    let act = |n: u32| effect!(n + 1);
    Ok(act(id))
}

fn main() {}
