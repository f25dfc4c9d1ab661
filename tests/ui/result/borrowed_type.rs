use std::borrow::Cow;

use idempotent::{Error, idempotent};

#[idempotent(key = patient)]
fn book<'a>(patient: &'a str) -> Result<Cow<'a, str>, Error> {
    Ok(Cow::Borrowed(patient))
}

fn main() {}
