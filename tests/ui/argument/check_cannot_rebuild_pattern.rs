use idempotent::{Error, idempotent};

#[idempotent(key = first, check(find, after = "2s"))]
fn book([first, ..]: [u32; 3]) -> Result<u32, Error> {
    Ok(first)
}

fn find([first, ..]: [u32; 3]) -> Result<Option<u32>, Error> {
    Ok(Some(first))
}

fn main() {}
