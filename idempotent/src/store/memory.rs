//! The store that lives in this process.
//!
//! Durable means: as long as the process lives. The clock is the machine's clock that counts through a
//! suspend (or a clock of the test's own). There are no lost replies and no failover.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::Event as Bell;

use super::{BoxFuture, Entry, Error, Filter, Lease, Store, Subject, Trail};
use crate::clock::{Clock, SystemClock};
use crate::key::Key;
use crate::protocol::{
    Answer, Context, Decision, Event, Fence, Liveness, Record, Request, Status, Write, decide, status,
};

const SHARDS: usize = 16;

/// Records in the memory of this process: for tests, and for programs whose effects end with them.
///
/// ```
/// use idempotent::MemoryStore;
/// let store = MemoryStore::new();
/// # let _ = store;
/// ```
pub struct MemoryStore {
    shards: [Shard; SHARDS],
    lease: Duration,
    clock: Arc<dyn Clock>,
    /// The last fence handed out. A sequence and not the clock: also a clock that stands or steps back never
    /// lets a fence return after its record is gone.
    fences: AtomicU64,
}

#[derive(Default)]
struct Shard {
    kept: Mutex<Kept>,
    /// Rings at every change of a record in this shard.
    bell: Bell,
}

#[derive(Default)]
struct Kept {
    records: HashMap<Key, (Arc<Subject>, Record)>,
    trails: HashMap<Key, Vec<Trail>>,
}

impl MemoryStore {
    /// An empty store with a lease of 15 seconds.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that reads the time from `clock`, for tests.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> MemoryStore {
        MemoryStore {
            shards: Default::default(),
            lease: Duration::from_secs(15),
            clock,
            fences: AtomicU64::new(0),
        }
    }

    /// Sets how long a claim lives unrenewed.
    #[must_use]
    pub fn lease_of(mut self, lease: Duration) -> MemoryStore {
        self.lease = lease;
        self
    }

    fn shard(&self, key: &Key) -> &Shard {
        &self.shards[usize::from(key.as_bytes()[0]) % SHARDS]
    }

    fn context(&self) -> Context {
        Context {
            now: self.clock.now(),
            wall: self.clock.wall(),
            next_fence: self.fences.fetch_add(1, Ordering::Relaxed) + 1,
            holder: Liveness::ByLease,
            process: None,
        }
    }

    fn entry(&self, subject: &Subject, record: &Record) -> Entry {
        let status = status(record, &self.context());
        Entry { subject: subject.clone(), record: Ok(record.clone()), status, holder: None }
    }

    fn move_record(&self, subject: &Arc<Subject>, request: &Request) -> Answer {
        let shard = self.shard(&subject.key);
        let mut kept = shard.lock();
        let context = self.context();
        let found = kept.records.get(&subject.key).map(|(_, record)| record);
        let Decision { write, event, answer } = decide(found, request, &context);
        let changes = !matches!(write, Write::Keep);
        match write {
            Write::Keep => {}
            Write::Put(record) => match kept.records.get_mut(&subject.key) {
                Some(entry) => entry.1 = record,
                None => {
                    kept.records.insert(subject.key, (Arc::clone(subject), record));
                }
            },
            Write::Remove => {
                kept.records.remove(&subject.key);
            }
        }
        if let Some(event) = event {
            kept.trails.entry(subject.key).or_default().push(line(event, context.wall));
        }
        drop(kept);
        if changes {
            shard.bell.notify(usize::MAX);
        }
        answer
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl Shard {
    /// The protocol never leaves a record half written, so a poisoned lock holds nothing wrong.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(event: Event, at: i64) -> Trail {
    let Event { what, fence, by, why, before, after } = event;
    Trail { at, what: what.into(), fence, by, why, before, after }
}

impl Store for MemoryStore {
    fn lease(&self) -> Lease {
        Lease { length: self.lease, is_deadline: true }
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move { Ok(self.move_record(subject, &request)) })
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        Ok(self.move_record(subject, &request))
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            let kept = self.shard(key).lock();
            Ok(kept.records.get(key).map(|(subject, record)| self.entry(subject, record)))
        })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let mut found = BTreeMap::new();
            for shard in &self.shards {
                for (key, (subject, record)) in &shard.lock().records {
                    let entry = self.entry(subject, record);
                    if filter.shows(&entry) {
                        found.insert(*key, entry);
                    }
                }
            }
            Ok(found.into_values().take(filter.limit).collect())
        })
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        Box::pin(async move { Ok(self.shard(key).lock().trails.get(key).cloned().unwrap_or_default()) })
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async move {
            let context = self.context();
            let mut removed = 0;
            for shard in &self.shards {
                let mut kept = shard.lock();
                let due: Vec<(Key, Fence)> = kept
                    .records
                    .iter()
                    .filter(|(_, (_, record))| sweepable(status(record, &context)))
                    .map(|(key, (_, record))| (*key, record.fence))
                    .take(limit - removed)
                    .collect();
                for (key, fence) in due {
                    let found = kept.records.get(&key).map(|(_, record)| record);
                    if decide(found, &Request::Sweep { fence }, &context).write == Write::Remove {
                        kept.records.remove(&key);
                        removed += 1;
                    }
                }
            }
            Ok(removed)
        })
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        Some(Box::pin(async move {
            let shard = self.shard(key);
            loop {
                let rung = shard.bell.listen();
                let context = self.context();
                let held = shard.lock().records.get(key).is_some_and(|(_, record)| {
                    record.fence == fence && status(record, &context) == Status::Live
                });
                if !held {
                    return;
                }
                rung.await;
            }
        }))
    }
}

fn sweepable(status: Status) -> bool {
    match status {
        Status::Free | Status::LapsedClean | Status::Expired => true,
        Status::Live | Status::Doubt | Status::Ended => false,
    }
}
