//! One call of an operation: its key, its fingerprint, its store, and what it returns.

use std::any::type_name;
use std::sync::Arc;

use super::Operation;
use super::outcome::{FromError, GivesHandle, KeyPart, Recordable, Returns};
use super::rules::{ErrorCodec, OnErrRule, Probe, Rules, named};
use crate::codec::{self, Codecs};
use crate::error::Error;
use crate::handle::Handle;
use crate::key::{FingerprintBuilder, KeyBuilder, KeyError, KeyHasher, Piece, TextPart, scope_text};
use crate::policy::OnErr;
use crate::store::Subject;

/// The arguments of a call, before it is said what the call returns.
#[must_use = "a call does nothing until it is claimed"]
pub struct Parts {
    operation: &'static Operation,
    scope: String,
    key: KeyBuilder,
    rest: FingerprintBuilder,
    refused: Option<KeyError>,
    /// The types and constants in the key, so that results of several types lie apart. In a box, because a call
    /// is moved often and seldom has one.
    generics: Option<Box<KeyHasher>>,
    handle: Option<Handle>,
    /// What errors say is not stored or shown: it may hold a secret.
    withholds: bool,
}

impl Parts {
    pub(super) fn new(operation: &'static Operation) -> Parts {
        Parts::of(operation, String::new(), None)
    }

    pub(super) fn new_in<T: TextPart + ?Sized>(operation: &'static Operation, scope: &T) -> Parts {
        match scope_text(scope) {
            Ok(scope) => Parts::of(operation, scope, None),
            Err(error) => Parts::of(operation, String::new(), Some(error)),
        }
    }

    fn of(operation: &'static Operation, scope: String, refused: Option<KeyError>) -> Parts {
        Parts {
            operation,
            key: KeyBuilder::new(&scope, operation.name()),
            scope,
            rest: FingerprintBuilder::new(),
            refused,
            generics: None,
            handle: None,
            withholds: false,
        }
    }

    /// Adds a part of the key. `name` is for people; only the value counts.
    pub fn key<T: KeyPart + ?Sized>(mut self, name: &str, value: &T) -> Parts {
        if self.refused.is_none() {
            self.refused = self.key.part(name, value).err();
        }
        self
    }

    /// Adds a format string as a part of the key: its pieces stay apart, so that `a:b` and `c` never meet `a` and `b:c`.
    pub fn key_format(mut self, pieces: &[Piece<'_>]) -> Parts {
        self.withholds |= pieces.iter().any(Piece::is_secret);
        if self.refused.is_none() {
            self.refused = self.key.format(pieces).err();
        }
        self
    }

    /// Adds a part of the key that is never shown, and is hashed with the [pepper](crate::install_pepper) if there is
    /// one.
    ///
    /// What an error says could hold it. So of a call with a secret, the texts of errors and of check answers, and
    /// results that come too late, are neither stored nor shown: their place says that they are withheld.
    pub fn secret_key<T: KeyPart + ?Sized>(mut self, name: &str, value: &T) -> Parts {
        self.withholds = true;
        if self.refused.is_none() {
            self.refused = self.key.secret_part(name, value).err();
        }
        self
    }

    /// Makes the type `T` part of the key, so that a generic function records each type apart.
    pub fn generic<T: ?Sized>(self) -> Parts {
        self.depends_on(type_name::<T>()).key("type", type_name::<T>())
    }

    /// Makes a constant parameter part of the key, as [`generic`](Parts::generic) does with a type.
    pub fn constant<T: KeyPart + ?Sized>(self, name: &str, value: &T) -> Parts {
        self.depends_on(value).key(name, value)
    }

    fn depends_on<T: KeyPart + ?Sized>(mut self, parameter: &T) -> Parts {
        let generics = self.generics.get_or_insert_with(|| Box::new(KeyHasher::new("", "")));
        // What cannot be hashed cannot be in the key either, and is told there.
        let _ = generics.part("", parameter);
        self
    }

    /// Adds an argument that is not part of the key: a later call with the same key must have the same one.
    pub fn rest<T: KeyPart + ?Sized>(mut self, name: &str, value: &T) -> Parts {
        if self.refused.is_none() {
            self.refused = self.rest.part(name, value).err();
        }
        self
    }

    /// [`rest`](Parts::rest) for an argument that nobody may learn; see [`secret_key`](Parts::secret_key).
    pub fn secret_rest<T: KeyPart + ?Sized>(mut self, name: &str, value: &T) -> Parts {
        self.withholds = true;
        if self.refused.is_none() {
            self.refused = self.rest.secret_part(name, value).err();
        }
        self
    }

    /// Where the record lives; without it, in the installed store.
    pub fn store<S: GivesHandle + ?Sized>(mut self, store: &S) -> Parts {
        self.handle = Some(store.as_ref().clone());
        self
    }

    /// Says what the call returns: a `Result` whose value can be recorded and whose error can carry ours.
    pub fn returns<R>(self) -> Call<R>
    where
        R: Returns,
        R::Ok: Recordable,
        R::Err: FromError,
    {
        self.returns_with(R::Err::from)
    }

    /// As [`returns`](Parts::returns), with a function that makes the caller's error of ours.
    pub fn returns_with<R>(self, from_error: fn(Error) -> R::Err) -> Call<R>
    where
        R: Returns,
        R::Ok: Recordable,
    {
        let (operation, withholds) = (self.operation, self.withholds);
        let identity = self.identity(type_name::<R>());
        Call {
            operation,
            identity: identity.0,
            handle: identity.1,
            rules: Rules {
                from_error,
                error_text: named::<R::Err>,
                withholds,
                encode: Codecs::encode::<R::Ok>,
                decode: Codecs::decode::<R::Ok>,
                as_json: codec::as_json::<R::Ok>,
                upgrade: None,
                on_err: OnErrRule::Doubt,
            },
        }
    }

    /// [`returns`](Parts::returns) for the attribute.
    #[doc(hidden)]
    pub fn result<R>(self) -> R::Call
    where
        R: Returns,
        R::Ok: Recordable,
        R::Err: FromError,
    {
        R::called(self.returns::<R>())
    }

    /// [`returns_with`](Parts::returns_with) for the attribute.
    #[doc(hidden)]
    pub fn result_with<R>(self, from_error: fn(Error) -> R::Err) -> R::Call
    where
        R: Returns,
        R::Ok: Recordable,
    {
        R::called(self.returns_with::<R>(from_error))
    }

    fn identity(self, returned: &'static str) -> (Result<Identity, Error>, Option<Handle>) {
        let Parts { operation, scope, key, rest, refused, generics, handle, withholds: _ } = self;
        let made = || {
            let name = operation.registered()?;
            let bad = |error: KeyError| {
                let message = format!(
                    "`{}` cannot be part of a key or fingerprint: {}",
                    error.argument(),
                    error.reason()
                );
                Error::bad_key(operation.name(), message, error.advice())
            };
            if let Some(error) = refused {
                return Err(bad(error));
            }
            let generics = generics.map(|generics| generics.finish()).transpose().map_err(bad)?;
            operation.returns_one_type(generics, returned)?;
            let (key, call) = key.finish().map_err(bad)?;
            let fingerprint = rest.finish().map_err(bad)?;
            let subject =
                Subject { key, scope: scope.into(), operation: Arc::clone(name), call: call.into() };
            Ok(Identity { subject: Arc::new(subject), fingerprint: fingerprint.to_bytes() })
        };
        (made(), handle)
    }
}

/// What tells a call from others.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) subject: Arc<Subject>,
    pub(super) fingerprint: [u8; 64],
}

