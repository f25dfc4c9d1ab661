//! A small store that is right, but for the one thing that is asked to be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use idempotent::Clock;
use idempotent::key::Key;
use idempotent::protocol::{
    Answer, Context, Decision, Fence, Liveness, Record, Request, Resolution, State, Status, Value, Write,
    decide, status,
};
use idempotent::store::{BoxFuture, Entry, Error, ErrorKind, Filter, Lease, Store, Subject, Trail, Which};
use idempotent::testing::{Bench, FakeClock};

use crate::faults::{Wrong, after, before};

/// The store: everything but `disk` is gone when it is dropped.
pub(crate) struct WrongStore {
    wrong: Option<Wrong>,
    clock: FakeClock,
    disk: Arc<Mutex<Disk>>,
    /// What a store that writes later has not written yet.
    own: Mutex<Option<Disk>>,
    fences: AtomicU64,
}

#[derive(Clone, Default)]
struct Disk {
    records: BTreeMap<Key, (Subject, Record)>,
    trails: BTreeMap<Key, Vec<Trail>>,
    spoiled: BTreeSet<Key>,
    last_fence: u64,
    moves: u64,
    last_value: Option<Value>,
    waiting: Vec<Waker>,
}

/// A bench with everything, and a store on it that is wrong in this way.
pub(crate) fn bench(wrong: Option<Wrong>) -> Bench {
    let clock = FakeClock::new();
    let disk = Arc::default();
    let store = WrongStore::new(wrong, &clock, &disk);
    let (spoiled, again, reopened) = (Arc::clone(&disk), clock.clone(), Arc::clone(&disk));
    let wall = clock.clone();
    Bench::new(store)
        .advance(move |by| clock.advance(by))
        .step_wall(move |by| wall.step_wall(by))
        .corrupt(move |key| {
            spoiled.lock().unwrap().spoiled.insert(*key);
        })
        .reopen(move || {
            let mut disk = reopened.lock().unwrap();
            match wrong {
                Some(Wrong::ForgetsWhenReopened) => disk.records.clear(),
                Some(Wrong::ForgetsTrailsWhenReopened) => disk.trails.clear(),
                Some(Wrong::ForgetsMarksWhenReopened) => {
                    disk.records.values_mut().for_each(|(_, record)| record.effect = false);
                }
                _ => {}
            }
            drop(disk);
            WrongStore::new(wrong, &again, &reopened)
        })
}

