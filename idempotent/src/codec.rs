//! Values as bytes: JSON text, so that operators and other languages can read them, or what a codec of the handle's
//! makes of them.
//!
//! JSON changes some values in silence: NaN and infinity become `null`, `Some(())` and `Some(None)` come back
//! as `None`. The built-in codecs refuse what they would change, because another value must never be replayed.

#![cfg_attr(not(feature = "codec"), expect(unreachable_pub, reason = "public with that feature"))]

mod faithful;
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "codec")]
mod own;

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "codec")]
pub use json::Json;
#[cfg(feature = "msgpack")]
pub use msgpack::MessagePack;
#[cfg(feature = "codec")]
pub use own::{AnyValue, Codec, Reader};

/// The names under which stores keep values of the built-in codecs.
const JSON: &str = "json";
const MSGPACK: &str = "msgpack";

static JSON_NAME: LazyLock<Arc<str>> = LazyLock::new(|| JSON.into());

/// Why a value has no bytes, or bytes no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecError {
    text: Arc<str>,
    /// The text is that of a codec or of a type, and not one of ours: a part of the value may stand in it.
    may_quote: bool,
}

impl CodecError {
    /// What is wrong, in words for an operator.
    pub fn new(reason: impl fmt::Display) -> CodecError {
        CodecError { text: reason.to_string().into(), may_quote: true }
    }

    fn of_codec(text: impl Into<Arc<str>>) -> CodecError {
        CodecError { text: text.into(), may_quote: false }
    }

    pub(crate) fn may_quote(&self) -> bool {
        self.may_quote
    }

    pub(crate) fn into_text(self) -> Arc<str> {
        self.text
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CodecError {}

/// Bytes, and the name of the codec that reads them.
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) codec: Arc<str>,
}

/// The codecs of a handle: the one that writes, and those that can be read beside it.
#[derive(Clone, Default)]
pub(crate) struct Codecs {
    #[cfg(feature = "codec")]
    own: own::Own,
}

impl Codecs {
    /// The built-in codec of that name, to write with.
    pub(crate) fn named(name: &str) -> Result<Codecs, NoCodec> {
        match name {
            JSON => Ok(Codecs::default()),
            #[cfg(feature = "msgpack")]
            MSGPACK => Ok(Codecs::default().with(MessagePack)),
            #[cfg(not(feature = "msgpack"))]
            MSGPACK => Err(NoCodec {
                message: "this program was built without the codec `msgpack`".to_owned(),
                advice: "switch on the feature `msgpack` of the crate `idempotent`",
            }),
            _ => Err(NoCodec {
                message: format!("`{}` names no codec", name.escape_debug()),
                advice: "write `codec=json` or `codec=msgpack`; one of your own is given to the handle, \
                         `open(..)?.with_codec(..)`",
            }),
        }
    }

    /// These, and one more, which writes from now on.
    #[cfg(feature = "codec")]
    pub(crate) fn with(self, codec: impl Codec) -> Codecs {
        Codecs { own: self.own.with(codec) }
    }

    /// The bytes of `value`.
    pub(crate) fn encode<T: Serialize>(&self, value: &T) -> Result<Written, CodecError> {
        #[cfg(feature = "codec")]
        if let Some(writer) = self.own.writer() {
            return writer.encode(value);
        }
        as_json(value)
    }

    /// The value of bytes that the codec of that name has written.
    pub(crate) fn decode<T: DeserializeOwned>(&self, codec: &str, bytes: &[u8]) -> Result<T, CodecError> {
        #[cfg(feature = "codec")]
        if let Some(reader) = self.own.of_name(codec) {
            return reader.decode(bytes);
        }
        match codec {
            JSON => json::decode(bytes),
            #[cfg(feature = "msgpack")]
            MSGPACK => own::decode(&MessagePack, bytes),
            #[cfg(not(feature = "msgpack"))]
            MSGPACK => Err(CodecError::of_codec(
                "it is written by the codec `msgpack`, which this program was built without: switch on the feature `msgpack` \
                 of the crate `idempotent`",
            )),
            _ => Err(CodecError::of_codec(format!(
                "it is written by the codec `{}`, which this program does not know: give it to the handle, \
                 `handle.with_codec(..)`, before the one that writes",
                codec.escape_debug()
            ))),
        }
    }
}

/// The JSON text of `value`, which every program reads, whatever its codecs.
pub(crate) fn as_json<T: Serialize + ?Sized>(value: &T) -> Result<Written, CodecError> {
    json::encode(value).map(|bytes| Written { bytes, codec: Arc::clone(&JSON_NAME) })
}

/// A JSON text as it stands, once it has been seen to be one value. Written anew, its numbers could lose digits.
pub(crate) fn json_text(text: &str) -> Result<Written, CodecError> {
    serde_json::from_str::<serde_json::Value>(text).map_err(CodecError::new)?;
    Ok(Written { bytes: text.as_bytes().to_vec(), codec: Arc::clone(&JSON_NAME) })
}

/// Whether two JSON texts hold the same value; the order of a map's entries does not count.
pub(crate) fn same_json(one: &[u8], other: &[u8]) -> bool {
    let value = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    one == other || value(one).is_some_and(|one| Some(one) == value(other))
}

/// Why a name names no codec, and what to do.
pub(crate) struct NoCodec {
    pub(crate) message: String,
    pub(crate) advice: &'static str,
}
