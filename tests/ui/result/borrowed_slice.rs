use idempotent::{Error, idempotent};

#[idempotent(key = days)]
fn book<'a>(days: &'a [u8]) -> Result<(u8, &'a [u8]), Error> {
    Ok((1, days))
}

fn main() {}
