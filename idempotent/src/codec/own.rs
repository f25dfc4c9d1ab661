//! Codecs of a program's own.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize, Serializer};

use super::{CodecError, Written};

/// How values become bytes and values again.
///
/// A handle writes with one codec ([`Handle::with_codec`](crate::Handle::with_codec)), and its name is stored beside each
/// value: a record is read by the codec that its name says. So records outlive a change of the codec, as long as the
/// program knows the old one.
///
/// A value must come back equal. What a codec cannot hold it must refuse, and never change: the key is then done without
/// a value, and later calls get [`Error::StoredValue`](crate::Error::StoredValue). A debug build reads one result of each
/// operation again and warns if it is another value. A codec that panics is an interruption like any other: the key is
/// in doubt if the effect may have begun.
///
/// Both methods take any type that serde knows. The whole of one:
///
/// ```
/// use idempotent::codec::{AnyValue, Codec, CodecError, Reader};
///
/// /// JSON with line breaks, for people who read the rows.
/// struct Pretty;
///
/// impl Codec for Pretty {
///     fn name(&self) -> &str {
///         "pretty-json"
///     }
///     fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
///         serde_json::to_vec_pretty(&value).map_err(CodecError::new)
///     }
///     fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
///         let mut text = serde_json::Deserializer::from_slice(bytes);
///         reader.read(&mut text)?;
///         text.end().map_err(CodecError::new)
///     }
/// }
/// # let handle = idempotent::Handle::new(idempotent::MemoryStore::new()).with_codec(Pretty);
/// # let _ = handle;
/// ```
pub trait Codec: Send + Sync + 'static {
    /// The name that is stored beside each value. Another one for each form of bytes, for ever: records are read by it.
    /// `json` and `msgpack` are names of this crate's codecs; one of your own that is called so takes their place.
    fn name(&self) -> &str;

    /// The bytes of `value`.
    ///
    /// # Errors
    /// The value has no bytes that would come back as the same value.
    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError>;

    /// Reads the value of `bytes`: makes a deserializer of them and hands it to `reader`.
    ///
    /// # Errors
    /// The bytes are no value of this codec, or not of the type that `reader` wants.
    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError>;
}

/// A value of whatever type a function returns. It implements [`Serialize`].
#[derive(Clone, Copy)]
pub struct AnyValue<'a>(&'a dyn erased_serde::Serialize);

impl Serialize for AnyValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        erased_serde::serialize(self.0, serializer)
    }
}

impl fmt::Debug for AnyValue<'_> {
    /// Without the value, which is nobody's to log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyValue")
    }
}

type Read<'a> = &'a mut dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error>;

/// Takes a value of the type that a function returns out of a deserializer.
pub struct Reader<'a>(Read<'a>);

impl Reader<'_> {
    /// Takes the value.
    ///
    /// # Errors
    /// There is no value of that type in it.
    pub fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<(), CodecError> {
        let mut deserializer = <dyn erased_serde::Deserializer<'_>>::erase(deserializer);
        (self.0)(&mut deserializer).map_err(CodecError::new)
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

/// A codec, and its name as it was when the codec was given.
#[derive(Clone)]
pub(super) struct Named {
    name: Arc<str>,
    codec: Arc<dyn Codec>,
}

/// The codecs that a handle was given: the last one writes.
#[derive(Clone, Default)]
pub(super) struct Own(Option<Arc<[Named]>>);

impl Own {
    pub(super) fn with(self, codec: impl Codec) -> Own {
        let new = Named { name: codec.name().into(), codec: Arc::new(codec) };
        let before = self.0.as_deref().unwrap_or_default();
        Own(Some(before.iter().cloned().chain([new]).collect()))
    }

    pub(super) fn writer(&self) -> Option<&Named> {
        self.0.as_deref()?.last()
    }

    /// The codec of that name that was given last.
    pub(super) fn of_name(&self, name: &str) -> Option<&Named> {
        self.0.as_deref()?.iter().rev().find(|known| *known.name == *name)
    }
}

impl Named {
    pub(super) fn encode<T: Serialize>(&self, value: &T) -> Result<Written, CodecError> {
        let bytes = self.codec.encode(AnyValue(value))?;
        Ok(Written { bytes, codec: Arc::clone(&self.name) })
    }

    pub(super) fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, CodecError> {
        decode(&*self.codec, bytes)
    }
}

pub(super) fn decode<T: DeserializeOwned>(codec: &dyn Codec, bytes: &[u8]) -> Result<T, CodecError> {
    let mut found = None;
    codec.decode(
        bytes,
        Reader(&mut |deserializer| {
            found = Some(erased_serde::deserialize(deserializer)?);
            Ok(())
        }),
    )?;
    found.ok_or_else(|| CodecError::new("the codec has read no value"))
}
