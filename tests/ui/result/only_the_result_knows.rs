use idempotent::{Error, idempotent};

#[idempotent(key = id)]
fn load<T>(id: u32) -> Result<T, Error>
where
    T: Default + serde::Serialize + serde::de::DeserializeOwned,
{
    Ok(T::default())
}

fn main() {}
