use idempotent::{Error, idempotent};

trait Portal {
    const NAME: &str;
}

#[idempotent(key = id)]
fn book<P>(id: u32) -> Result<u32, Error>
where
    P: Portal,
{
    Ok(id)
}

fn main() {}
