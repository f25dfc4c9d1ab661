//! The operator's moves: see what is in doubt, say what happened, and let work go on.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::codec::{CodecError, Written, as_json, json_text};
use crate::handle::Handle;
use crate::key::Key;
use crate::pause::{Deadline, pause, within};
use crate::pending::Pending;
use crate::protocol::{self, Answer, Request, Seen, Status, Value};
use crate::store::{self, Entry, Filter, Trail};
use crate::telemetry::events;

/// How long who waits for a key trusts that the store would have told of a change, and how long it pauses where the
/// store tells of none.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(100));

/// A record with its trail.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Shown {
    /// The record; `None` if it is gone and only its trail is left.
    pub entry: Option<Entry>,
    /// The exceptional events of the key, oldest first.
    pub trail: Vec<Trail>,
}

/// Somebody who acts on records from outside: each act carries a name, a reason and what was seen of the
/// record, and is written into the record's trail.
///
/// ```
/// # use idempotent::{Handle, MemoryStore, Key};
/// # let handle = Handle::new(MemoryStore::new());
/// # let key = Key::from_bytes([0; 32]);
/// if let Some(entry) = handle.show(&key).wait()?.entry {
///     let seen = entry.record.as_ref().unwrap().seen();
///     handle.operator("ada", "looked it up in the portal").resolve_done(&key, seen, &42).wait()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Operator {
    handle: Handle,
    by: Arc<str>,
    why: Arc<str>,
    version: u32,
}

/// Why an operator's act was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OperatorError {
    /// The record is not what the operator saw any more, or not in a state for this act.
    Stale,
    /// An attempt holds the record (here: its process, where known).
    Busy(Option<Arc<str>>),
    /// The record is in doubt: resolve it first.
    InDoubt,
    /// There is no such record.
    NotFound,
    /// The record cannot be read.
    Unreadable(Arc<str>),
    /// The value cannot be encoded.
    Value(Arc<str>),
    /// The store failed.
    Store(store::Error),
}

impl OperatorError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &str {
        match self {
            OperatorError::Stale => "look at the record again and decide anew by what it says now",
            OperatorError::Busy(_) => "wait for the attempt to end, or `revoke` it first if it hangs",
            OperatorError::InDoubt => "find out what happened and `resolve` it; then it can be forgotten",
            OperatorError::NotFound => "look for the key in the list",
            OperatorError::Unreadable(_) => "mend the stored row by hand; nothing runs until then",
            OperatorError::Value(_) => "give a value that JSON or the codec of the handle can hold",
            OperatorError::Store(error) => error.advice(),
        }
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OperatorError::Stale => f.write_str("the record has changed since it was looked at"),
            OperatorError::Busy(Some(holder)) => write!(f, "the record is held by {holder}"),
            OperatorError::Busy(None) => f.write_str("the record is held by an attempt"),
            OperatorError::InDoubt => f.write_str("the record is in doubt"),
            OperatorError::NotFound => f.write_str("there is no such record"),
            OperatorError::Unreadable(why) => write!(f, "the record cannot be read: {why}"),
            OperatorError::Value(why) => write!(f, "the value cannot be recorded: {why}"),
            OperatorError::Store(error) => write!(f, "the store failed: {error}"),
        }
    }
}

impl StdError for OperatorError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            OperatorError::Store(error) => error.source(),
            _ => None,
        }
    }
}

impl Handle {
    /// The records that `filter` asks for, in key order, each with what it means now: a dead holder's record
    /// is in doubt although nobody has called since.
    ///
    /// ```
    /// use idempotent::{Filter, Handle, MemoryStore, Which};
    /// # let handle = Handle::new(MemoryStore::new());
    /// let doubtful = Filter { which: Which::InDoubt, operation: Some("clinic.book".into()), ..Filter::default() };
    /// for entry in handle.list(&doubtful).wait()? {
    ///     println!("{} {}", entry.subject.key, entry.subject.call);
    /// }
    /// # Ok::<(), idempotent::store::Error>(())
    /// ```
    ///
    /// # Errors
    /// The store cannot be reached. A record that cannot be read is an [`Entry`], not an error.
    pub fn list<'a>(&'a self, filter: &'a Filter) -> Pending<'a, Result<Vec<Entry>, store::Error>> {
        Pending::new(self.store().list(filter))
    }

