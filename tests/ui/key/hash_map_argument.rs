use std::collections::HashMap;

use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn book(id: u32, fields: &HashMap<String, String>) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
