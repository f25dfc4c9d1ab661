use idempotent::{Error, effect, idempotent};

#[idempotent(key = id)]
fn book(id: u32) -> Result<u32, Error> {
    fn act(n: u32) -> u32 {
        effect!(n + 1)
    }
    Ok(act(id))
}

fn main() {}
