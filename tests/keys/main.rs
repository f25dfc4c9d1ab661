//! Keys, fingerprints and request ids: golden vectors, injectivity, the readable form, refusals.

mod display;
mod golden;
mod model;
mod properties;
mod refusals;
mod rules;

use idempotent::key::{Key, KeyError, KeyHasher};
use serde::Serialize;

/// The key of one part.
fn key_of<T: ?Sized + Serialize>(part: &T) -> Key {
    try_key_of(part).expect("a value that can be a key")
}

fn try_key_of<T: ?Sized + Serialize>(part: &T) -> Result<Key, KeyError> {
    let mut hasher = KeyHasher::new("", "op");
    hasher.part("part", part)?;
    hasher.finish()
}

/// Bytes through `serialize_bytes`, as the crate `serde_bytes` writes them.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