    /// The record under `key` with its trail.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn show<'a>(&'a self, key: &'a Key) -> Pending<'a, Result<Shown, store::Error>> {
        Pending::new(async move {
            let entry = self.store().load(key).await?;
            let trail = self.store().trail(key).await?;
            Ok(Shown { entry, trail })
        })
    }

    /// Waits until no attempt holds `key`, at most for `most`, and gives the record as it is then: the outcome of a call
    /// that others make, for those who cannot run it. `None` at once if there is no record. A holder that dies ends the
    /// wait, too; a [`Status::Live`] entry means that the time was too short.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use idempotent::{Handle, MemoryStore, idempotent, protocol::Status};
    /// #[idempotent(key = patient, skip(handle), store = handle)]
    /// fn book(handle: &Handle, patient: &str) -> Result<u32, idempotent::Error> {
    ///     Ok(42)
    /// }
    /// # let handle = Handle::new(MemoryStore::new());
    /// let key = idempotent::inspect(|| book(&handle, "patient 7"))?; // or as a text: `text.parse::<Key>()`
    /// assert!(handle.ended(&key, Duration::from_secs(5)).wait().unwrap().is_none()); // nobody has called
    /// book(&handle, "patient 7")?;
    /// let entry = handle.ended(&key, Duration::from_secs(5)).wait().unwrap().unwrap();
    /// assert_eq!(entry.status, Status::Ended);
    /// # Ok::<(), idempotent::Error>(())
    /// ```
    pub fn ended<'a>(
        &'a self,
        key: &'a Key,
        most: Duration,
    ) -> Pending<'a, Result<Option<Entry>, store::Error>> {
        Pending::new(async move {
            let deadline = Deadline::after(most);
            loop {
                let entry = self.store().load(key).await?;
                let fence = match &entry {
                    Some(Entry { status: Status::Live, record: Ok(record), .. }) => record.fence,
                    Some(_) | None => return Ok(entry),
                };
                if deadline.left().is_zero() {
                    return Ok(entry);
                }
                match self.store().changed(key, fence) {
                    Some(changed) => drop(within(deadline.left().min(LOOK_AGAIN.0), changed).await),
                    None => pause(deadline.left().min(LOOK_AGAIN.1)).await,
                }
            }
        })
    }

    /// Removes at most `limit` records that are free, lapsed without doubt or expired. Gives how many: call it again
    /// until that is less than `limit`.
    ///
    /// # Errors
    /// The store cannot be reached; what was removed before stays removed.
    pub fn sweep(&self, limit: usize) -> Pending<'_, Result<usize, store::Error>> {
        Pending::new(self.store().sweep(limit))
    }

    /// Begins an act on records: who acts, and why.
    #[must_use]
    pub fn operator(&self, by: &str, why: &str) -> Operator {
        Operator { handle: self.clone(), by: by.into(), why: why.into(), version: 1 }
    }
}

impl Operator {
    /// The schema version of the values that this operator gives; without it, 1. It must be that of the function, where
    /// that has one (`value(version = 2)`): a value of another version is an older or a newer one to it.
    #[must_use]
    pub fn version(mut self, version: u32) -> Operator {
        self.version = version;
        self
    }

