//! What identifies a call: [`Key`], and [`Fingerprint`] for the arguments that are not in the key.
//!
//! A key is the SHA-256 of a canonical encoding of the scope, the operation's name and the key parts. The encoding
//! is injective (different parts never share a key) and the same on every platform and in every release;
//! [its page](crate::_docs::keys) has the rules and the bytes.
//!
//! ```
//! use idempotent::key::KeyBuilder;
//!
//! let mut builder = KeyBuilder::new("clinic-7", "appointments.create");
//! builder.part("patient_id", "p1")?;
//! builder.part("date", "2026-01-05")?;
//! let (key, display) = builder.finish()?;
//! assert_eq!(display, r#"patient_id="p1", date="2026-01-05""#);
//! assert_eq!(key.to_string().len(), 64);
//! # Ok::<(), idempotent::key::KeyError>(())
//! ```

mod build;
mod display;
mod encode;
mod entries;
mod error;
mod fingerprint;
mod format;
mod hex;
mod pepper;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

pub use self::build::{KeyBuilder, KeyHasher};
pub use self::display::{DISPLAY_LIMIT, KeyDisplay};
pub use self::error::KeyError;
pub use self::fingerprint::{Fingerprint, FingerprintBuilder};
pub(crate) use self::format::scope_text;
pub use self::format::{Piece, TextPart};
pub use self::pepper::{PepperError, install_pepper};

use self::hex::{Hex, HexError};

/// The identity of a call: equal for calls with the same scope, operation and key parts, and for no others.
///
/// As text it is 64 lower-case hexadecimal digits, in `Display`, in `Debug` and through serde.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key from the bytes that [`Key::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A UUID to hand to a system that takes a request id or an `Idempotency-Key`: the same for every attempt at
    /// this key, and different from every [`Key::request_id_for`]. Its version is 8 (RFC 9562, custom).
    pub fn request_id(&self) -> Uuid {
        build::request_id(self, None)
    }

    /// A request id for one of several outgoing calls, told apart by a label of your choice.
    ///
    /// ```
    /// # let key = idempotent::key::Key::from_bytes([7; 32]);
    /// assert_eq!(key.request_id_for("charge"), key.request_id_for("charge"));
    /// assert_ne!(key.request_id_for("charge"), key.request_id_for("mail"));
    /// assert_ne!(key.request_id_for(""), key.request_id());
    /// ```
    pub fn request_id_for(&self, label: &str) -> Uuid {
        build::request_id(self, Some(label))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads 64 hexadecimal digits of either case.
impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        hex::parse(text).map(Self).map_err(ParseKeyError)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key of 64 hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

/// A text that is not a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseKeyError(HexError);

impl fmt::Display for ParseKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key: ")?;
        match self.0 {
            HexError::NotADigit { character, at } => {
                write!(f, "{character:?} at byte {at} is not a hexadecimal digit")?;
            }
            HexError::Length(digits) => write!(f, "it has {digits} digits")?,
        }
        f.write_str(" (a key is 64 hexadecimal digits)")
    }
}

impl std::error::Error for ParseKeyError {}
