//! The readable form of a key: `patient_id="p1", date="2026-01-05"`, for lists and messages, never for comparing.
//!
//! A bounded line is written through serde; when it is full, the line returns an error, which ends the value's
//! `Serialize` implementation early. So a part of a megabyte costs no more than its first characters.

use std::fmt::{self, Display, Write};

use serde::ser::{self, Serialize};

use super::format::{Piece, SECRET_SHOWN};

/// The most characters that the readable form of a key has.
pub const DISPLAY_LIMIT: usize = 200;

/// Makes the readable form of a key. Control characters are escaped, and what is longer than [`DISPLAY_LIMIT`]
/// characters is cut and ends in `…`.
///
/// ```
/// use idempotent::key::KeyDisplay;
///
/// let mut display = KeyDisplay::new();
/// display.part("order", &(17, Some("a\nb")));
/// assert_eq!(display.finish(), r#"order=(17, Some("a\nb"))"#);
/// ```
#[derive(Debug, Default)]
pub struct KeyDisplay(Line);

impl KeyDisplay {
    /// The readable form of no parts so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part; without a name, its value alone. A value whose `Serialize` implementation fails ends in `?`.
    pub fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) {
        // An error is a full line, which has its ellipsis and drops the mark too, or the value's own.
        if self.0.part(name, value).is_err() {
            let _ = self.0.write_char('?');
        }
    }

    /// Adds a part that is not shown.
    pub fn secret_part(&mut self, name: &str) {
        // As above; nothing of ours fails otherwise.
        let _ = self.0.begin(name).and_then(|()| self.0.write_str(SECRET_SHOWN));
    }

    /// Adds a format string, filled in. A hole whose `Display` implementation fails ends in `?`.
    pub fn format(&mut self, pieces: &[Piece<'_>]) {
        if self.0.format(pieces).is_err() {
            let _ = self.0.write_char('?');
        }
    }

    /// The readable form of the parts added.
    pub fn finish(self) -> String {
        self.0.text
    }
}

/// A text of at most [`DISPLAY_LIMIT`] characters.
#[derive(Debug, Default)]
struct Line {
    text: String,
    characters: usize,
}

impl Write for Line {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        piece.chars().try_for_each(|character| self.write_char(character))
    }

    fn write_char(&mut self, character: char) -> fmt::Result {
        if self.characters == DISPLAY_LIMIT {
            self.text.pop();
            self.text.push('…');
            return Err(fmt::Error);
        }
        self.text.push(character);
        self.characters += 1;
        Ok(())
    }
}

impl Line {
    fn part<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> fmt::Result {
        self.begin(name)?;
        value.serialize(self)
    }

    fn format(&mut self, pieces: &[Piece<'_>]) -> fmt::Result {
        self.begin("")?;
        self.write_char('"')?;
        pieces.iter().try_for_each(|piece| piece.write_display(&mut Escaped(self)))?;
        self.write_char('"')
    }

    /// A comma after the part before, and the name.
    fn begin(&mut self, name: &str) -> fmt::Result {
        if self.characters > 0 {
            self.write_str(", ")?;
        }
        if !name.is_empty() {
            write!(Escaped(self), "{name}")?;
            self.write_char('=')?;
        }
        Ok(())
    }

    fn quoted(&mut self, value: impl Display) -> fmt::Result {
        self.write_char('"')?;
        write!(Escaped(self), "{value}")?;
        self.write_char('"')
    }

    fn group(&mut self, name: &str, open: char, close: char) -> Result<Group<'_>, fmt::Error> {
        self.write_str(name)?;
        self.write_char(open)?;
        Ok(Group { line: self, close, empty: true })
    }
}

/// Escapes what a terminal or a log would act on: control characters, and others that are not seen as themselves.
struct Escaped<'a>(&'a mut Line);

impl Write for Escaped<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        piece.chars().try_for_each(|character| match character {
            '\'' => self.0.write_char(character),
            _ => character.escape_debug().try_for_each(|character| self.0.write_char(character)),
        })
    }
}

