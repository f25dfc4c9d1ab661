//! Values as bytes: JSON text, so that operators and other languages can read them.
//!
//! JSON changes some values in silence: NaN and infinity become `null`, `Some(())` and `Some(None)` come back
//! as `None`. [`encode`] refuses those, because another value must never be replayed.

mod faithful;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The name under which stores keep values of this codec.
pub(crate) const JSON: &str = "json";

/// Why a value has no bytes, or bytes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodecError(pub(crate) String);

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The JSON text of `value`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    value.serialize(faithful::Faithful).map_err(|refused| CodecError(refused.to_string()))?;
    serde_json::to_vec(value).map_err(|error| CodecError(error.to_string()))
}

/// The value of that JSON text.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    serde_json::from_slice(bytes).map_err(|error| CodecError(error.to_string()))
}

/// Whether two texts hold the same value; the order of a map's entries does not count.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let value = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}