impl WrongStore {
    fn new(wrong: Option<Wrong>, clock: &FakeClock, disk: &Arc<Mutex<Disk>>) -> WrongStore {
        WrongStore {
            wrong,
            clock: clock.clone(),
            disk: Arc::clone(disk),
            own: Mutex::default(),
            fences: AtomicU64::new(0),
        }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Disk) -> T) -> T {
        if self.is(Wrong::WritesLater) {
            return act(lock(&self.own).get_or_insert_with(Disk::default));
        }
        act(&mut lock(&self.disk))
    }

    fn key(&self, key: &Key) -> Key {
        let mut bytes = *key.as_bytes();
        match self.wrong {
            Some(Wrong::MixesNearKeys) => bytes[31] = 0,
            Some(Wrong::MixesKeysAtNul) => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(32);
                bytes[end..].fill(0);
            }
            _ => {}
        }
        Key::from_bytes(bytes)
    }

    fn context(&self, disk: &mut Disk) -> Context {
        let next_fence = match self.wrong {
            Some(Wrong::FenceRestarts | Wrong::FenceRestartsAtExpiry | Wrong::FenceStands) => 1,
            Some(Wrong::FenceStandsForOperators) => 1,
            Some(Wrong::FenceRestartsWhenReopened) => self.fences.fetch_add(1, Ordering::Relaxed) + 1,
            Some(Wrong::FencesFromTheWallClock) => self.clock.wall().unsigned_abs(),
            _ => {
                disk.last_fence += 1;
                disk.last_fence
            }
        };
        let wall = self.clock.wall();
        let now = if self.is(Wrong::LeasesOnTheWallClock) { wall } else { self.clock.now() };
        Context { now, wall, next_fence, holder: Liveness::ByLease, process: None }
    }

    fn status(&self, disk: &mut Disk, key: &Key, record: &Record) -> Status {
        if disk.spoiled.contains(key) {
            return Status::Doubt;
        }
        let mut context = self.context(disk);
        if self.is(Wrong::ListsStoredState) {
            context.holder = Liveness::Alive;
        }
        status(record, &context)
    }

    fn entry(&self, disk: &mut Disk, key: &Key) -> Option<Entry> {
        let (subject, record) = disk.records.get(key)?.clone();
        let status = self.status(disk, key, &record);
        let spoiled = disk.spoiled.contains(key);
        if spoiled && self.is(Wrong::SpoiledIsAbsent) {
            return None;
        }
        let record = if spoiled { Err("spoiled".into()) } else { Ok(record) };
        Some(Entry { subject, record, status, holder: None })
    }

    /// One move. The last value is a record that was written by halves, for those who write so.
    fn move_record(&self, subject: &Subject, request: &Request) -> (Answer, Option<Record>) {
        let key = self.key(&subject.key);
        let mut found = self.with(|disk| disk.records.get(&key).map(|(_, record)| record.clone()));
        if self.is(Wrong::LetsTwoThrough) {
            (0..20).for_each(|_| thread::yield_now());
        }
        self.with(|disk| {
            if !self.is(Wrong::LetsTwoThrough) {
                found = disk.records.get(&key).map(|(_, record)| record.clone());
            }
            if disk.spoiled.contains(&key) && found.is_some() {
                match self.wrong {
                    Some(Wrong::SpoiledIsAbsent) => found = None,
                    Some(Wrong::SpoiledIsWrittenOver) => {}
                    _ => return (Answer::Unreadable { why: "spoiled".into() }, None),
                }
            }
            let mut request = request.clone();
            let mut context = self.context(disk);
            if let Some(wrong) = self.wrong {
                before(wrong, &mut request, &mut found, &mut context);
            }
            self.repeat_a_value(disk, &mut request);
            let mut decision = decide(found.as_ref(), &request, &context);
            if let Some(wrong) = self.wrong {
                after(wrong, &request, found.as_ref(), &context, &mut decision);
            }
            self.write(disk, key, subject, decision, &request, &context)
        })
    }

    fn repeat_a_value(&self, disk: &mut Disk, request: &mut Request) {
        if let Request::Settle { resolution: Resolution::Done { value, .. }, .. } = request {
            let last = disk.last_value.replace(value.clone());
            if let Some(last) = last.filter(|_| self.is(Wrong::MixesSettles)) {
                *value = last;
            }
        }
    }

    fn write(
        &self,
        disk: &mut Disk,
        key: Key,
        subject: &Subject,
        decision: Decision,
        request: &Request,
        context: &Context,
    ) -> (Answer, Option<Record>) {
        disk.moves += 1;
        let Decision { write, event, answer } = decision;
        let mut whole = None;
        match write {
            Write::Keep => {}
            Write::Put(record) => {
                let half = self.half(&record, request);
                let stored = half.map_or(record.clone(), |half| {
                    whole = Some(record);
                    half
                });
                let named = disk.records.remove(&key).map_or_else(|| self.cut(subject), |(named, _)| named);
                disk.records.insert(key, (named, stored));
            }
            Write::Remove => {
                let gone = disk.records.remove(&key);
                if let Some((gone, _)) = gone.filter(|_| self.is(Wrong::ForgetsNeighbours)) {
                    disk.records.retain(|_, (other, _)| other.operation != gone.operation);
                }
                if self.is(Wrong::TrailDiesWithTheRecord) {
                    disk.trails.remove(&key);
                }
            }
        }
        if let Some(event) = event {
            let at = context.wall;
            let what = event.what.into();
            let (fence, by, why) = (event.fence, event.by, event.why);
            let line = Trail { at, what, fence, by, why, before: event.before, after: event.after };
            disk.trails.entry(key).or_default().push(line);
        }
        if self.is(Wrong::LeavesATrace) && !disk.records.contains_key(&key) {
            let nothing = Trail {
                at: context.wall,
                what: "asked".into(),
                fence: Fence(0),
                by: None,
                why: None,
                before: None,
                after: None,
            };
            disk.trails.entry(key).or_default().push(nothing);
        }
        if !self.is(Wrong::NeverWakes) {
            disk.waiting.drain(..).for_each(Waker::wake);
        }
        (answer, whole)
    }

    /// What one that writes by halves writes first.
    fn half(&self, record: &Record, request: &Request) -> Option<Record> {
        match (self.wrong?, request) {
            (Wrong::HalfAClaim, Request::Claim(_)) => Some(Record { owner: None, ..record.clone() }),
            (Wrong::HalfAMark, Request::Mark { .. }) => Some(Record { owner: None, ..record.clone() }),
            (Wrong::HalfASettle, Request::Settle { .. }) if record.state == State::Done => {
                Some(Record { value: None, ..record.clone() })
            }
            _ => None,
        }
    }

    /// What one that lists otherwise lets through, and how much of it.
    fn asked(&self, filter: &Filter) -> (Filter, usize) {
        let filter = filter.clone();
        let limit = filter.limit;
        match self.wrong {
            Some(Wrong::ListsAllOperations) => (Filter { operation: None, ..filter }, limit),
            Some(Wrong::ListsAllScopes) => (Filter { scope: None, ..filter }, limit),
            Some(Wrong::ListsWhatIsYoung) => (Filter { began_before: None, ..filter }, limit),
            Some(Wrong::ListsOneConditionOfTwo) if filter.operation.is_some() => {
                (Filter { scope: None, ..filter }, limit)
            }
            Some(Wrong::ListsTwoHundred) => (filter, limit.min(200)),
            Some(Wrong::ListsAThousand) => (filter, limit.min(1_000)),
            Some(Wrong::TakesNamesForAlike) => {
                let (operation, scope) =
                    (filter.operation.as_ref().map(alike), filter.scope.as_ref().map(alike));
                (Filter { operation, scope, ..filter }, limit)
            }
            _ => (filter, limit),
        }
    }

    fn alike(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        if self.is(Wrong::TakesNamesForAlike) {
            entry.subject.operation = alike(&entry.subject.operation);
            entry.subject.scope = alike(&entry.subject.scope);
        }
        entry
    }

    fn hides(&self, filter: &Filter, entry: &Entry) -> bool {
        match self.wrong {
            Some(Wrong::SpoiledIsHidden) => entry.record.is_err(),
            Some(Wrong::ListsNothingFree) => {
                filter.which == Which::Unfinished && entry.status == Status::Free
            }
            Some(Wrong::ListsNothingRunning) => filter.which == Which::Running,
            _ => false,
        }
    }

    fn cut(&self, subject: &Subject) -> Subject {
        let mut subject = subject.clone();
        if self.is(Wrong::CutsNames) {
            subject.operation = subject.operation.split('\0').next().unwrap_or_default().into();
        }
        subject
    }

    /// The same in a future that needs two polls.
    async fn move_in_two(&self, subject: &Subject, request: &Request) -> Answer {
        if self.is(Wrong::SticksToItsThread) {
            let here = thread::current().id();
            yield_once().await;
            assert_eq!(here, thread::current().id(), "this future cannot move");
        }
        let (answer, whole) = self.move_record(subject, request);
        if let Some(whole) = whole {
            yield_once().await;
            self.with(|disk| {
                if let Some((_, record)) = disk.records.get_mut(&self.key(&subject.key)) {
                    *record = whole;
                }
            });
        }
        answer
    }
}

