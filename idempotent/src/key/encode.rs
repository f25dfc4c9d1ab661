//! The canonical bytes: a value goes through serde into SHA-256, tagged so that different values have different
//! bytes. The page `idempotent::_docs::keys` says what is written; this file and `entries` write it.
//!
//! The grammar is free of prefixes: every value says where it ends, so values can follow each other without a
//! count, and a sequence of unknown length has the same bytes as one whose length was announced.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;

use super::entries::Entries;
use super::error::{KeyError, Reason, Step};

/// The first byte of everything that is hashed. It grows when the encoding changes, and then no stored key is
/// found any more: see the golden vectors in `tests/keys`.
pub(super) const VERSION: u8 = 1;

/// The second byte: what the hash is for.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Purpose {
    Key = b'k',
    Fingerprint = b'f',
    Shape = b's',
    RequestId = b'r',
    Secret = b'p',
}

pub(super) const END: u8 = 0x00;
const UNIT: u8 = 0x01;
const FALSE: u8 = 0x02;
const TRUE: u8 = 0x03;
const NONE: u8 = 0x04;
const SOME: u8 = 0x05;
const NOT_NEGATIVE: u8 = 0x06;
const NEGATIVE: u8 = 0x07;
pub(super) const TEXT: u8 = 0x08;
const BYTES: u8 = 0x09;
const SEQUENCE: u8 = 0x0a;
const MAP: u8 = 0x0b;
const VARIANT: u8 = 0x0c;
pub(super) const FORMAT: u8 = 0x0d;
const SEALED: u8 = 0x0e;
/// Ends a text: no UTF-8 contains it.
pub(super) const TEXT_END: u8 = 0xff;

/// Bytes held on the stack before they are hashed together. A struct or map that encodes to more goes to the heap.
pub(super) const INLINE: usize = 512;

/// Hashes a version, a purpose and any number of values.
pub(super) struct Encoder {
    hash: Sha256,
    pub(super) pending: SmallVec<[u8; INLINE]>,
    /// Structs and maps being written: while there are any, nothing is hashed, because they get sorted.
    pub(super) open_maps: usize,
    /// The first value that was refused, however its surroundings took it: nothing can be hashed after it.
    refused: Option<KeyError>,
    inside_part: bool,
}

impl Encoder {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self::after(Sha256::new(), purpose)
    }

    /// An encoder whose hash has already taken something in.
    pub(super) fn after(hash: Sha256, purpose: Purpose) -> Self {
        let mut pending = SmallVec::new();
        pending.extend_from_slice(&[VERSION, purpose as u8]);
        Self { hash, pending, open_maps: 0, refused: None, inside_part: false }
    }

    /// Adds one value at the outermost level. After a refusal every further value is refused with the same error.
    pub(super) fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<(), KeyError> {
        self.outermost(|this| this.nested(Step::Part(name), value))?;
        if let Some(swallowed) = self.refused.take() {
            self.refused = Some(swallowed.within(Step::Part(name)));
        }
        self.check()
    }

    /// Writes one value at the outermost level, unless one was refused before.
    pub(super) fn outermost(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        self.check()?;
        self.inside_part = true;
        let written = write(self);
        self.inside_part = false;
        written
    }

    /// Adds the code that stands for a secret.
    pub(super) fn sealed(&mut self, code: &[u8; 32]) {
        self.put(&[SEALED]);
        self.put(code);
    }

    /// Adds a text.
    pub(super) fn text(&mut self, text: &str) {
        self.put(&[TEXT]);
        self.put(text.as_bytes());
        self.put(&[TEXT_END]);
    }

    /// The hash of everything added, or the reason why there is none.
    pub(super) fn finish(self) -> Result<[u8; 32], KeyError> {
        self.check()?;
        Ok(self.hash())
    }

    /// The hash of what was added without a part that could be refused.
    pub(super) fn hash(mut self) -> [u8; 32] {
        self.put(&[END]);
        self.hash.update(&self.pending);
        self.hash.finalize().into()
    }

    fn check(&self) -> Result<(), KeyError> {
        match &self.refused {
            Some(error) => Err(error.clone()),
            // Only when a part unwound and somebody caught that and went on.
            None if self.inside_part => Err(KeyError::new(Reason::Unfinished)),
            None => Ok(()),
        }
    }

    /// Adds a value that lies inside another. A refusal is remembered, so that a `Serialize` implementation that
    /// ignores it gets no key either.
    pub(super) fn nested<T: ?Sized + Serialize>(
        &mut self,
        step: Step<'_>,
        value: &T,
    ) -> Result<(), KeyError> {
        value.serialize(&mut *self).map_err(|error| self.refuse(error.within(step)))
    }

    pub(super) fn refuse(&mut self, error: KeyError) -> KeyError {
        self.refused = Some(error.clone());
        error
    }

    /// Adds bytes that come from here or from a primitive value.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if self.open_maps == 0 && self.pending.len() + bytes.len() > INLINE {
            self.hash.update(&self.pending);
            self.pending.clear();
            if bytes.len() > INLINE {
                self.hash.update(bytes);
                return;
            }
        }
        self.pending.extend_from_slice(bytes);
    }

    /// An integer by its value, in as few bytes as it needs, so that its type does not count.
    fn integer(&mut self, tag: u8, magnitude: u128) {
        let bytes = magnitude.to_be_bytes();
        let length = bytes.len() - magnitude.leading_zeros() as usize / 8;
        self.put(&[tag, length as u8]);
        self.put(&bytes[bytes.len() - length..]);
    }

    fn signed(&mut self, value: i128) {
        self.integer(if value < 0 { NEGATIVE } else { NOT_NEGATIVE }, value.unsigned_abs());
    }

    fn variant(&mut self, name: &str) {
        self.put(&[VARIANT]);
        self.text(name);
    }

    fn elements(&mut self) -> Elements<'_> {
        self.put(&[SEQUENCE]);
        Elements { encoder: self }
    }

    fn entries(&mut self) -> Entries<'_> {
        self.put(&[MAP]);
        Entries::open(self)
    }
}