macro_rules! plain {
    ($($write:ident $value:ty)*) => {$(
        fn $write(self, value: $value) -> fmt::Result {
            write!(self, "{value}")
        }
    )*};
}

impl<'a> ser::Serializer for &'a mut Line {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Group<'a>;
    type SerializeTuple = Group<'a>;
    type SerializeTupleStruct = Group<'a>;
    type SerializeTupleVariant = Group<'a>;
    type SerializeMap = Group<'a>;
    type SerializeStruct = Group<'a>;
    type SerializeStructVariant = Group<'a>;

    fn is_human_readable(&self) -> bool {
        true
    }

    plain! {
        serialize_bool bool
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
        serialize_f32 f32 serialize_f64 f64
    }

    fn serialize_char(self, value: char) -> fmt::Result {
        self.quoted(value)
    }

    fn serialize_str(self, value: &str) -> fmt::Result {
        self.quoted(value)
    }

    fn collect_str<T: ?Sized + Display>(self, value: &T) -> fmt::Result {
        self.quoted(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> fmt::Result {
        self.write_str("0x")?;
        value.iter().try_for_each(|byte| write!(self, "{byte:02x}"))
    }

    fn serialize_none(self) -> fmt::Result {
        self.write_str("None")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> fmt::Result {
        self.serialize_newtype_variant("", 0, "Some", value)
    }

    fn serialize_unit(self) -> fmt::Result {
        self.write_str("()")
    }

    fn serialize_unit_struct(self, _: &'static str) -> fmt::Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> fmt::Result {
        self.write_str(name)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> fmt::Result {
        let mut group = self.group(name, '(', ')')?;
        group.item(value)?;
        group.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Group<'a>, fmt::Error> {
        self.group("", '[', ']')
    }

    fn serialize_tuple(self, _: usize) -> Result<Group<'a>, fmt::Error> {
        self.group("", '(', ')')
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Group<'a>, fmt::Error> {
        self.group("", '(', ')')
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Group<'a>, fmt::Error> {
        self.group(name, '(', ')')
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Group<'a>, fmt::Error> {
        self.group("", '{', '}')
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Group<'a>, fmt::Error> {
        self.group("", '{', '}')
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Group<'a>, fmt::Error> {
        self.group(name, '{', '}')
    }
}

/// Something in brackets, with commas between its items.
struct Group<'a> {
    line: &'a mut Line,
    close: char,
    empty: bool,
}

impl Group<'_> {
    fn separate(&mut self) -> fmt::Result {
        if std::mem::replace(&mut self.empty, false) { Ok(()) } else { self.line.write_str(", ") }
    }

    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> fmt::Result {
        self.separate()?;
        value.serialize(&mut *self.line)
    }

    fn named<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> fmt::Result {
        self.separate()?;
        self.line.write_str(name)?;
        self.line.write_str(": ")?;
        value.serialize(&mut *self.line)
    }

    fn close(self) -> fmt::Result {
        self.line.write_char(self.close)
    }
}

macro_rules! items {
    ($($compound:ident $write:ident)*) => {$(
        impl ser::$compound for Group<'_> {
            type Ok = ();
            type Error = fmt::Error;

            fn $write<T: ?Sized + Serialize>(&mut self, value: &T) -> fmt::Result {
                self.item(value)
            }

            fn end(self) -> fmt::Result {
                self.close()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

impl ser::SerializeMap for Group<'_> {
    type Ok = ();
    type Error = fmt::Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> fmt::Result {
        self.item(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> fmt::Result {
        self.line.write_str(": ")?;
        value.serialize(&mut *self.line)
    }

    fn end(self) -> fmt::Result {
        self.close()
    }
}

macro_rules! fields {
    ($($compound:ident)*) => {$(
        impl ser::$compound for Group<'_> {
            type Ok = ();
            type Error = fmt::Error;

            fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> fmt::Result {
                self.named(name, value)
            }

            fn end(self) -> fmt::Result {
                self.close()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