async fn yield_once() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A name as a column without case and blanks at the end compares it.
fn alike(name: &Arc<str>) -> Arc<str> {
    name.to_lowercase().trim_end().into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for WrongStore {
    fn lease(&self) -> Lease {
        Lease { length: Duration::from_secs(15), is_deadline: true }
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move { Ok(self.move_in_two(subject, &request).await) })
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        let key = self.key(key);
        Box::pin(async move { Ok(self.with(|disk| self.entry(disk, &key))) })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            if self.is(Wrong::SpoiledIsAbsent) && self.with(|disk| !disk.spoiled.is_empty()) {
                return Err(Error::new(ErrorKind::Refused, "a record is spoiled", "mend it"));
            }
            let keys: Vec<Key> = self.with(|disk| disk.records.keys().copied().collect());
            let entries = keys.iter().filter_map(|key| self.with(|disk| self.entry(disk, key)));
            let (asked, limit) = self.asked(filter);
            let found = entries.filter(|entry| !self.hides(filter, entry));
            let mut found: Vec<Entry> = if self.is(Wrong::CountsBeforeItLooks) {
                found.take(limit).filter(|entry| asked.shows(entry)).collect()
            } else {
                found.filter(|entry| asked.shows(&self.alike(entry))).take(limit).collect()
            };
            if self.is(Wrong::ListsWithoutOrder) {
                found.reverse();
            }
            Ok(found)
        })
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        let key = self.key(key);
        Box::pin(async move {
            let mut lines = self.with(|disk| disk.trails.get(&key).cloned().unwrap_or_default());
            if self.is(Wrong::TrailByTheWallClock) {
                lines.sort_by_key(|line| line.at);
            }
            Ok(lines)
        })
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async move {
            let due: Vec<Key> = self.with(|disk| {
                let records = disk.records.clone();
                let over = records.iter().filter(|(key, (_, record))| match self.status(disk, key, record) {
                    Status::Free | Status::LapsedClean | Status::Expired => !self.is(Wrong::SweepsNothing),
                    Status::Doubt if disk.spoiled.contains(key) => self.is(Wrong::SpoiledIsSwept),
                    Status::Doubt => self.is(Wrong::SweepsDoubt),
                    Status::Live | Status::Ended => false,
                });
                let due: Vec<Key> = over.map(|(key, _)| *key).take(limit).collect();
                if !self.is(Wrong::SweepsByAnOldLook) {
                    due.iter().for_each(|key| drop(disk.records.remove(key)));
                }
                due
            });
            if self.is(Wrong::SweepsByAnOldLook) {
                // Until others have moved, if there are any.
                let moves = || self.with(|disk| disk.moves);
                let looked = moves();
                (0..1_000).take_while(|_| moves() < looked + 10).for_each(|_| thread::yield_now());
                self.with(|disk| due.iter().for_each(|key| drop(disk.records.remove(key))));
            }
            Ok(due.len())
        })
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        let key = self.key(key);
        let mut was_live = false;
        Some(Box::pin(poll_fn(move |context| {
            self.with(|disk| {
                let record = disk.records.get(&key).map(|(_, record)| record.clone());
                let live = record.as_ref().is_some_and(|record| {
                    let running = record.state == State::Running && record.fence == fence;
                    let alive = status(record, &self.context(disk)) == Status::Live;
                    running && (alive || self.is(Wrong::WaitsForTheDead))
                });
                was_live |= live;
                if live || (!was_live && self.is(Wrong::WaitsForWhatIsOver)) {
                    disk.waiting.push(context.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(())
            })
        })))
    }
}
