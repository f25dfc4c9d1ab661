//! How the values and errors of one function become bytes, and what its errors mean: functions without state,
//! so that a call need not be generic over them.

use std::any::type_name;
use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Operation;
use super::outcome::{Recordable, Returns};
use crate::codec::{self, CodecError};
use crate::error::Error;
use crate::policy::OnErr;
use crate::protocol::Value;
use crate::telemetry::events::{self, RoundTrip};

/// The schema version of values; functions cannot choose another one yet.
const VERSION: u32 = 1;

/// What is known of a function's result.
pub(super) struct Rules<R: Returns> {
    pub(super) from_error: fn(Error) -> R::Err,
    pub(super) error_text: fn(&R::Err) -> String,
    /// The call has secrets, which an error's text or a late result could tell.
    pub(super) withholds: bool,
    pub(super) encode: fn(&R::Ok) -> Result<Vec<u8>, CodecError>,
    pub(super) decode: fn(&[u8]) -> Result<R::Ok, CodecError>,
    pub(super) on_err: OnErrRule<R::Err>,
}

impl<R: Returns> Clone for Rules<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Returns> Copy for Rules<R> {}

pub(super) enum OnErrRule<E> {
    Doubt,
    Release,
    Store(ErrorCodec<E>),
    With(fn(&E) -> OnErr, ErrorCodec<E>),
}

impl<E> Clone for OnErrRule<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for OnErrRule<E> {}

/// How an error becomes bytes, if it can.
pub struct ErrorCodec<E> {
    pub(super) encode: fn(&E) -> Result<Vec<u8>, CodecError>,
    pub(super) decode: fn(&[u8]) -> Result<E, CodecError>,
}

impl<E> Clone for ErrorCodec<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorCodec<E> {}

impl<E: Serialize + DeserializeOwned> ErrorCodec<E> {
    pub(super) const fn serde() -> ErrorCodec<E> {
        ErrorCodec { encode: codec::encode::<E>, decode: codec::decode::<E> }
    }
}

impl<E> ErrorCodec<E> {
    const fn nothing() -> ErrorCodec<E> {
        ErrorCodec {
            encode: |_| Err(CodecError(format!("{} does not implement `Serialize`", type_name::<E>()))),
            decode: |_| Err(CodecError(format!("{} does not implement `Deserialize`", type_name::<E>()))),
        }
    }
}

/// Finds out, where the type of an error is known, what it can do: called on `&Probe::<E>::NEW`, the methods
/// of [`ViaSerde`] and [`ViaDisplay`] come first where their bounds hold, else those of [`ViaNothing`] and
/// [`ViaName`].
pub struct Probe<E>(PhantomData<fn() -> E>);

impl<E> Clone for Probe<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Probe<E> {}

impl<E> Probe<E> {
    /// The probe for `E`.
    pub const NEW: Probe<E> = Probe(PhantomData);
}

/// What [`Probe`] finds where the error can be recorded or shown.
pub trait ViaSerde<E> {
    /// How the error becomes bytes.
    fn __idempotent_error_codec(&self) -> ErrorCodec<E>;
}

impl<E: Recordable> ViaSerde<E> for Probe<E> {
    fn __idempotent_error_codec(&self) -> ErrorCodec<E> {
        ErrorCodec::serde()
    }
}

/// What [`Probe`] finds where the error cannot be recorded.
pub trait ViaNothing<E> {
    /// How the error becomes bytes: not at all.
    fn __idempotent_error_codec(self) -> ErrorCodec<E>;
}

impl<E> ViaNothing<E> for Probe<E> {
    fn __idempotent_error_codec(self) -> ErrorCodec<E> {
        ErrorCodec::nothing()
    }
}

/// What [`Probe`] finds where the error can be shown to people.
pub trait ViaDisplay<E> {
    /// How the error becomes text.
    fn __idempotent_error_text(&self) -> fn(&E) -> String;
}

impl<E: Display> ViaDisplay<E> for Probe<E> {
    fn __idempotent_error_text(&self) -> fn(&E) -> String {
        |error| error.to_string()
    }
}

/// What [`Probe`] finds where the error cannot be shown.
pub trait ViaName<E> {
    /// How the error becomes text: by the name of its type.
    fn __idempotent_error_text(self) -> fn(&E) -> String;
}

impl<E> ViaName<E> for Probe<E> {
    fn __idempotent_error_text(self) -> fn(&E) -> String {
        named::<E>
    }
}

