//! A serializer that writes nothing and refuses what the built-in codecs would change in silence.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

/// Walks a value; answers whether the codec writes it as its one `null`, which an `Option` around it could not tell
/// from `None`.
#[derive(Clone, Copy)]
pub(super) struct Faithful {
    format: &'static str,
    has_every_float: bool,
    is_human_readable: bool,
}

impl Faithful {
    pub(super) const JSON: Faithful =
        Faithful { format: "JSON", has_every_float: false, is_human_readable: true };
    #[cfg(feature = "msgpack")]
    pub(super) const MSGPACK: Faithful =
        Faithful { format: "MessagePack", has_every_float: true, is_human_readable: false };

    fn float(self, is_finite: bool, what: impl fmt::Display) -> Walked {
        if is_finite || self.has_every_float {
            Ok(Seen::Something)
        } else {
            Err(Refused(format!("{} has no {what}: it would come back as null", self.format)))
        }
    }
}

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
        self.float(value.is_finite(), value)
    }

    fn serialize_f64(self, value: f64) -> Walked {
        self.float(value.is_finite(), value)
    }

    fn serialize_none(self) -> Walked {
        Ok(Seen::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Walked {
        match value.serialize(self)? {
            Seen::Something => Ok(Seen::Something),
            Seen::Null => Err(Refused(format!(
                "{} cannot tell Some(()) or Some(None) from None: it would come back as None",
                self.format
            ))),
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
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Walked {
        value.serialize(self)?;
        Ok(Seen::Something)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Faithful, Refused> {
        Ok(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Walked {
        Ok(Seen::Something)
    }

    fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }
}

macro_rules! walks {
    ($($trait:ident { $($method:ident),* })*) => {
        $(impl ser::$trait for Faithful {
            type Ok = Seen;
            type Error = Refused;

            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                value.serialize(*self).map(|_| ())
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
                value.serialize(*self).map(|_| ())
            }

            fn end(self) -> Walked {
                Ok(Seen::Something)
            }
        })*
    };
}
walks_fields! { SerializeStruct SerializeStructVariant }
