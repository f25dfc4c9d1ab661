//! A serializer that writes nothing and refuses what JSON would change in silence.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

/// Walks a value; answers whether JSON writes it as `null`, which an `Option` around it could not tell from
/// `None`.
pub(super) struct Faithful;

/// Whether the value walked would be written as `null`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Null,
    Something,
}

/// Why a value cannot be written faithfully.
#[derive(Debug)]
pub(super) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Refused(message.to_string())
    }
}

type Walked = Result<Seen, Refused>;

fn finite(is_finite: bool, what: impl fmt::Display) -> Walked {
    if is_finite {
        Ok(Seen::Something)
    } else {
        Err(Refused(format!("JSON has no {what}: it would come back as null")))
    }
}

macro_rules! something {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Walked { Ok(Seen::Something) })*
    };
}

impl Serializer for Faithful {
    type Ok = Seen;
    type Error = Refused;
    type SerializeSeq = Faithful;
    type SerializeTuple = Faithful;
    type SerializeTupleStruct = Faithful;
    type SerializeTupleVariant = Faithful;
    type SerializeMap = Faithful;
    type SerializeStruct = Faithful;
    type SerializeStructVariant = Faithful;

    something!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
    );

    fn serialize_f32(self, value: f32) -> Walked {
        finite(value.is_finite(), value)
    }

    fn serialize_f64(self, value: f64) -> Walked {
        finite(value.is_finite(), value)
    }

    fn serialize_none(self) -> Walked {
        Ok(Seen::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Walked {
        match value.serialize(Faithful)? {
            Seen::Something => Ok(Seen::Something),
            Seen::Null => Err(Refused(
                "JSON cannot tell Some(()) or Some(None) from None: it would come back as None".to_owned(),
            )),
        }
    }

    fn serialize_unit(self) -> Walked {
        Ok(Seen::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Walked {
        Ok(Seen::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Walked {
        Ok(Seen::Something)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Walked {
        value.serialize(Faithful)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Walked {
        value.serialize(Faithful)?;
        Ok(Seen::Something)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_tuple(self, _: usize) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Faithful, Refused> {
        Ok(Faithful)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Walked {
        Ok(Seen::Something)
    }
}

macro_rules! walks {
    ($($trait:ident { $($method:ident),* })*) => {
        $(impl ser::$trait for Faithful {
            type Ok = Seen;
            type Error = Refused;

            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                value.serialize(Faithful).map(|_| ())
            })*

            fn end(self) -> Walked {
                Ok(Seen::Something)
            }
        })*
    };
}
walks! {
    SerializeSeq { serialize_element }
    SerializeTuple { serialize_element }
    SerializeTupleStruct { serialize_field }
    SerializeTupleVariant { serialize_field }
    SerializeMap { serialize_key, serialize_value }
}

macro_rules! walks_fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Faithful {
            type Ok = Seen;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                value.serialize(Faithful).map(|_| ())
            }

            fn end(self) -> Walked {
                Ok(Seen::Something)
            }
        })*
    };
}
walks_fields! { SerializeStruct SerializeStructVariant }
