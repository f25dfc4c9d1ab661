//! How the values and errors of one function become bytes, and what its errors mean: functions without state,
//! so that a call need not be generic over them.

use std::any::type_name;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Operation;
use super::outcome::{Recordable, Returns, Told};
use crate::codec::{CodecError, Codecs, Written, same_json};
use crate::error::Error;
use crate::policy::OnErr;
use crate::protocol::Value;
use crate::telemetry::events::{self, RoundTrip};

/// The schema version of recorded errors: `value(version = ..)` speaks of results alone.
const ERRORS: u32 = 1;

type Encode<T> = fn(&Codecs, &T) -> Result<Written, CodecError>;
type Decode<T> = fn(&Codecs, &str, &[u8]) -> Result<T, CodecError>;
/// Reads the stored bytes of an older version.
type Upgrade<T> = fn(u32, &[u8]) -> Result<T, String>;

/// What is known of a function's result.
pub(super) struct Rules<R: Returns> {
    pub(super) from_error: fn(Error) -> R::Err,
    pub(super) error_text: fn(&R::Err) -> String,
    /// The call has secrets, which an error's text or a late result could tell.
    pub(super) withholds: bool,
    pub(super) encode: Encode<R::Ok>,
    pub(super) decode: Decode<R::Ok>,
    pub(super) as_json: fn(&R::Ok) -> Result<Written, CodecError>,
    pub(super) upgrade: Option<Upgrade<R::Ok>>,
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
    pub(super) encode: Encode<E>,
    pub(super) decode: Decode<E>,
}

impl<E> Clone for ErrorCodec<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorCodec<E> {}

impl<E: Serialize + DeserializeOwned> ErrorCodec<E> {
    pub(super) const fn serde() -> ErrorCodec<E> {
        ErrorCodec { encode: Codecs::encode::<E>, decode: Codecs::decode::<E> }
    }
}

impl<E> ErrorCodec<E> {
    const fn nothing() -> ErrorCodec<E> {
        ErrorCodec {
            encode: |_, _| Err(lacks::<E>("Serialize")),
            decode: |_, _, _| Err(lacks::<E>("Deserialize")),
        }
    }
}

fn lacks<E>(bound: &str) -> CodecError {
    CodecError::new(format_args!("{} does not implement `{bound}`", type_name::<E>()))
}

/// Finds out, where the type of an error is known, what it can do: the methods of this type come first where their
/// bounds hold, else those of [`Without`], into which it can be looked through.
pub struct Probe<E>(Without<E>);

/// What [`Probe`] finds where the error can do nothing.
pub struct Without<E>(PhantomData<fn() -> E>);

impl<E> Probe<E> {
    /// The probe for `E`.
    pub const NEW: Probe<E> = Probe(Without(PhantomData));
}

impl<E> Deref for Probe<E> {
    type Target = Without<E>;

    fn deref(&self) -> &Without<E> {
        &self.0
    }
}

impl<E: Recordable> Probe<E> {
    /// How the error becomes bytes.
    pub fn __idempotent_error_codec(&self) -> ErrorCodec<E> {
        ErrorCodec::serde()
    }
}

impl<E> Without<E> {
    /// How the error becomes bytes: not at all.
    pub fn __idempotent_error_codec(&self) -> ErrorCodec<E> {
        ErrorCodec::nothing()
    }
}

impl<E: Display> Probe<E> {
    /// How the error becomes text.
    pub fn __idempotent_error_text(&self) -> fn(&E) -> String {
        |error| error.to_string()
    }
}

impl<E> Without<E> {
    /// How the error becomes text: by the name of its type.
    pub fn __idempotent_error_text(&self) -> fn(&E) -> String {
        named::<E>
    }
}

pub(super) fn named<E>(_: &E) -> String {
    format!("an error of type {}", type_name::<E>())
}

