//! The smaller trait: what an engine must be able to do so that a store can be made of it.

use std::sync::Arc;
use std::time::Duration;

use crate::key::Key;
use crate::protocol::{Liveness, Micros, Process};
use crate::store::{BoxFuture, Error};

/// Some entries of an engine, in key order.
pub type Page = Vec<(Key, Vec<u8>)>;

/// An engine that keeps bytes under keys and can swap them.
///
/// [`CasStore`](super::CasStore) makes a [`Store`](crate::Store) of it: it turns records into bytes, runs the
/// protocol, and brings what it decides into the engine by [`compare_and_swap`](CompareAndSwap::compare_and_swap).
/// The engine looks into none of the bytes.
///
/// You are done when `idempotent::testing::store_conformance!` passes on the `CasStore` of your engine.
///
/// The futures must complete on any executor and under a plain `block_on`, and must not block the thread that polls
/// them on a disk, a lock or a network: [`blocking`](super::blocking) makes such a future of code that blocks. Callers
/// wait as long as the engine does, so give what it asks of others a time-out.
///
/// # A whole store
/// In memory, shared by all that hold the same map. All else is as it must be.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::ops::Bound;
/// use std::sync::{Arc, Mutex};
///
/// use idempotent::store::{BoxFuture, CasStore, CompareAndSwap, Error, Page};
/// use idempotent::{Handle, Key, idempotent};
///
/// #[derive(Clone, Default)]
/// struct Map(Arc<Mutex<BTreeMap<Key, Vec<u8>>>>);
///
/// impl CompareAndSwap for Map {
///     fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(key).cloned()) })
///     }
///
///     fn compare_and_swap<'a>(
///         &'a self,
///         key: &'a Key,
///         expected: Option<&'a [u8]>,
///         new: Option<&'a [u8]>,
///     ) -> BoxFuture<'a, Result<bool, Error>> {
///         Box::pin(async move {
///             let mut map = self.0.lock().unwrap();
///             if map.get(key).map(Vec::as_slice) != expected {
///                 return Ok(false);
///             }
///             match new {
///                 Some(new) => map.insert(*key, new.to_vec()),
///                 None => map.remove(key),
///             };
///             Ok(true)
///         })
///     }
///
///     fn scan<'a>(
///         &'a self,
///         after: Option<&'a Key>,
///         limit: usize,
///     ) -> BoxFuture<'a, Result<Page, Error>> {
///         Box::pin(async move {
///             let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(*key));
///             let map = self.0.lock().unwrap();
///             Ok(map.range((from, Bound::Unbounded)).take(limit).map(|(key, bytes)| (*key, bytes.clone())).collect())
///         })
///     }
/// }
///
/// #[idempotent(key = order, name = "orders.ship", skip(handle), store = handle)]
/// fn ship(handle: &Handle, order: u32) -> Result<String, idempotent::Error> {
///     Ok(format!("parcel {order}"))
/// }
///
/// let map = Map::default();
/// let (here, there) = (Handle::new(CasStore::new(map.clone())), Handle::new(CasStore::new(map)));
/// assert_eq!(ship(&here, 7)?, "parcel 7");
/// assert_eq!(ship(&there, 7)?, "parcel 7"); // replayed
/// # #[cfg(feature = "testing")]
/// # for case in idempotent::testing::conformance::cases() {
/// #     if case.needs().iter().all(|need| *need == "kill") {
/// #         case.run(std::time::Duration::from_secs(60), || {
/// #             idempotent::testing::Bench::new(CasStore::new(Map::default()))
/// #         });
/// #     }
/// # }
/// # Ok::<(), idempotent::Error>(())
/// ```
pub trait CompareAndSwap: Send + Sync + 'static {
    /// The bytes under `key`, `None` if there are none.
    ///
    /// What is returned is durable, and was there at some moment between call and return: never an earlier state. That
    /// what was once shown is never lost rests on it (I2, I3).
    ///
    /// # Errors
    /// The engine cannot be reached. That is never the same as `None`.
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>>;

    /// Puts `new` under `key` if what lies there is exactly `expected`, as one step. `None` is "nothing lies
    /// there": expected, it makes the entry; new, it removes it.
    ///
    /// On return of `true`, `new` is durable, and every later call of any process sees it; nobody else came between
    /// comparing and writing. On return of `false` nothing was changed. That a key has one holder rests on it (I1).
    ///
    /// # Errors
    /// An error says nothing about whether it was done: the store asks again, reads, and recognises what it wrote. A
    /// copy of the request that arrives late finds other bytes than it expects, since no bytes are written twice.
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>>;

    /// The first entries after `after` (from the very first, if it is `None`), in key order, at most `limit` of
    /// them. There may be fewer, as where they would be too many bytes at once; an empty answer means that there are no
    /// more. What is there during the whole call is not left out. That all doubt is listed rests on it (I5).
    ///
    /// # Errors
    /// The engine cannot be reached.
    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>>;

    /// The time on a clock that all who use the engine share, the server's for instance, in microseconds since
    /// 1970. It may stand still, but should not step back. An engine has one or it has not: always `Some`, or
    /// always `None`.
    ///
    /// The default is `None`: then each process measures leases and quiet time on a clock of its own, as
    /// [`CasStore`](super::CasStore) says.
    fn now(&self) -> Option<BoxFuture<'_, Result<Micros, Error>>> {
        None
    }

    /// The name of this process, where the engine can tell whether a process lives: random, never used by another
    /// and never again. It is asked for at each claim, mark and renewal, with the lease that is asked for: on return
    /// [`holder_alive`](CompareAndSwap::holder_alive) does not call it dead, unless it really is, before that
    /// time is over. So an engine looks here whether its own sign of life still stands, prolongs it where it would
    /// lapse, and sets up another one under a new name where it is lost.
    ///
    /// An engine sees its holders or it does not: always `Some`, or always `None`, which is the default: then only
    /// leases tell.
    ///
    /// # Errors
    /// There is no sign of life, and none can be set up. Then nothing is claimed.
    fn holder(&self, lease: Duration) -> Option<BoxFuture<'_, Result<Process, Error>>> {
        let _ = lease;
        None
    }

    /// Whether the process of that name lives. [`Liveness::ByLease`] is "cannot tell"; once
    /// [`Liveness::Dead`], a name stays dead.
    ///
    /// # Errors
    /// The engine cannot be reached.
    fn holder_alive(&self, holder: Process) -> BoxFuture<'_, Result<Liveness, Error>> {
        let _ = holder;
        Box::pin(async { Ok(Liveness::ByLease) })
    }

    /// Whether a process that [`holder_alive`](CompareAndSwap::holder_alive) calls dead can never act again, as
    /// where the operating system has released its lock. `false`, the default, where it may only be out of touch, as
    /// when a session has expired: then a holder does not act on an answer that has taken longer than a lease, and a
    /// claim ends with its session or its lease, whichever is over first.
    fn death_is_final(&self) -> bool {
        false
    }

    /// Completes when the bytes under `key` are other than `seen`, at once if they are so already. May complete for
    /// no reason; the store looks. An engine can watch or it cannot: always `Some`, or always `None`, which is the
    /// default.
    fn watch<'a>(&'a self, key: &'a Key, seen: Option<&'a [u8]>) -> Option<BoxFuture<'a, ()>> {
        let _ = (key, seen);
        None
    }
}

/// A shared engine is the engine: every method goes to the one inside.
impl<E: CompareAndSwap + ?Sized> CompareAndSwap for Arc<E> {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        (**self).load(key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        (**self).compare_and_swap(key, expected, new)
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        (**self).scan(after, limit)
    }

    fn now(&self) -> Option<BoxFuture<'_, Result<Micros, Error>>> {
        (**self).now()
    }

    fn holder(&self, lease: Duration) -> Option<BoxFuture<'_, Result<Process, Error>>> {
        (**self).holder(lease)
    }

    fn holder_alive(&self, holder: Process) -> BoxFuture<'_, Result<Liveness, Error>> {
        (**self).holder_alive(holder)
    }

    fn death_is_final(&self) -> bool {
        (**self).death_is_final()
    }

    fn watch<'a>(&'a self, key: &'a Key, seen: Option<&'a [u8]>) -> Option<BoxFuture<'a, ()>> {
        (**self).watch(key, seen)
    }
}
