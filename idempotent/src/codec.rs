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
    let text = serde_json::to_vec(value).map_err(|error| CodecError(error.to_string()))?;
    if depth(&text) > DEEPEST {
        return Err(CodecError(format!(
            "it is nested more than {DEEPEST} deep, and could not be read again"
        )));
    }
    Ok(text)
}

/// How deep the reader goes: one level less than its own limit.
const DEEPEST: usize = 127;

/// How deep arrays and objects are nested in a JSON text.
fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Nested(Vec<Nested>, String);

    fn nested(levels: usize) -> Nested {
        (1..levels)
            .fold(Nested(Vec::new(), "[{\\\"[".to_owned()), |inner, _| Nested(vec![inner], String::new()))
    }

    /// Fails when `DEEPEST` is not the depth to which values come back, or when brackets in texts count.
    #[test]
    fn what_is_encoded_can_be_read_again_however_deep() {
        let mut refused = 0;
        for levels in 1..80 {
            let value = nested(levels);
            match encode(&value) {
                Ok(text) => assert_eq!(decode::<Nested>(&text).unwrap(), value, "{levels} levels"),
                Err(error) => {
                    assert!(error.to_string().contains("deep"), "{error}");
                    let text = serde_json::to_vec(&value).unwrap();
                    assert!(decode::<Nested>(&text).is_err(), "{levels} levels could have been read");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
    }
}
