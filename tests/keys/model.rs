//! A model of everything serde can hand over: values with the many ways in which each can be written, what two of
//! them must have in common to be equal, and their bytes by the page of the encoding.

use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::ser::{
    Serialize, SerializeMap as _, SerializeSeq as _, SerializeStruct as _, SerializeStructVariant as _,
    SerializeTuple as _, SerializeTupleStruct as _, SerializeTupleVariant as _, Serializer,
};

pub(crate) const NAMES: [&str; 4] = ["a", "ab", "b", ""];

/// A value and how its `Serialize` implementation writes it: `style` picks among the ways that mean the same.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) style: u8,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Unit,
    Bool(bool),
    Integer(i128),
    Text(String),
    Bytes(Vec<u8>),
    Option(Option<Box<Value>>),
    Sequence(Vec<Value>),
    /// Fields with names from [`NAMES`], each at most once.
    Struct(Vec<(&'static str, Value)>),
    Map(Vec<(Value, Value)>),
    Variant(&'static str, Option<Box<Value>>),
}

/// What counts about a value. Two values must have the same key if and only if this is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meaning {
    Unit,
    Bool(bool),
    Integer(i128),
    Text(String),
    Bytes(Vec<u8>),
    Option(Option<Box<Meaning>>),
    Sequence(Vec<Meaning>),
    Map(BTreeMap<Meaning, Meaning>),
    Variant(String, Option<Box<Meaning>>),
}

impl Value {
    /// `None` when a map somewhere in the value has one key twice, so that it means nothing.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        let boxed = |value: &Option<Box<Value>>| match value {
            None => Some(None),
            Some(value) => value.meaning().map(|meaning| Some(Box::new(meaning))),
        };
        Some(match &self.kind {
            Kind::Unit => Meaning::Unit,
            Kind::Bool(value) => Meaning::Bool(*value),
            Kind::Integer(value) => Meaning::Integer(*value),
            Kind::Text(value) => Meaning::Text(value.clone()),
            Kind::Bytes(value) => Meaning::Bytes(value.clone()),
            Kind::Option(value) => Meaning::Option(boxed(value)?),
            Kind::Sequence(values) => {
                Meaning::Sequence(values.iter().map(Value::meaning).collect::<Option<_>>()?)
            }
            Kind::Struct(fields) => {
                let mut map = BTreeMap::new();
                for (name, value) in fields {
                    map.insert(Meaning::Text((*name).to_owned()), value.meaning()?);
                }
                Meaning::Map(map)
            }
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    if map.insert(key.meaning()?, value.meaning()?).is_some() {
                        return None;
                    }
                }
                Meaning::Map(map)
            }
            Kind::Variant(name, content) => Meaning::Variant((*name).to_owned(), boxed(content)?),
        })
    }

    /// The same value written in other ways: other styles, and the entries of maps in another order.
    pub(crate) fn rewritten(&self, seed: u8) -> Value {
        let next = seed.wrapping_mul(167).wrapping_add(13);
        let boxed = |value: &Option<Box<Value>>| value.as_ref().map(|value| Box::new(value.rewritten(next)));
        let turn = |length: usize| if length == 0 { 0 } else { usize::from(next) % length };
        let kind = match &self.kind {
            Kind::Option(value) => Kind::Option(boxed(value)),
            Kind::Sequence(values) => {
                Kind::Sequence(values.iter().map(|value| value.rewritten(next)).collect())
            }
            Kind::Struct(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(name, value)| (*name, value.rewritten(next))).collect();
                let by = turn(fields.len());
                fields.rotate_left(by);
                Kind::Struct(fields)
            }
            Kind::Map(entries) => {
                let mut entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| (key.rewritten(next), value.rewritten(next.wrapping_add(1))))
                    .collect();
                let by = turn(entries.len());
                entries.rotate_left(by);
                entries.reverse();
                Kind::Map(entries)
            }
            Kind::Variant(name, content) => Kind::Variant(name, boxed(content)),
            leaf => leaf.clone(),
        };
        Value { kind, style: self.style.wrapping_add(seed) }
    }
}

