//! A store made of an engine that can do no more than compare and swap.

mod aside;
mod engine;
mod moves;
mod stored;
mod sync;
mod turns;
mod watched;

use std::sync::Arc;
use std::time::Duration;

pub use aside::blocking;
pub use engine::{CompareAndSwap, Page};
pub use sync::{Blocking, BlockingCompareAndSwap};

use self::aside::block_here;
use self::moves::{Found, Lives};
use self::stored::{Stored, Unreadable, unreadable};
use self::turns::Turns;
use self::watched::Watched;
use super::here;
use super::{BoxFuture, Entry, Error, ErrorKind, Filter, Lease, Store, Subject, Trail};
use crate::clock::{Clock, SystemClock, micros};
use crate::key::Key;
use crate::pause::within;
use crate::protocol::{Answer, Fence, Liveness, Micros, Request, Status, status};

/// How many entries are asked of the engine at a time.
const PAGE: usize = 256;
/// What is left of a removed record stays for so long, unless it is told otherwise.
const REMEMBERS: Duration = Duration::from_secs(30 * 86_400);
/// How often someone who waits looks whether a holder that only the engine can see still lives, in a lease.
const LOOKS: u32 = 3;

/// Records in an engine that keeps bytes and can compare and swap: a [`Store`] made of a [`CompareAndSwap`].
///
/// **Durable** means what the engine means by it. A move is one read, and, unless its answer needs no write, one swap
/// of the whole entry, in which record and trail go together. When somebody else was faster it reads and decides
/// again, after pauses that grow; callers of one process take turns first.
///
/// **Time.** With [`now`](CompareAndSwap::now) all of it is the engine's, and costs a round trip a move. Without it no
/// two processes share a clock, and none trusts another's:
///
/// * *Who is alive*: a process takes a record over only after it has itself seen the very same bytes for a whole lease,
///   on a clock that counts while the machine sleeps. A renewal changes the bytes. So a process that has just started
///   waits a whole lease before it takes over from a dead one, and until then shows that one's record as running;
///   an operator's act waits that long by itself.
/// * *Quiet time* of a check is counted in the same way: for a process that has just started, from its first look.
/// * *`keep`* alone is measured on the wall clock of whoever looks. A machine whose wall clock is ahead lets a result
///   expire earlier by as much; where that matters keep results for ever, or give the engine a clock.
///
/// **Fences** come from the wall clock (the engine's, if it has one) and always exceed the one before. What is left of a
/// removed record (its fence and its trail, some hundred bytes) stays in the engine for
/// [30 days](CasStore::remember_for), and a sweep removes it then; later, fences go on from the clock, so that
/// none returns while no two wall clocks differ by more than that time.
///
/// **Cost.** Lists and sweeps read every entry of the engine, also what is left of removed ones. A trail keeps its last
/// 64 lines, 1,000 characters of each reason.
///
/// **A lost answer** of a swap leaves the move either done or not, and the same request with the same token finds
/// out.
pub struct CasStore<E> {
    engine: E,
    lease: Duration,
    remembers: Duration,
    clock: Arc<dyn Clock>,
    watched: Watched,
    turns: Turns,
    /// This process, as a person would name it.
    named: Arc<str>,
}

impl<E: CompareAndSwap> CasStore<E> {
    /// A store in `engine`, with a lease of 15 seconds.
    #[must_use]
    pub fn new(engine: E) -> CasStore<E> {
        CasStore {
            engine,
            lease: Duration::from_secs(15),
            remembers: REMEMBERS,
            clock: Arc::new(SystemClock),
            watched: Watched::default(),
            turns: Turns::default(),
            named: here::describe(std::process::id(), &here::program(), &here::host()).into(),
        }
    }

    /// Sets how long a claim lives unrenewed.
    #[must_use]
    pub fn lease_of(mut self, lease: Duration) -> CasStore<E> {
        self.lease = lease;
        self
    }

    /// Sets how long the fence and the trail of a removed record stay. Then a sweep removes them.
    #[must_use]
    pub fn remember_for(mut self, time: Duration) -> CasStore<E> {
        self.remembers = time;
        self
    }

