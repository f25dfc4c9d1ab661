//! Where records live: the trait [`Store`], its contract, and the stores of this crate.

mod cas;
mod error;
mod here;
#[cfg(feature = "memory")]
mod memory;
mod near;
mod reply;
#[cfg(feature = "sqlite")]
mod sqlite;
mod url;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use cas::{Blocking, BlockingCompareAndSwap, CasStore, CompareAndSwap, Page, blocking};
pub use error::{Error, ErrorKind};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub(crate) use url::open;

use crate::block_on::block_on;
use crate::key::Key;
use crate::protocol::{Answer, Fence, Micros, Record, Request, State, Status};

/// A future in a box, as an object-safe trait needs it. It runs on any executor.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a record is about. Stored beside it, for people and for lists.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Subject {
    /// The hash of scope, operation and key parts.
    pub key: Key,
    /// The tenant; empty if there is none.
    pub scope: Arc<str>,
    /// The operation's name.
    pub operation: Arc<str>,
    /// The key parts as a person reads them, at most 200 characters.
    pub call: Arc<str>,
}

/// How long a claim lives, and what that means in a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// How long a claim lives unrenewed. The keeper renews it three times in that time.
    pub length: Duration,
    /// Whether the lease decides who is alive, so that the answer to a claim or mark that arrives later than
    /// *sent + length* may not be acted on. `false` where the store sees the holder's process live.
    pub is_deadline: bool,
}

/// One record as lists and `show` give it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it is about.
    pub subject: Subject,
    /// The record, or why it cannot be read.
    pub record: Result<Record, Arc<str>>,
    /// What it means now; [`Status::Doubt`] for one that cannot be read.
    pub status: Status,
    /// The holder's process as a person would name it, where the store knows it.
    pub holder: Option<Arc<str>>,
}

/// One line of a record's trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trail {
    /// When, on the wall clock.
    pub at: Micros,
    /// What happened; see [`Event::what`](crate::protocol::Event::what). Where the trail lies in the record's own
    /// bytes it may also be `dropped` (older lines) or `unreadable`.
    pub what: Arc<str>,
    /// The fence after it.
    pub fence: Fence,
    /// The operator, if it was one.
    pub by: Option<Arc<str>>,
    /// The reason, or the text of an error. A store may keep the first thousand characters of it and end them with `…`.
    pub why: Option<Arc<str>>,
    /// The state before.
    pub before: Option<State>,
    /// The state after; `None` when the record is gone.
    pub after: Option<State>,
}

/// Which records a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Which {
    /// All of them.
    #[default]
    All,
    /// Those in doubt, also where a holder died and nobody has called since.
    InDoubt,
    /// Those that began and neither happened nor are in doubt: free, lapsed or still running.
    Unfinished,
    /// Those that a living holder is at work on.
    Running,
}

impl Which {
    /// Whether a record with this status belongs in the list.
    #[must_use]
    pub const fn shows(self, status: Status) -> bool {
        match self {
            Which::All => true,
            Which::InDoubt => matches!(status, Status::Doubt),
            Which::Unfinished => matches!(status, Status::Free | Status::LapsedClean | Status::Live),
            Which::Running => matches!(status, Status::Live),
        }
    }
}

/// What a list asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Which records.
    pub which: Which,
    /// Only those of this operation.
    pub operation: Option<Arc<str>>,
    /// Only those of this scope; `Some("")` are those of none.
    pub scope: Option<Arc<str>>,
    /// Only those whose first attempt began before this time, on the wall clock. One that cannot be read, and so
    /// does not say when it began, is shown.
    pub began_before: Option<Micros>,
    /// At most so many.
    pub limit: usize,
    /// Only those after this key, in key order: the last key of the page before.
    pub after: Option<Key>,
}

impl Default for Filter {
    fn default() -> Self {
        Filter {
            which: Which::All,
            operation: None,
            scope: None,
            began_before: None,
            limit: 1_000,
            after: None,
        }
    }
}

