//! MessagePack.

use std::io::Cursor;

use rmp_serde::decode::{self, Deserializer};
use serde::de::IgnoredAny;
use serde::{Deserialize as _, Serialize as _};

use super::faithful::Faithful;
use super::own::{AnyValue, Codec, Reader};
use super::{CodecError, MSGPACK};

/// The codec `msgpack`: about half the size of JSON, with the names of fields, and it holds what JSON cannot, such as
/// NaN, infinity, bytes, and maps with keys of any kind. Like JSON it has one `nil`: `Some(())` and `Some(None)` are
/// refused.
///
/// ```
/// use idempotent::{Handle, MemoryStore, codec::MessagePack};
/// let handle = Handle::new(MemoryStore::new()).with_codec(MessagePack);
/// let same = idempotent::open("memory:?codec=msgpack")?;
/// # let _ = (handle, same);
/// # Ok::<(), idempotent::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MessagePack;

/// How deep values may be nested, so that no row can overflow the stack of who reads it.
const DEEPEST: usize = 128;

impl Codec for MessagePack {
    fn name(&self) -> &str {
        MSGPACK
    }

    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
        value.serialize(Faithful::MSGPACK).map_err(CodecError::new)?;
        let bytes = rmp_serde::to_vec_named(&value).map_err(CodecError::new)?;
        look_through(&bytes)?;
        Ok(bytes)
    }

    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
        look_through(bytes)?;
        reader.read(&mut Deserializer::from_read_ref(bytes))
    }
}

/// Whether the bytes are one value that is not nested too deep. The typed reader does not count the depth of enums, and
/// does not say what is left over.
fn look_through(bytes: &[u8]) -> Result<(), CodecError> {
    let mut all = Deserializer::new(Cursor::new(bytes));
    all.set_max_depth(DEEPEST);
    match IgnoredAny::deserialize(&mut all) {
        Ok(_) if all.position() == bytes.len() as u64 => Ok(()),
        Ok(_) => Err(CodecError::new("something stands after the value")),
        Err(decode::Error::DepthLimitExceeded) => Err(CodecError::new(format_args!(
            "it is nested more than {DEEPEST} deep, and could not be read again"
        ))),
        Err(error) => Err(CodecError::new(error)),
    }
}
