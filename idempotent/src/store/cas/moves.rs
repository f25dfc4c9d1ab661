//! One move: read, let the protocol decide, swap; and again if somebody was faster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::stored::{Clock, Kept, Stamp, Stored, TrailOfKey, Unreadable};
use super::{CasStore, CompareAndSwap, LOOKS};
use crate::clock::micros;
use crate::key::Key;
use crate::pause::{Deadline, pause};
use crate::protocol::{
    Answer, Busy, Claim, Context, Decision, Fence, Liveness, Micros, Process, Record, Request, State, Status,
    Write, decide, status,
};
use crate::store::{Entry, Error, ErrorKind, Subject};

/// How often a move is tried while others are faster.
const TRIES: usize = 100;

/// What time it is, read before what it is compared with.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub(super) now: Micros,
    pub(super) wall: Micros,
    is_engines: bool,
}

/// What was found under a key, and when.
pub(super) struct Found {
    pub(super) time: Time,
    pub(super) bytes: Option<Vec<u8>>,
    /// `None` is nothing at all.
    pub(super) stored: Option<Result<Stored, Unreadable>>,
    /// How long its claim has lived is not known yet: this process has never seen these bytes before.
    is_first_look: bool,
}

impl Found {
    pub(super) fn record(&self) -> Option<&Record> {
        match &self.stored {
            Some(Ok(Stored { kept: Kept::Record { record, .. }, .. })) => Some(record),
            Some(Ok(Stored { kept: Kept::Gone { .. }, .. }) | Err(_)) | None => None,
        }
    }

    /// The fence below which nothing may be granted: that of a record which was removed.
    fn floor(&self) -> u64 {
        match &self.stored {
            Some(Ok(Stored { kept: Kept::Gone { fence: Fence(fence) }, .. })) => fence.saturating_add(1),
            Some(_) | None => 0,
        }
    }
}

/// What a decision comes to.
#[expect(clippy::large_enum_variant, reason = "moved once; a box would allocate at every write")]
enum Step {
    Answer(Answer),
    Swap { next: Stored, answer: Answer },
}

/// What the engine has said of processes, within one list.
pub(super) type Lives = HashMap<Process, Liveness>;

impl<E: CompareAndSwap> CasStore<E> {
    pub(super) async fn time(&self) -> Result<Time, Error> {
        Ok(match self.engine.now() {
            Some(now) => {
                let now = now.await?;
                Time { now, wall: now, is_engines: true }
            }
            None => Time { now: self.clock.now(), wall: self.clock.wall(), is_engines: false },
        })
    }

    /// What lies under `key`. The time is read first: what had lapsed by then has not been renewed since.
    pub(super) async fn look(&self, key: &Key) -> Result<Found, Error> {
        let time = self.time().await?;
        let bytes = self.engine.load(key).await?;
        Ok(self.found(key, bytes, time))
    }

    pub(super) fn found(&self, key: &Key, bytes: Option<Vec<u8>>, mut time: Time) -> Found {
        let mut is_first_look = false;
        let origin = |stamp, clock| match clock {
            Clock::OfTheEngine(moment) if time.is_engines => moment,
            // Measured on a clock that this process does not share, or does not know: it has lasted as long as this
            // process has seen it. At the first look that is no time at all.
            Clock::OfTheEngine(_) | Clock::OfTheWriter => {
                let here = if time.is_engines { time.now } else { self.clock.now() };
                let since;
                (since, is_first_look) = self.watched.since(key, stamp, here);
                time.now = time.now.max(since);
                since
            }
        };
        let stored = bytes.as_deref().map(|bytes| Stored::decode(key, bytes, origin));
        Found { time, bytes, stored, is_first_look }
    }