    /// It happened, and this is its result: later calls replay it. Also corrects a result that an operator gave.
    ///
    /// The value is written as JSON, which every program reads whatever its codec is; one that JSON cannot hold, by the
    /// codec of the handle.
    ///
    /// # Errors
    /// [`OperatorError::Stale`] if the record is not what was `seen` any more, or needs no such word;
    /// [`OperatorError::Busy`] while an attempt holds it; [`OperatorError::NotFound`] if there is none;
    /// [`OperatorError::Value`] if no codec can write the value.
    pub fn resolve_done<T: Serialize + ?Sized>(
        &self,
        key: &Key,
        seen: Seen,
        value: &T,
    ) -> Pending<'static, Result<(), OperatorError>> {
        let refused_too = |refused| self.handle.codecs().encode(&value).map_err(|_| refused);
        self.done(key, seen, as_json(value).or_else(refused_too))
    }

    /// [`resolve_done`](Operator::resolve_done) with a result that is JSON text already. It is recorded as it stands,
    /// once it has been seen to be one JSON value: a number keeps all its digits.
    ///
    /// ```
    /// # use idempotent::{Handle, MemoryStore, Key, OperatorError, protocol::Seen};
    /// # let handle = Handle::new(MemoryStore::new());
    /// # let (key, seen): (Key, Seen) = (Key::from_bytes([0; 32]), "1-in_doubt".parse()?);
    /// let ada = handle.operator("ada", "looked it up in the portal");
    /// let error = ada.resolve_done_json(&key, seen, "{'number': 42}").wait().unwrap_err();
    /// assert!(matches!(error, OperatorError::Value(_)), "JSON has other quotes: {error}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`resolve_done`](Operator::resolve_done); [`OperatorError::Value`] if the text is not one JSON value.
    pub fn resolve_done_json(
        &self,
        key: &Key,
        seen: Seen,
        json: &str,
    ) -> Pending<'static, Result<(), OperatorError>> {
        self.done(key, seen, json_text(json))
    }

    fn done(
        &self,
        key: &Key,
        seen: Seen,
        value: Result<Written, CodecError>,
    ) -> Pending<'static, Result<(), OperatorError>> {
        match value {
            Ok(written) => {
                let version = self.version;
                let value = Value::Bytes { bytes: written.bytes.into(), codec: written.codec, version };
                let operator = self.acts(seen);
                self.send(*key, Request::ResolveDone { operator, value })
            }
            Err(error) => Pending::new(std::future::ready(Err(OperatorError::Value(error.into_text())))),
        }
    }

    /// It did not happen: the next call runs.
    ///
    /// # Errors
    /// As [`resolve_done`](Operator::resolve_done).
    pub fn resolve_not_done(&self, key: &Key, seen: Seen) -> Pending<'static, Result<(), OperatorError>> {
        self.send(*key, Request::ResolveFree { operator: self.acts(seen) })
    }

    /// Takes the claim from an attempt that hangs while its keeper renews it: it ends in doubt if its effect may
    /// have begun, else free. The body is not stopped by it; its next `effect!` is.
    ///
    /// # Errors
    /// [`OperatorError::Stale`] if the record is not what was `seen` any more, or nobody holds it.
    pub fn revoke(&self, key: &Key, seen: Seen) -> Pending<'static, Result<(), OperatorError>> {
        self.send(*key, Request::Revoke { operator: self.acts(seen) })
    }

    /// Removes a recorded ending: the next call runs.
    ///
    /// # Errors
    /// [`OperatorError::Stale`] if the record is not what was `seen` any more; [`OperatorError::InDoubt`] if it is in
    /// doubt; [`OperatorError::Busy`] while an attempt holds it.
    pub fn forget(&self, key: &Key, seen: Seen) -> Pending<'static, Result<(), OperatorError>> {
        self.send(*key, Request::Forget { operator: self.acts(seen) })
    }

    fn acts(&self, seen: Seen) -> protocol::Operator {
        protocol::Operator { seen, by: Arc::clone(&self.by), why: Arc::clone(&self.why) }
    }

    fn send(&self, key: Key, request: Request) -> Pending<'static, Result<(), OperatorError>> {
        let store = Arc::clone(self.handle.store());
        let by = Arc::clone(&self.by);
        Pending::new(async move {
            let forgets = matches!(request, Request::Forget { .. });
            let Some(entry) = store.load(&key).await.map_err(OperatorError::Store)? else {
                return if forgets { Ok(()) } else { Err(OperatorError::NotFound) };
            };
            let subject = Arc::new(entry.subject);
            let name = request.name();
            let answer = store.apply(&subject, request).await.map_err(OperatorError::Store)?;
            events::operated(&subject, name, &by, answer.name());
            match answer {
                Answer::Ok => Ok(()),
                Answer::Busy(busy) => Err(OperatorError::Busy(busy.named)),
                Answer::InDoubt(_) => Err(OperatorError::InDoubt),
                Answer::NotFound => Err(OperatorError::NotFound),
                Answer::Unreadable { why } => Err(OperatorError::Unreadable(why)),
                Answer::Stale
                | Answer::Run(_)
                | Answer::Check { .. }
                | Answer::Replay(_)
                | Answer::KeyReused { .. }
                | Answer::Early { .. }
                | Answer::Fenced(_)
                | Answer::Settled(_) => Err(OperatorError::Stale),
            }
        })
    }
}