impl Meaning {
    /// The canonical bytes, by the page of the encoding: short and slow.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Meaning::Unit => out.push(1),
            Meaning::Bool(value) => out.push(2 + u8::from(*value)),
            Meaning::Integer(value) => {
                let bytes = value.unsigned_abs().to_be_bytes();
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                out.extend([if *value < 0 { 7 } else { 6 }, 16 - zeros as u8]);
                out.extend(&bytes[zeros..]);
            }
            Meaning::Text(text) => write_text(text, out),
            Meaning::Bytes(bytes) => {
                out.push(9);
                out.extend((bytes.len() as u64).to_be_bytes());
                out.extend(bytes);
            }
            Meaning::Option(None) => out.push(4),
            Meaning::Option(Some(value)) => {
                out.push(5);
                value.write(out);
            }
            Meaning::Sequence(values) => {
                out.push(10);
                values.iter().for_each(|value| value.write(out));
                out.push(0);
            }
            Meaning::Map(entries) => {
                let mut written = BTreeMap::new();
                for (key, value) in entries {
                    let (mut key_bytes, mut value_bytes) = (Vec::new(), Vec::new());
                    key.write(&mut key_bytes);
                    value.write(&mut value_bytes);
                    written.insert(key_bytes, value_bytes);
                }
                out.push(11);
                for (key, value) in written {
                    out.extend(key);
                    out.extend(value);
                }
                out.push(0);
            }
            Meaning::Variant(name, content) => {
                out.push(12);
                write_text(name, out);
                match content {
                    None => out.push(0),
                    Some(content) => content.write(out),
                }
            }
        }
    }
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(8);
    out.extend(text.as_bytes());
    out.push(0xff);
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.style & 0x40 != 0 {
            let plain = Value { kind: self.kind.clone(), style: self.style & !0x40 };
            return serializer.serialize_newtype_struct("Wrapped", &plain);
        }
        match &self.kind {
            Kind::Unit if self.style.is_multiple_of(2) => serializer.serialize_unit(),
            Kind::Unit => serializer.serialize_unit_struct("Unit"),
            Kind::Bool(value) => serializer.serialize_bool(*value),
            Kind::Integer(value) => self.serialize_integer(*value, serializer),
            Kind::Text(text) => match (self.style % 3, text.chars().next()) {
                (0, Some(only)) if only.len_utf8() == text.len() => serializer.serialize_char(only),
                (1, _) => serializer.collect_str(&InPieces(text)),
                _ => serializer.serialize_str(text),
            },
            Kind::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Kind::Option(None) => serializer.serialize_none(),
            Kind::Option(Some(value)) => serializer.serialize_some(value),
            Kind::Sequence(values) => self.serialize_sequence(values, serializer),
            Kind::Struct(fields) if self.style.is_multiple_of(2) => {
                let mut entries = serializer.serialize_struct("Struct", fields.len())?;
                for (name, value) in fields {
                    entries.serialize_field(name, value)?;
                }
                entries.end()
            }
            Kind::Struct(fields) => {
                let mut entries = serializer.serialize_map(None)?;
                for (name, value) in fields {
                    entries.serialize_entry(name, value)?;
                }
                entries.end()
            }
            Kind::Map(values) => {
                let mut entries = serializer.serialize_map(Some(values.len()))?;
                for (key, value) in values {
                    entries.serialize_key(key)?;
                    entries.serialize_value(value)?;
                }
                entries.end()
            }
            Kind::Variant(name, content) => self.serialize_variant(name, content.as_deref(), serializer),
        }
    }
}

impl Value {
    /// In the smallest type that holds the value, or in any larger one.
    fn serialize_integer<S: Serializer>(&self, value: i128, serializer: S) -> Result<S::Ok, S::Error> {
        macro_rules! in_one_of {
            ($($width:ident $write:ident)*) => {{
                let mut skip = self.style % 10;
                $(if let Ok(value) = $width::try_from(value) {
                    if skip == 0 {
                        return serializer.$write(value);
                    }
                    skip -= 1;
                })*
                let _ = skip;
            }};
        }
        in_one_of! {
            u8 serialize_u8 i8 serialize_i8 u16 serialize_u16 i16 serialize_i16 u32 serialize_u32
            i32 serialize_i32 u64 serialize_u64 i64 serialize_i64 u128 serialize_u128
        }
        serializer.serialize_i128(value)
    }