    /// Reads the time from `clock` where the engine has none, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> CasStore<E> {
        self.clock = clock;
        self
    }

    /// The next entries after a key.
    async fn page(&self, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Found)>, Error> {
        let time = self.time().await?;
        let entries = self.engine.scan(after, limit).await?;
        let mut last = after.copied();
        for (key, _) in &entries {
            if last.is_some_and(|last| *key <= last) {
                return Err(Error::new(
                    ErrorKind::Refused,
                    format!("the engine's scan gives {key} where a later key is due"),
                    "this is a fault of the engine: it must give its entries in key order, each of them once",
                ));
            }
            last = Some(*key);
        }
        let found = |(key, bytes)| (key, self.found(&key, Some(bytes), time));
        Ok(entries.into_iter().map(found).collect())
    }

    /// How much longer at most the record may be held under `fence` by one who lives; `None` if it is not.
    async fn held(&self, found: &Found, fence: Fence) -> Result<Option<Duration>, Error> {
        let Some(record) = found.record().filter(|record| record.fence == fence) else { return Ok(None) };
        let holder = self.liveness(Some(record), found.time.now, &mut Lives::new()).await?;
        let context = self.context(found.time, 0, holder, None);
        if status(record, &context) != Status::Live {
            return Ok(None);
        }
        let until = match (holder, record.lease_until) {
            (Liveness::ByLease, Some(until)) => until.saturating_sub(context.now),
            (Liveness::ByLease | Liveness::Alive | Liveness::Dead, _) => Micros::MAX,
        };
        // Nobody is told when a process dies.
        let look = if record.holder.is_some() { micros(self.lease / LOOKS) } else { Micros::MAX };
        let left = u64::try_from(until.min(look)).unwrap_or(0);
        Ok(Some(Duration::from_micros(left).max(Duration::from_millis(1))))
    }
}

/// Whether `filter` shows the entry. One of which not even the name can be read belongs to no operation and no
/// scope, and is hidden by neither.
fn shows(filter: &Filter, entry: &Entry) -> bool {
    let nameless = entry.record.is_err() && entry.subject.operation.is_empty();
    filter.shows(entry) || nameless && Filter { operation: None, scope: None, ..filter.clone() }.shows(entry)
}

impl<E: CompareAndSwap> Store for CasStore<E> {
    fn lease(&self) -> Lease {
        Lease { length: self.lease, is_deadline: !self.engine.death_is_final() }
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move { self.move_record(subject, &request).await })
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        block_here(self.move_record(subject, &request))
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            let found = self.look(key).await?;
            self.entry(key, found, &mut Lives::new()).await
        })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let (mut shown, mut lives, mut after) = (Vec::new(), Lives::new(), filter.after);
            while shown.len() < filter.limit {
                let page = self.page(after.as_ref(), PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                for (key, found) in page {
                    let entry = self.entry(&key, found, &mut lives).await?;
                    shown.extend(entry.filter(|entry| shows(filter, entry)));
                }
            }
            shown.truncate(filter.limit);
            Ok(shown)
        })
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        Box::pin(async move {
            let found = self.look(key).await?;
            Ok(match found.stored {
                Some(Ok(Stored { trail, .. })) => trail.lines(),
                // Not the same as none: it lies in the bytes that cannot be read.
                Some(Err(Unreadable { why, .. })) => vec![unreadable(why, found.time.wall)],
                None => Vec::new(),
            })
        })
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async move {
            let (mut removed, mut after) = (0, None);
            while removed < limit {
                let page = self.page(after.as_ref(), PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                for (key, found) in &page {
                    if removed < limit && self.sweep_one(key, found).await? {
                        removed += 1;
                    }
                }
            }
            Ok(removed)
        })
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        drop(self.engine.watch(key, None)?);
        Some(Box::pin(async move {
            let mut before = None;
            loop {
                // No answer is an answer: the caller looks for itself.
                let Ok(found) = self.look(key).await else { return };
                let Ok(Some(most)) = self.held(&found, fence).await else { return };
                if before.is_some_and(|before| before == found.bytes) {
                    // Told of a change that is none: it is for the caller to pause.
                    return;
                }
                let Some(changes) = self.engine.watch(key, found.bytes.as_deref()) else { return };
                let told = within(most, changes).await.is_some();
                before = told.then_some(found.bytes);
            }
        }))
    }
}
