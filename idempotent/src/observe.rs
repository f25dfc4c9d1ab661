//! How a call came to its result, and the key of a call that is not made.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::attempt::depth;
use crate::error::{Error, Site};
use crate::key::Key;

/// How a call came to its result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum How {
    /// The body ran.
    Executed,
    /// The recorded ending was returned; the body did not run.
    Replayed,
    /// The ending of another call that was running was returned; the body did not run here.
    Waited,
    /// The check found that it had happened, by an interrupted attempt or otherwise; the body did not run.
    Recovered,
    /// The call ended in doubt.
    InDoubt,
    /// The call was refused, or its outcome could not be recorded.
    Refused,
}

impl How {
    /// The word for events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            How::Executed => "executed",
            How::Replayed => "replayed",
            How::Waited => "waited",
            How::Recovered => "recovered",
            How::InDoubt => "in_doubt",
            How::Refused => "refused",
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The key of the call.
    pub key: Key,
    /// How it came to its result.
    pub how: How,
    /// Which run of the body it was; 0 if none was involved.
    pub attempt: u32,
}

/// A result and how it came about.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Observed<T> {
    /// What the closure or future returned.
    pub result: T,
    /// What became of the last idempotent call made in it (not of those inside its body); `None` if there was
    /// none or no key could be made.
    pub outcome: Option<Outcome>,
}

#[derive(Clone)]
struct Watch(Arc<Watching>);

struct Watching {
    depth: usize,
    only_inspects: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    outcome: Option<Outcome>,
    site: Option<Site>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

struct Restore(Option<Watch>);

impl Drop for Restore {
    fn drop(&mut self) {
        WATCH.with(|watch| watch.replace(self.0.take()));
    }
}

impl Watch {
    fn new(only_inspects: bool) -> Watch {
        Watch(Arc::new(Watching { depth: depth(), only_inspects, seen: Mutex::default() }))
    }

    fn enter(&self) -> Restore {
        Restore(WATCH.with(|watch| watch.replace(Some(self.clone()))))
    }

    fn seen(&self) -> Seen {
        std::mem::take(&mut *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn around<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _entered = self.enter();
            future.as_mut().poll(context)
        })
        .await
    }
}

/// Runs `call` and tells how the idempotent call in it came to its result.
///
/// ```no_run
/// # fn book(_: &str) -> Result<u32, idempotent::Error> { Ok(1) }
/// let seen = idempotent::observe(|| book("patient 7"));
/// if seen.outcome.is_some_and(|outcome| outcome.how == idempotent::How::Replayed) {
///     println!("booked before: {:?}", seen.result);
/// }
/// ```
pub fn observe<T>(call: impl FnOnce() -> T) -> Observed<T> {
    let watch = Watch::new(false);
    let entered = watch.enter();
    let result = call();
    drop(entered);
    Observed { result, outcome: watch.seen().outcome }
}

/// [`observe`] for an asynchronous call.
///
/// ```
/// # async fn book(_: &str) -> Result<u32, idempotent::Error> { Ok(1) }
/// # async fn robot() -> Result<(), idempotent::Error> {
/// let seen = idempotent::observe_async(book("patient 7")).await;
/// println!("{} ({:?})", seen.result?, seen.outcome.map(|outcome| outcome.how));
/// # Ok(())
/// # }
/// ```
pub async fn observe_async<F: Future>(call: F) -> Observed<F::Output> {
    let watch = Watch::new(false);
    let result = watch.around(call).await;
    Observed { result, outcome: watch.seen().outcome }
}

/// The key of the idempotent call in `call`, which is not made: neither the store is asked nor the body run.
///
/// ```
/// # use idempotent::{Handle, MemoryStore, idempotent};
/// #[idempotent(key = patient, skip(handle), store = handle)]
/// fn book(handle: &Handle, patient: &str) -> Result<u32, idempotent::Error> {
///     unreachable!("it is not run")
/// }
/// let handle = Handle::new(MemoryStore::new());
/// let key = idempotent::inspect(|| book(&handle, "patient 7"))?;
/// assert!(handle.show(&key).wait().unwrap().entry.is_none()); // nobody has called
/// # Ok::<(), idempotent::Error>(())
/// ```
///
/// # Errors
/// [`Error::Key`] if no key can be made of the arguments, or no idempotent call was made.
pub fn inspect<T>(call: impl FnOnce() -> T) -> Result<Key, Error> {
    let watch = Watch::new(true);
    let entered = watch.enter();
    drop(call());
    drop(entered);
    inspected(&watch)
}

/// [`inspect`] for an asynchronous call.
///
/// # Errors
/// As [`inspect`].
pub async fn inspect_async<F: Future>(call: F) -> Result<Key, Error> {
    let watch = Watch::new(true);
    drop(watch.around(call).await);
    inspected(&watch)
}

fn inspected(watch: &Watch) -> Result<Key, Error> {
    watch.seen().site.map(|site| site.key).ok_or_else(|| {
        Error::bad_key(
            "(none)",
            "no idempotent call was made, or no key could be made of its arguments",
            "call the function inside the closure of `inspect`, at its top level",
        )
    })
}

fn watching<T>(then: impl FnOnce(&Watching) -> T) -> Option<T> {
    WATCH.with(|watch| {
        let watch = watch.borrow();
        watch
            .as_ref()
            .filter(|Watch(watching)| watching.depth == depth())
            .map(|Watch(watching)| then(watching))
    })
}

/// Tells the observer, if there is one, what became of a call.
pub(crate) fn tell(outcome: Outcome) {
    watching(|watching| {
        watching.seen.lock().unwrap_or_else(PoisonError::into_inner).outcome = Some(outcome);
    });
}

/// Whether this call is only inspected; then its site is noted.
pub(crate) fn inspects(site: impl FnOnce() -> Site) -> bool {
    watching(|watching| {
        if watching.only_inspects {
            watching.seen.lock().unwrap_or_else(PoisonError::into_inner).site = Some(site());
        }
        watching.only_inspects
    })
    .unwrap_or(false)
}