    fn serialize_sequence<S: Serializer>(&self, values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
        match self.style % 4 {
            0 | 1 => {
                let length = self.style.is_multiple_of(4).then_some(values.len());
                let mut elements = serializer.serialize_seq(length)?;
                values.iter().try_for_each(|value| elements.serialize_element(value))?;
                elements.end()
            }
            2 => {
                let mut elements = serializer.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| elements.serialize_element(value))?;
                elements.end()
            }
            _ => {
                let mut elements = serializer.serialize_tuple_struct("Tuple", values.len())?;
                values.iter().try_for_each(|value| elements.serialize_field(value))?;
                elements.end()
            }
        }
    }

    /// The index is the style: it must not count.
    fn serialize_variant<S: Serializer>(
        &self,
        name: &'static str,
        content: Option<&Value>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let index = u32::from(self.style);
        match content {
            None => serializer.serialize_unit_variant("Enum", index, name),
            Some(Value { kind: Kind::Sequence(values), style }) if style & 0x40 == 0 => {
                let mut elements = serializer.serialize_tuple_variant("Enum", index, name, values.len())?;
                values.iter().try_for_each(|value| elements.serialize_field(value))?;
                elements.end()
            }
            Some(Value { kind: Kind::Struct(fields), style }) if style & 0x40 == 0 => {
                let mut entries = serializer.serialize_struct_variant("Enum", index, name, fields.len())?;
                fields.iter().try_for_each(|(name, value)| entries.serialize_field(name, value))?;
                entries.end()
            }
            Some(content) => serializer.serialize_newtype_variant("Enum", index, name, content),
        }
    }
}

/// Writes its text one character at a time.
struct InPieces<'a>(&'a str);

impl fmt::Display for InPieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| write!(f, "{character}"))
    }
}

/// Values from a small space, so that equal and nearly equal ones are common.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        any::<bool>().prop_map(Kind::Bool),
        prop_oneof![-2..3i128, Just(255), Just(256), Just(i128::MIN), Just(i128::MAX), any::<i128>()]
            .prop_map(Kind::Integer),
        prop_oneof!["[a-b]{0,2}", "\\PC{0,3}", "[\0\u{1}\u{8}\u{ff}]{0,3}", Just("x".repeat(510))]
            .prop_map(Kind::Text),
        prop::collection::vec(prop_oneof![Just(0), Just(8), Just(0xff), Just(b'a')], 0..3)
            .prop_map(Kind::Bytes),
        Just(Kind::Option(None)),
    ];
    let leaf = (leaf, any::<u8>()).prop_map(|(kind, style)| Value { kind, style });
    leaf.prop_recursive(4, 48, 5, |inner| {
        let name = prop::sample::select(&NAMES[..]);
        let kind = prop_oneof![
            inner.clone().prop_map(|value| Kind::Option(Some(Box::new(value)))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Kind::Sequence),
            (prop::sample::subsequence(&NAMES[..], 0..=4), prop::collection::vec(inner.clone(), 4))
                .prop_map(|(names, values)| Kind::Struct(names.into_iter().zip(values).collect())),
            prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Kind::Map),
            prop::collection::vec((0..1_000i128, inner.clone()), 15..20).prop_map(|entries| {
                let key = |number| Value { kind: Kind::Integer(number), style: 3 };
                Kind::Map(entries.into_iter().map(|(number, value)| (key(number), value)).collect())
            }),
            (name, prop::option::of(inner))
                .prop_map(|(name, value)| Kind::Variant(name, value.map(Box::new))),
        ];
        (kind, any::<u8>()).prop_map(|(kind, style)| Value { kind, style })
    })
}