pub(super) fn named<E>(_: &E) -> String {
    format!("an error of type {}", type_name::<E>())
}

/// What stands in the place of a text that could hold a secret.
const WITHHELD: &str = "withheld: the call has secrets";

impl<R: Returns> Rules<R> {
    /// What an error of the function's said, as it may be stored and shown.
    pub(super) fn said(&self, error: &R::Err) -> Arc<str> {
        if self.withholds {
            format!("{} ({WITHHELD})", named(error)).into()
        } else {
            (self.error_text)(error).into()
        }
    }

    /// What an error of the check's said, as it may be stored and shown.
    pub(super) fn check_said<E: Display>(&self, error: &E) -> String {
        if self.withholds { format!("{} ({WITHHELD})", named(error)) } else { error.to_string() }
    }

    /// A value as people read it, where it did not come to be the record's.
    pub(super) fn text(&self, value: &Value) -> Arc<str> {
        match value {
            _ if self.withholds => format!("a result ({WITHHELD})").into(),
            Value::Bytes { bytes, .. } => String::from_utf8_lossy(bytes).into(),
            Value::Missing { why } => format!("a value that cannot be recorded ({why})").into(),
        }
    }

    /// A codec's error, which may quote the value.
    fn codec_said(&self, error: CodecError) -> CodecError {
        if self.withholds { CodecError(format!("its error is {WITHHELD}")) } else { error }
    }

    /// The value to record. What cannot be encoded is recorded as done without value, loudly.
    pub(super) fn value(&self, operation: &Operation, value: &R::Ok) -> Value {
        match (self.encode)(value) {
            Ok(bytes) => {
                if cfg!(debug_assertions) && !operation.round_trip_checked.swap(true, Ordering::Relaxed) {
                    self.check_round_trip(operation.name(), &bytes);
                }
                bytes_value(bytes)
            }
            Err(error) => {
                let error = self.codec_said(error);
                events::not_recorded(operation.name(), &error);
                Value::Missing { why: error.0.into() }
            }
        }
    }

    fn check_round_trip(&self, operation: &str, bytes: &[u8]) {
        // A user's `Deserialize` that panics is told here, and must not turn a success into doubt.
        let again =
            catch_unwind(AssertUnwindSafe(|| (self.decode)(bytes).and_then(|value| (self.encode)(&value))));
        match again {
            Ok(Ok(again)) if codec::same(&again, bytes) => {}
            Ok(Ok(_)) => events::round_trip(operation, RoundTrip::Changes),
            Ok(Err(error)) => events::round_trip(operation, RoundTrip::Fails(&self.codec_said(error))),
            Err(_) => events::round_trip(operation, RoundTrip::Panics),
        }
    }

    pub(super) fn error_value(&self, codec: ErrorCodec<R::Err>, error: &R::Err) -> Value {
        match (codec.encode)(error) {
            Ok(bytes) => bytes_value(bytes),
            Err(error) => Value::Missing { why: self.codec_said(error).0.into() },
        }
    }

    pub(super) fn decode_done(&self, value: &Value) -> Result<R::Ok, Arc<str>> {
        readable(value)
            .and_then(|bytes| (self.decode)(bytes).map_err(|error| self.codec_said(error).0.into()))
    }

    pub(super) fn decode_failed(&self, value: &Value) -> Result<R::Err, Arc<str>> {
        let codec = match self.on_err {
            OnErrRule::Store(codec) | OnErrRule::With(_, codec) => codec,
            OnErrRule::Doubt | OnErrRule::Release => {
                return Err("a final failure is recorded, but this code does not say `on_err = store`".into());
            }
        };
        readable(value)
            .and_then(|bytes| (codec.decode)(bytes).map_err(|error| self.codec_said(error).0.into()))
    }
}

fn bytes_value(bytes: Vec<u8>) -> Value {
    Value::Bytes { bytes: bytes.into(), codec: codec::JSON.into(), version: VERSION }
}

fn readable(value: &Value) -> Result<&[u8], Arc<str>> {
    match value {
        Value::Bytes { bytes, codec, version } if **codec == *codec::JSON && *version == VERSION => Ok(bytes),
        Value::Bytes { codec, version, .. } => Err(format!(
            "it is written as `{codec}` of version {version}, and this code reads `json` of version 1"
        )
        .into()),
        Value::Missing { why } => Err(format!("it is recorded without its value ({why})").into()),
    }
}