impl<'a> ser::Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = KeyError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    fn is_human_readable(&self) -> bool {
        true
    }

    fn serialize_bool(self, value: bool) -> Result<(), KeyError> {
        self.put(&[if value { TRUE } else { FALSE }]);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), KeyError> {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Result<(), KeyError> {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), KeyError> {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), KeyError> {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), KeyError> {
        self.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), KeyError> {
        self.integer(NOT_NEGATIVE, value.into());
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), KeyError> {
        self.integer(NOT_NEGATIVE, value.into());
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Result<(), KeyError> {
        self.integer(NOT_NEGATIVE, value.into());
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), KeyError> {
        self.integer(NOT_NEGATIVE, value.into());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), KeyError> {
        self.integer(NOT_NEGATIVE, value);
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Result<(), KeyError> {
        Err(KeyError::new(Reason::Float))
    }

    fn serialize_f64(self, _: f64) -> Result<(), KeyError> {
        Err(KeyError::new(Reason::Float))
    }

    fn serialize_char(self, value: char) -> Result<(), KeyError> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), KeyError> {
        self.text(value);
        Ok(())
    }

    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Result<(), KeyError> {
        self.put(&[TEXT]);
        if write!(TextPieces(self), "{value}").is_err() {
            return Err(KeyError::new(Reason::Display));
        }
        self.put(&[TEXT_END]);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), KeyError> {
        self.put(&[BYTES]);
        self.put(&(value.len() as u64).to_be_bytes());
        self.put(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), KeyError> {
        self.put(&[NONE]);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), KeyError> {
        self.put(&[SOME]);
        self.nested(Step::Inside, value)
    }

    fn serialize_unit(self) -> Result<(), KeyError> {
        self.put(&[UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), KeyError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), KeyError> {
        self.variant(name);
        self.put(&[END]);
        Ok(())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        self.nested(Step::Inside, value)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), KeyError> {
        self.variant(name);
        self.nested(Step::Inside, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, KeyError> {
        Ok(self.elements())
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>, KeyError> {
        Ok(self.elements())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, KeyError> {
        Ok(self.elements())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Elements<'a>, KeyError> {
        self.variant(name);
        Ok(self.elements())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, KeyError> {
        Ok(self.entries())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, KeyError> {
        Ok(self.entries())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Entries<'a>, KeyError> {
        self.variant(name);
        Ok(self.entries())
    }
}

/// The text of a `Display` implementation, piece by piece: where it is cut does not count.
struct TextPieces<'a>(&'a mut Encoder);

impl fmt::Write for TextPieces<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0.put(piece.as_bytes());
        Ok(())
    }
}

/// A sequence, tuple or array being written.
pub(super) struct Elements<'a> {
    encoder: &'a mut Encoder,
}

impl Elements<'_> {
    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), KeyError> {
        self.encoder.nested(Step::Element, value)
    }

    fn close(self) -> Result<(), KeyError> {
        self.encoder.put(&[END]);
        Ok(())
    }
}

macro_rules! elements {
    ($($compound:ident $write:ident)*) => {$(
        impl ser::$compound for Elements<'_> {
            type Ok = ();
            type Error = KeyError;

            fn $write<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), KeyError> {
                self.element(value)
            }

            fn end(self) -> Result<(), KeyError> {
                self.close()
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("refused", &self.refused).finish_non_exhaustive()
    }
}
