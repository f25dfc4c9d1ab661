//! An engine for the compare-and-swap adapter: a map in this process, with as much or as little as a test wants.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::Event;
use idempotent::protocol::{Liveness, Micros, Process};
use idempotent::store::{BoxFuture, CompareAndSwap, Error, Page};
use idempotent::testing::FakeClock;
use idempotent::{Clock, Key};

/// What engines share that speak to the same map.
#[derive(Clone, Default)]
pub struct Disk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<BTreeMap<Key, Vec<u8>>>,
    living: Mutex<BTreeSet<Process>>,
    /// Until when a session lives, on the clock of those that have one.
    sessions: Mutex<BTreeMap<Process, Micros>>,
    changed: Event,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// The bytes under a key.
    pub fn bytes(&self, key: &Key) -> Option<Vec<u8>> {
        lock(&self.0.entries).get(key).cloned()
    }

    /// Writes past every store, as another program could.
    pub fn put(&self, key: &Key, bytes: Vec<u8>) {
        lock(&self.0.entries).insert(*key, bytes);
        self.0.changed.notify(usize::MAX);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        lock(&self.0.entries).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Turns a bit in the middle of what lies under `key`.
    pub fn spoil(&self, key: &Key) {
        let mut bytes = self.bytes(key).expect("there is something to spoil");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        self.put(key, bytes);
    }
}

/// An engine on a [`Disk`].
pub struct Engine {
    disk: Disk,
    now: Option<FakeClock>,
    watches: bool,
    holder: Option<Process>,
    session: Option<(FakeClock, Mutex<Process>)>,
}

impl Engine {
    /// One that can do what it must, and no more.
    pub fn new(disk: &Disk) -> Engine {
        Engine { disk: disk.clone(), now: None, watches: false, holder: None, session: None }
    }

    /// The same with a clock that all share.
    #[must_use]
    pub fn clock(mut self, clock: &FakeClock) -> Engine {
        self.now = Some(clock.clone());
        self
    }

    /// The same with a word for those who wait.
    #[must_use]
    pub fn watching(mut self) -> Engine {
        self.watches = true;
        self
    }

    /// The same, seen alive until it is dropped.
    #[must_use]
    pub fn seen_alive(mut self) -> Engine {
        let name = name();
        lock(&self.disk.0.living).insert(name);
        self.holder = Some(name);
        self
    }

    /// The same, seen alive as long as it keeps a session, by a clock of the engine's own.
    #[must_use]
    pub fn in_sessions(mut self, clock: &FakeClock) -> Engine {
        self.session = Some((clock.clone(), Mutex::new(name())));
        self
    }
}

fn name() -> Process {
    Process(*uuid::Uuid::new_v4().as_bytes())
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(name) = self.holder {
            lock(&self.disk.0.living).remove(&name);
        }
    }
}

impl CompareAndSwap for Engine {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move { Ok(self.disk.bytes(key)) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let mut entries = lock(&self.disk.0.entries);
            if entries.get(key).map(Vec::as_slice) != expected {
                return Ok(false);
            }
            match new {
                Some(new) => entries.insert(*key, new.to_vec()),
                None => entries.remove(key),
            };
            drop(entries);
            self.disk.0.changed.notify(usize::MAX);
            Ok(true)
        })
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        Box::pin(async move {
            let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(*key));
            let entries = lock(&self.disk.0.entries);
            let page = entries.range((from, Bound::Unbounded)).take(limit);
            Ok(page.map(|(key, bytes)| (*key, bytes.clone())).collect())
        })
    }

    fn now(&self) -> Option<BoxFuture<'_, Result<Micros, Error>>> {
        let now = self.now.as_ref()?.wall();
        Some(Box::pin(async move { Ok(now) }))
    }

    fn holder(&self, lease: Duration) -> Option<BoxFuture<'_, Result<Process, Error>>> {
        let mine = match (&self.session, self.holder) {
            (Some((clock, mine)), _) => {
                let (now, mut mine) = (clock.now(), lock(mine));
                let mut sessions = lock(&self.disk.0.sessions);
                if sessions.get(&mine).is_some_and(|until| *until <= now) {
                    *mine = name();
                }
                let until = sessions.entry(*mine).or_insert(now);
                *until = (*until).max(now + Micros::try_from(lease.as_micros()).expect("a lease"));
                *mine
            }
            (None, Some(name)) => name,
            (None, None) => return None,
        };
        Some(Box::pin(async move { Ok(mine) }))
    }

    fn holder_alive(&self, holder: Process) -> BoxFuture<'_, Result<Liveness, Error>> {
        let lives = match &self.session {
            Some((clock, _)) => {
                lock(&self.disk.0.sessions).get(&holder).is_some_and(|until| clock.now() < *until)
            }
            None => lock(&self.disk.0.living).contains(&holder),
        };
        Box::pin(async move { Ok(if lives { Liveness::Alive } else { Liveness::Dead }) })
    }

    fn death_is_final(&self) -> bool {
        self.holder.is_some()
    }

    fn watch<'a>(&'a self, key: &'a Key, seen: Option<&'a [u8]>) -> Option<BoxFuture<'a, ()>> {
        if !self.watches {
            return None;
        }
        Some(Box::pin(async move {
            loop {
                let told = self.disk.0.changed.listen();
                if self.disk.bytes(key).as_deref() != seen {
                    return;
                }
                told.await;
            }
        }))
    }
}