    pub(super) async fn move_record(
        &self,
        subject: &Arc<Subject>,
        request: &Request,
    ) -> Result<Answer, Error> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(1))
            .with_max_delay(Duration::from_millis(50))
            .with_max_times(TRIES)
            .with_jitter()
            .build();
        let mut turn = None;
        let mut tried: Option<(Vec<u8>, Stamp, Answer)> = None;
        let mut doubted = None;
        loop {
            let found = self.look(&subject.key).await?;
            if let Some((_, stamp, answer)) = tried.take_if(|(bytes, ..)| found.bytes.as_ref() == Some(bytes))
            {
                // The engine has said no to a swap that it had made, as where its client asks twice.
                self.watched.wrote(&subject.key, stamp, found.time.now);
                return Ok(answer);
            }
            let (next, answer) = match self.decide(subject, request, &found).await? {
                Step::Answer(answer) => match self.worth_another_look(request, &answer, &found, &mut doubted)
                {
                    Some(length) => {
                        pause(length).await;
                        continue;
                    }
                    None => return Ok(answer),
                },
                Step::Swap { next, answer } => (next, answer),
            };
            if turn.is_none() {
                let (taken, waited) = self.turns.take(subject.key).await;
                turn = Some(taken);
                if waited {
                    continue;
                }
            }
            let bytes = self.bytes(&subject.key, &next, found.time);
            if self.swap(&subject.key, &found, &next, &bytes).await? {
                return Ok(answer);
            }
            tried = Some((bytes, next.stamp, answer));
            match pauses.next() {
                Some(length) => pause(length).await,
                None => return Err(contended(&subject.key)),
            }
        }
    }

    /// Whether an operator is told "busy" only because this process has not seen the claim before, and when to look
    /// again. A program that comes, acts and goes would otherwise be told so for ever. `doubted` is what was seen at
    /// the first look: whoever has renewed it since is alive.
    fn worth_another_look(
        &self,
        request: &Request,
        answer: &Answer,
        found: &Found,
        doubted: &mut Option<(Stamp, Deadline)>,
    ) -> Option<Duration> {
        let Answer::Busy(Busy { left, .. }) = answer else { return None };
        let Some(Ok(Stored { stamp, .. })) = &found.stored else { return None };
        if !is_operators(request) || *left == 0 {
            return None;
        }
        let (first, until) = match doubted {
            None if found.is_first_look => doubted.insert((*stamp, Deadline::after(2 * self.lease))),
            None => return None,
            Some(doubted) => doubted,
        };
        let unchanged = *first == *stamp && until.left() > Duration::ZERO;
        let left = Duration::from_micros(u64::try_from(*left).unwrap_or(0));
        unchanged.then(|| left.min(self.lease / (2 * LOOKS)).max(Duration::from_millis(1)))
    }

    fn bytes(&self, key: &Key, next: &Stored, time: Time) -> Vec<u8> {
        let clock = if time.is_engines { Clock::OfTheEngine(time.now) } else { Clock::OfTheWriter };
        next.encode(key, time.now, clock)
    }

    async fn swap(&self, key: &Key, found: &Found, next: &Stored, bytes: &[u8]) -> Result<bool, Error> {
        let swapped = self.engine.compare_and_swap(key, found.bytes.as_deref(), Some(bytes)).await?;
        if swapped && !found.time.is_engines {
            match &next.kept {
                Kept::Record { record, .. }
                    if record.lease_until.is_some() || record.quiet_from.is_some() =>
                {
                    self.watched.wrote(key, next.stamp, found.time.now);
                }
                Kept::Record { .. } | Kept::Gone { .. } => self.watched.forget(key),
            }
        }
        Ok(swapped)
    }

    /// What the protocol is told beside the record.
    pub(super) fn context(
        &self,
        time: Time,
        floor: u64,
        holder: Liveness,
        process: Option<Process>,
    ) -> Context {
        let next_fence = u64::try_from(time.wall).unwrap_or(0).max(floor).max(1);
        Context { now: time.now, wall: time.wall, next_fence, holder, process }
    }

    /// What is known of the holder's life at `now`. Where a process that is called dead may only be out of touch, the
    /// end of its lease and the end of its session each prove as much, and whichever comes first counts.
    pub(super) async fn liveness(
        &self,
        record: Option<&Record>,
        now: Micros,
        lives: &mut Lives,
    ) -> Result<Liveness, Error> {
        let Some(Record { state: State::Running, holder: Some(process), lease_until, .. }) = record else {
            return Ok(Liveness::ByLease);
        };
        let seen = match lives.get(process) {
            Some(seen) => *seen,
            None => self.engine.holder_alive(*process).await?,
        };
        lives.insert(*process, seen);
        let is_over = lease_until.is_none_or(|until| until <= now);
        Ok(match seen {
            _ if self.engine.death_is_final() => seen,
            Liveness::Dead if !is_over => Liveness::Dead,
            Liveness::Alive | Liveness::Dead | Liveness::ByLease => Liveness::ByLease,
        })
    }

    async fn decide(&self, subject: &Arc<Subject>, request: &Request, found: &Found) -> Result<Step, Error> {
        if let Some(Err(Unreadable { why, .. })) = &found.stored {
            return Ok(Step::Answer(Answer::Unreadable { why: Arc::clone(why) }));
        }
        let holder = self.liveness(found.record(), found.time.now, &mut Lives::new()).await?;
        let process = match lease_of(request).and_then(|lease| self.engine.holder(lease)) {
            Some(name) => Some(name.await?),
            None => None,
        };
        let context = self.context(found.time, found.floor(), holder, process);
        let Decision { write, event, mut answer } = decide(found.record(), request, &context);
        let (mut trail, was, named_before) = match &found.stored {
            Some(Ok(Stored { trail, kept: Kept::Record { record, named, .. }, .. })) => {
                (trail.clone(), Some(record), named.clone())
            }
            Some(Ok(Stored { trail, kept: Kept::Gone { .. }, .. })) => (trail.clone(), None, None),
            Some(Err(_)) | None => (TrailOfKey::default(), None, None),
        };
        if let Answer::Busy(busy) = &mut answer {
            busy.named = named_before.clone();
        }
        let kept = match (write, was) {
            (Write::Put(record), _) => {
                let running = record.state == State::Running;
                let named = running.then(|| Arc::clone(&self.named));
                Kept::Record { subject: Arc::clone(subject), record, named }
            }
            (Write::Remove, was) => Kept::Gone { fence: was.map_or(Fence(0), |record| record.fence) },
            (Write::Keep, Some(was)) if event.is_some() => {
                Kept::Record { subject: Arc::clone(subject), record: was.clone(), named: named_before }
            }
            (Write::Keep, _) => return Ok(Step::Answer(answer)),
        };
        if let Some(event) = event {
            trail.add(event, context.wall);
        }
        let next = Stored { stamp: Stamp::new()?, written_at: context.wall, trail, kept };
        Ok(Step::Swap { next, answer })
    }

    /// The entry of what was found; `None` if there is no record.
    pub(super) async fn entry(
        &self,
        key: &Key,
        found: Found,
        lives: &mut Lives,
    ) -> Result<Option<Entry>, Error> {
        let time = found.time;
        match found.stored {
            Some(Ok(Stored { kept: Kept::Record { subject, record, named }, .. })) => {
                let holder = self.liveness(Some(&record), time.now, lives).await?;
                let status = status(&record, &self.context(time, 0, holder, None));
                let subject = Subject::clone(&subject);
                Ok(Some(Entry { subject, record: Ok(record), status, holder: named }))
            }
            Some(Err(Unreadable { why, subject })) => {
                let subject = subject.map_or_else(|| unknown(*key), |subject| Subject::clone(&subject));
                Ok(Some(Entry { subject, record: Err(why), status: Status::Doubt, holder: None }))
            }
            Some(Ok(Stored { kept: Kept::Gone { .. }, .. })) | None => Ok(None),
        }
    }

    /// Removes what was found if the protocol says so, or what is left of it if that is old. Whether a record went.
    pub(super) async fn sweep_one(&self, key: &Key, found: &Found) -> Result<bool, Error> {
        let Some(Ok(stored)) = &found.stored else { return Ok(false) };
        match &stored.kept {
            Kept::Record { subject, record, .. } => {
                let sweep = Request::Sweep { fence: record.fence };
                let Step::Swap { next, .. } = self.decide(subject, &sweep, found).await? else {
                    return Ok(false);
                };
                let bytes = self.bytes(key, &next, found.time);
                self.swap(key, found, &next, &bytes).await
            }
            Kept::Gone { fence } => {
                let until = found.time.wall.saturating_sub(micros(self.remembers));
                let clock_is_beyond = u64::try_from(until).is_ok_and(|until| fence.0 <= until);
                if stored.written_at <= until && clock_is_beyond {
                    self.engine.compare_and_swap(key, found.bytes.as_deref(), None).await?;
                }
                Ok(false)
            }
        }
    }
}