/// One call of an operation, ready to be claimed or run.
#[must_use = "a call does nothing until it is claimed"]
pub struct Call<R: Returns> {
    pub(super) operation: &'static Operation,
    pub(super) identity: Result<Identity, Error>,
    pub(super) handle: Option<Handle>,
    pub(super) rules: Rules<R>,
}

impl<R: Returns> Clone for Call<R> {
    fn clone(&self) -> Self {
        Call {
            operation: self.operation,
            identity: self.identity.clone(),
            handle: self.handle.clone(),
            rules: self.rules,
        }
    }
}

impl<R: Returns> Call<R> {
    /// An `Err` after the effect may have begun means that nothing happened.
    pub fn on_err_release(mut self) -> Self {
        self.rules.on_err = OnErrRule::Release;
        self
    }

    /// An `Err` after the effect may have begun is a final failure: recorded and replayed.
    pub fn on_err_store(mut self) -> Self
    where
        R::Err: Recordable,
    {
        self.rules.on_err = OnErrRule::Store(ErrorCodec::serde());
        self
    }

    /// A function says what an `Err` means once the effect may have begun.
    pub fn on_err_with(mut self, judge: fn(&R::Err) -> OnErr, codec: ErrorCodec<R::Err>) -> Self {
        self.rules.on_err = OnErrRule::With(judge, codec);
        self
    }

    /// Reads recorded results of an older [version](Operation::version): gets that version and the stored bytes, as
    /// the codec has written them. It is asked at each replay, so it must give the same value each time; the record
    /// stays as it is. What it cannot read is [`Error::StoredValue`], and the body does not run.
    ///
    /// ```
    /// use idempotent::{Error, Handle, MemoryStore, Operation};
    ///
    /// static WEIGH: Operation = Operation::new("parcels.weigh").version(2); // grams; version 1 wrote kilograms
    ///
    /// fn grams(from: u32, stored: &[u8]) -> Result<u64, String> {
    ///     match from {
    ///         1 => serde_json::from_slice::<u64>(stored).map(|kg| kg * 1000).map_err(|error| error.to_string()),
    ///         other => Err(format!("there was no version {other}")),
    ///     }
    /// }
    ///
    /// fn weigh(handle: &Handle, parcel: u32) -> Result<u64, Error> {
    ///     let call = WEIGH.call().key("parcel", &parcel).store(handle).returns::<Result<u64, Error>>();
    ///     call.upgrade(grams).run_blocking(|_| Ok(1250))
    /// }
    /// # assert_eq!(weigh(&Handle::new(MemoryStore::new()), 7)?, 1250);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn upgrade(mut self, upgrade: fn(u32, &[u8]) -> Result<R::Ok, String>) -> Self {
        self.rules.upgrade = Some(upgrade);
        self
    }

    /// Finds out what the error can do.
    #[doc(hidden)]
    pub fn __idempotent_probe(&self) -> Probe<R::Err> {
        Probe::NEW
    }

    /// How an error is shown to operators.
    pub fn error_text(mut self, text: fn(&R::Err) -> String) -> Self {
        self.rules.error_text = text;
        self
    }
}
