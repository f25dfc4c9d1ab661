//! JSON text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CodecError;
use super::faithful::Faithful;
#[cfg(feature = "codec")]
use super::own::{AnyValue, Codec, Reader};

/// The codec `json`, which every handle has: JSON text, with what JSON would change refused. Give it to a handle to
/// write it again after another one, or wrap it in a codec of your own.
#[cfg(feature = "codec")]
#[derive(Clone, Copy, Debug)]
pub struct Json;

#[cfg(feature = "codec")]
impl Codec for Json {
    fn name(&self) -> &str {
        super::JSON
    }

    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
        encode(&value)
    }

    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
        let mut text = serde_json::Deserializer::from_slice(bytes);
        reader.read(&mut text)?;
        text.end().map_err(CodecError::new)
    }
}

/// The JSON text of `value`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    value.serialize(Faithful::JSON).map_err(CodecError::new)?;
    let text = serde_json::to_vec(value).map_err(CodecError::new)?;
    if depth(&text) > DEEPEST {
        return Err(CodecError::new(format_args!(
            "it is nested more than {DEEPEST} deep, and could not be read again"
        )));
    }
    Ok(text)
}

/// The value of that JSON text.
pub(super) fn decode<T: DeserializeOwned>(text: &[u8]) -> Result<T, CodecError> {
    serde_json::from_slice(text).map_err(CodecError::new)
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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

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