/// Whether a person asks, who need not stay to ask again.
fn is_operators(request: &Request) -> bool {
    match request {
        Request::ResolveDone { .. }
        | Request::ResolveFree { .. }
        | Request::Revoke { .. }
        | Request::Forget { .. } => true,
        Request::Claim(_)
        | Request::Proceed { .. }
        | Request::Mark { .. }
        | Request::Renew { .. }
        | Request::Settle { .. }
        | Request::Abandon { .. }
        | Request::Note { .. }
        | Request::Sweep { .. } => false,
    }
}

/// The lease that is asked for, where what is written names the process that asks as the holder.
fn lease_of(request: &Request) -> Option<Duration> {
    let lease = match request {
        Request::Claim(Claim { lease, .. })
        | Request::Proceed { lease, .. }
        | Request::Mark { lease, .. }
        | Request::Renew { lease, .. } => *lease,
        Request::Settle { .. }
        | Request::Abandon { .. }
        | Request::Note { .. }
        | Request::ResolveDone { .. }
        | Request::ResolveFree { .. }
        | Request::Revoke { .. }
        | Request::Forget { .. }
        | Request::Sweep { .. } => return None,
    };
    Some(Duration::from_micros(u64::try_from(lease).unwrap_or(0)))
}

fn unknown(key: Key) -> Subject {
    Subject { key, scope: "".into(), operation: "".into(), call: "".into() }
}

fn contended(key: &Key) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("others were faster {TRIES} times in a row at the record of {key}"),
        "call again; if it stays so, look whether the engine compares what it should",
    )
}