impl Filter {
    /// Whether this entry belongs in the list: all of the conditions but `limit`, so that every store means the same.
    #[must_use]
    pub fn shows(&self, entry: &Entry) -> bool {
        let Entry { subject, record, status, .. } = entry;
        self.which.shows(*status)
            && self.operation.as_ref().is_none_or(|name| *name == subject.operation)
            && self.scope.as_ref().is_none_or(|scope| *scope == subject.scope)
            && self.after.is_none_or(|after| subject.key > after)
            && self
                .began_before
                .is_none_or(|time| record.as_ref().map_or(true, |record| record.began_at < time))
    }
}

/// A place where records live.
///
/// A store keeps at most one [`Record`] per [`Key`] and moves it by the [protocol](crate::protocol), one
/// request at a time per key. It alone decides what time it is and who is alive: it fills the
/// [`Context`](crate::protocol::Context) of every decision.
///
/// The futures must complete on any executor and under a plain `block_on`: a store owns its connections,
/// threads and timers, and never blocks the thread that polls on a disk sync, a lock or a network. A future
/// that is dropped leaves its request either applied or not, never half.
///
/// A wrapper never runs ahead of what it wraps: it may answer only what the inner store has answered.
///
/// An engine that can compare and swap bytes needs none of this: [`CasStore`] makes a store of it.
///
/// You are done when `idempotent::testing::store_conformance!` passes.
pub trait Store: Send + Sync + 'static {
    /// The lease of claims in this store.
    ///
    /// I10 rests on it: only the store decides who is alive.
    fn lease(&self) -> Lease;

    /// Applies one move to the record of `subject`, atomically.
    ///
    /// On return, the decision's write and event are **durable**, as this store defines durable, **visible**
    /// to every later call of `apply`, `load` and `list` of any process, and were made on the record as it
    /// was at that moment: no other move came between reading and writing (**fenced**). A decision that
    /// writes nothing needs no commit, but its answer must rest on durable data only: what has been shown
    /// once is never lost (I2, I3).
    ///
    /// A record that does not decode, or whose state or version is unknown, is
    /// [`Answer::Unreadable`] and never absent (I8).
    ///
    /// # Errors
    /// An error says nothing about whether the move was applied: the caller sends the same request again,
    /// with the same token, and the protocol recognises it. While the store cannot be reached nothing is
    /// granted (I9).
    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>>;

    /// [`apply`](Store::apply) for a caller whose thread may block.
    ///
    /// The default waits for the future of `apply` on this thread, which is right for every store; one that
    /// can do better for a lone synchronous caller may.
    ///
    /// # Errors
    /// As [`apply`](Store::apply).
    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        block_on(self.apply(subject, request))
    }

    /// The record under `key` with its derived status, `None` if there is none.
    ///
    /// On return the entry is durable: it shows nothing that a crash could take back.
    ///
    /// # Errors
    /// The store cannot be reached. A record that cannot be read is an [`Entry`], not an error (I8).
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>>;

    /// The records that `filter` asks for, in key order, with their derived status.
    ///
    /// Every record in doubt is listed, also one whose holder died and that nobody has called since (I5).
    ///
    /// # Errors
    /// The store cannot be reached.
    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>>;

    /// The trail of the record under `key`, oldest first. It outlives the record.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>>;

    /// Removes at most `limit` records that are free, lapsed or expired, each by the move
    /// [`Request::Sweep`] with the fence seen. Never one that is running or in doubt (I4). Returns how many.
    ///
    /// # Errors
    /// The store cannot be reached; what was removed before stays removed.
    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>>;

    /// Completes when the record under `key` may have changed from a running one with this `fence`, at the
    /// latest when its holder is seen dead. May complete for no reason; the caller looks and decides.
    ///
    /// `None` if the store cannot tell: then callers look again after growing pauses.
    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>>;
}

/// A shared store is the store: every method goes to the one inside.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn lease(&self) -> Lease {
        (**self).lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        (**self).apply(subject, request)
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        (**self).apply_blocking(subject, request)
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        (**self).load(key)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        (**self).list(filter)
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        (**self).trail(key)
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        (**self).sweep(limit)
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        (**self).changed(key, fence)
    }
}