/// Calls `upgrade`, whose error may be any that people can read.
#[doc(hidden)]
pub fn upgraded<T, E: Told>(
    upgrade: fn(u32, &[u8]) -> Result<T, E>,
    from: u32,
    stored: &[u8],
) -> Result<T, String> {
    upgrade(from, stored).map_err(|error| error.to_string())
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
            Value::Bytes { bytes, codec, .. } => match std::str::from_utf8(bytes) {
                Ok(text) => text.into(),
                Err(_) => {
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("{codec} {hex}").into()
                }
            },
            Value::Missing { why } => format!("a value that cannot be recorded ({why})").into(),
        }
    }

    /// A codec's error, which may quote the value.
    fn codec_said(&self, error: CodecError) -> Arc<str> {
        if self.withholds && error.may_quote() {
            format!("its error is {WITHHELD}").into()
        } else {
            error.into_text()
        }
    }

    /// The value to record. What cannot be encoded is recorded as done without value, loudly.
    pub(super) fn value(&self, operation: &Operation, codecs: &Codecs, value: &R::Ok) -> Value {
        match (self.encode)(codecs, value) {
            Ok(written) => {
                if cfg!(debug_assertions) && !operation.round_trip_checked.swap(true, Ordering::Relaxed) {
                    self.check_round_trip(operation.name(), codecs, value, &written);
                }
                of_version(operation.version, written)
            }
            Err(error) => {
                let error = self.codec_said(error);
                events::not_recorded(operation.name(), &error);
                Value::Missing { why: error }
            }
        }
    }

    fn check_round_trip(&self, operation: &str, codecs: &Codecs, value: &R::Ok, written: &Written) {
        // A `Deserialize` or a codec of the user's that panics is told here, and must not turn a success into doubt.
        let is_same = || -> Result<bool, CodecError> {
            let again = (self.decode)(codecs, &written.codec, &written.bytes)?;
            if (self.encode)(codecs, &again)?.bytes == written.bytes {
                return Ok(true);
            }
            // Entries of a map in another order, or a codec that never writes the same bytes twice: values are compared
            // as JSON, where they can be written so.
            Ok(match ((self.as_json)(value), (self.as_json)(&again)) {
                (Ok(one), Ok(other)) => same_json(&one.bytes, &other.bytes),
                (one, other) => one.is_err() && other.is_err(),
            })
        };
        match catch_unwind(AssertUnwindSafe(is_same)) {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => events::round_trip(operation, RoundTrip::Changes),
            Ok(Err(error)) => events::round_trip(operation, RoundTrip::Fails(&self.codec_said(error))),
            Err(_) => events::round_trip(operation, RoundTrip::Panics),
        }
    }

    pub(super) fn error_value(&self, codec: ErrorCodec<R::Err>, codecs: &Codecs, error: &R::Err) -> Value {
        match (codec.encode)(codecs, error) {
            Ok(written) => of_version(ERRORS, written),
            Err(error) => Value::Missing { why: self.codec_said(error) },
        }
    }

    /// The recorded result. One of an older version goes through `upgrade`, each time it is read: the record stays.
    pub(super) fn decode_done(
        &self,
        operation: &Operation,
        codecs: &Codecs,
        value: &Value,
    ) -> Result<R::Ok, Arc<str>> {
        let (bytes, codec, version) = parts(value)?;
        let wanted = operation.version;
        match self.upgrade {
            _ if version == wanted => {
                (self.decode)(codecs, codec, bytes).map_err(|error| self.codec_said(error))
            }
            _ if version > wanted => Err(newer(version, wanted)),
            Some(upgrade) => upgrade(version, bytes).map_err(|said| {
                let said = if self.withholds { WITHHELD } else { &said };
                format!("`upgrade` cannot read its version {version}: {said}").into()
            }),
            None => Err(format!(
                "it is of version {version}, and this code is at version {wanted}: name the function that reads older \
                 ones, `value(version = {wanted}, upgrade = path)`"
            )
            .into()),
        }
    }

    pub(super) fn decode_failed(&self, codecs: &Codecs, value: &Value) -> Result<R::Err, Arc<str>> {
        let known = match self.on_err {
            OnErrRule::Store(codec) | OnErrRule::With(_, codec) => codec,
            OnErrRule::Doubt | OnErrRule::Release => {
                return Err("a final failure is recorded, but this code does not say `on_err = store`".into());
            }
        };
        match parts(value)? {
            (bytes, codec, ERRORS) => {
                (known.decode)(codecs, codec, bytes).map_err(|error| self.codec_said(error))
            }
            (_, _, version) => Err(newer(version, ERRORS)),
        }
    }
}

fn of_version(version: u32, written: Written) -> Value {
    Value::Bytes { bytes: written.bytes.into(), codec: written.codec, version }
}

fn newer(version: u32, wanted: u32) -> Arc<str> {
    format!(
        "it is of version {version}, and this code is at version {wanted}: a newer program has written it"
    )
    .into()
}

fn parts(value: &Value) -> Result<(&[u8], &str, u32), Arc<str>> {
    match value {
        Value::Bytes { bytes, codec, version } => Ok((bytes, codec, *version)),
        Value::Missing { why } => Err(format!("it is recorded without its value ({why})").into()),
    }
}
