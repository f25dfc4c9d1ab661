//! The context of a running body or check: which attempt it is, and the request ids to hand to other systems.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use uuid::Uuid;

use crate::key::Key;
use crate::protocol::Fence;

thread_local! {
    static CURRENT: RefCell<Option<Attempt>> = const { RefCell::new(None) };
}

/// One run of a body, as the body sees it.
///
/// A check sees the attempt that it asks about: its request ids are those that the body has sent or would send, so that
/// the other side can be asked by them.
///
/// ```
/// # use idempotent::{Handle, MemoryStore, idempotent};
/// #[idempotent(key = patient, skip(handle), store = handle)]
/// fn book(handle: &Handle, patient: &str) -> Result<String, idempotent::Error> {
///     let attempt = idempotent::attempt();
///     // The same on every attempt of this call: hand it to systems that refuse repeats.
///     let header = ("Idempotency-Key", attempt.request_id().to_string());
///     // A second outgoing call needs an id of its own.
///     let mail = attempt.request_id_for("confirmation mail").to_string();
///     assert_ne!(header.1, mail);
///     Ok(header.1)
/// }
/// # book(&Handle::new(MemoryStore::new()), "patient 7")?;
/// # Ok::<(), idempotent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Attempt(Arc<Running>);

#[derive(Debug)]
struct Running {
    /// Which store, so that equal keys of two stores are told apart.
    store: usize,
    key: Key,
    number: u32,
    fence: Fence,
    outer: Option<Attempt>,
}

impl Attempt {
    pub(crate) fn new(store: usize, key: Key, number: u32, fence: Fence) -> Attempt {
        Attempt(Arc::new(Running { store, key, number, fence, outer: Attempt::current() }))
    }

    /// The attempt whose body or check is running on this thread (or is being polled); `None` outside of any, and in
    /// threads and tasks that it has started.
    #[must_use]
    pub fn current() -> Option<Attempt> {
        CURRENT.with(|current| current.borrow().clone())
    }

    /// Which run of the body this is, from 1; in a check, the one that it asks about.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// The fence of this attempt's claim: it grows with every grant on the key. Where the other side can
    /// compare it, it can refuse a late holder.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.0.fence
    }

    /// The key of the call.
    #[must_use]
    pub fn key(&self) -> Key {
        self.0.key
    }

    /// A request id made from the key: the same on every attempt.
    #[must_use]
    pub fn request_id(&self) -> Uuid {
        self.0.key.request_id()
    }

    /// A request id made from the key and `label`: the same on every attempt, another one for each label.
    #[must_use]
    pub fn request_id_for(&self, label: &str) -> Uuid {
        self.0.key.request_id_for(label)
    }

    /// Makes this the current attempt of the thread until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered(CURRENT.with(|current| current.replace(Some(self.clone()))))
    }

    /// Makes this the current attempt whenever `future` is polled.
    pub(crate) async fn around<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _entered = self.enter();
            future.as_mut().poll(context)
        })
        .await
    }
}

pub(crate) struct Entered(Option<Attempt>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with(|current| current.replace(self.0.take()));
    }
}

/// The attempt whose body or check is running on this thread (or is being polled).
///
/// # Panics
/// Outside of any body or check, and in threads and tasks that it has started: take the attempt along, or ask with
/// [`Attempt::current`].
#[must_use]
#[track_caller]
pub fn attempt() -> Attempt {
    let Some(attempt) = Attempt::current() else {
        panic!("`idempotent::attempt()` was called outside of the body or check of an idempotent function");
    };
    attempt
}

/// How many bodies and checks are running inside each other here.
pub(crate) fn depth() -> usize {
    let mut depth = 0;
    let mut next = Attempt::current();
    while let Some(Attempt(running)) = next {
        depth += 1;
        next = running.outer.clone();
    }
    depth
}

/// Whether a body or check that is running here holds this key of this store itself.
pub(crate) fn holds(store: usize, key: &Key) -> bool {
    let mut next = Attempt::current();
    while let Some(Attempt(running)) = next {
        if running.store == store && running.key == *key {
            return true;
        }
        next = running.outer.clone();
    }
    false
}
