use idempotent::{Error, idempotent};

#[idempotent(key = all)]
fn pay((id, amounts): (u32, Vec<Option<f32>>)) -> Result<u32, Error> {
    Ok(id)
}

fn main() {}
