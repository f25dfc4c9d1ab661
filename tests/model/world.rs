//! The state of a run, small enough to keep millions: the record, the callers, what is on its way, the
//! operators, and the outside world that counts effects.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use idempotent::protocol::{Fence, Liveness, Micros, Process, Record, State, Token, Value};

use crate::setting::{Outcome, Setting, Verb};

/// The moment at which every decision is made: times in the state are relative to it.
pub(crate) const NOW: Micros = 1_000;
const NEVER: i8 = i8::MIN;

pub(crate) const WORKERS: usize = 3;

/// A record without what no decision looks at (attempt, generation, texts, audit).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Rec {
    pub(crate) state: State,
    pub(crate) fence: u8,
    pub(crate) owner: u8,
    pub(crate) effect: bool,
    pub(crate) prior: bool,
    pub(crate) late: u8,
    pub(crate) rerun: bool,
    pub(crate) after: u8,
    pub(crate) lease: u8,
    pub(crate) file: u8,
    quiet: i8,
    pub(crate) payload: u8,
    pub(crate) value: u8,
    pub(crate) expiry: Expiry,
    pub(crate) by_operator: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Expiry {
    Never,
    Later,
    Passed,
}

/// Where a caller stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum At {
    Idle,
    Claim,
    /// Asks the check.
    Ask,
    Proceed,
    /// In the body, before its marker.
    Body,
    Mark,
    /// The grant that lets it act has been answered, and the clock not yet looked at.
    Granted,
    /// About to send the request to the outside world.
    Ready,
    /// The request is sent, the confirmation not there.
    Acted,
    Settle,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Worker {
    pub(crate) at: At,
    /// Calls made so far.
    pub(crate) calls: u8,
    pub(crate) claim: u8,
    pub(crate) fence: u8,
    /// What is left of the lease since the request that granted it was sent, by the caller's clock.
    pub(crate) left: u8,
    /// What is left of the quiet time, by the caller's clock.
    pub(crate) quiet: u8,
    /// Asks before a first attempt, where nothing is in doubt.
    pub(crate) first: bool,
    /// Has a "did not happen" that it was told too early.
    pub(crate) early_none: bool,
    /// It was its check that led to the body.
    pub(crate) proceeded: bool,
    pub(crate) outcome: Option<Outcome>,
    /// Its lock file.
    pub(crate) file: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    Claim,
    Proceed,
    Mark,
    Renew,
    Settle(Outcome),
    Abandon,
    Sweep,
    Operator(Verb),
}

/// A request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Msg {
    pub(crate) kind: Kind,
    /// What an operator saw.
    pub(crate) seen: Option<(State, bool, bool)>,
    pub(crate) claim: u8,
    pub(crate) fence: u8,
    pub(crate) file: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Flight {
    pub(crate) claim: u8,
    /// How many more ticks may pass before it shows; none: any number.
    pub(crate) left: Option<u8>,
}

/// An operator who has looked at the record and at the world, and has not answered yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Looked {
    pub(crate) verb: Verb,
    pub(crate) fence: u8,
    pub(crate) seen: (State, bool, bool),
    pub(crate) operator_writes: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Op {
    Idle,
    Looked(Looked),
    Finished,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct World {
    pub(crate) rec: Option<Rec>,
    pub(crate) workers: [Worker; WORKERS],
    /// On the way: late copies, and what keepers go on sending.
    pub(crate) bag: [Option<Msg>; 3],
    pub(crate) copies: u8,
    pub(crate) ops: [Op; 2],
    pub(crate) sweeps: u8,
    pub(crate) flights: [Option<Flight>; 3],
    /// Lock files that are there, and those that their process holds; and how many were lost.
    pub(crate) files: u16,
    pub(crate) locked: u16,
    pub(crate) lost_files: u8,
    pub(crate) next_file: u8,
    /// What the outside world knows: the claims whose effect has shown, in this life of the key.
    pub(crate) landed: u16,
    /// The claims granted in this life of the key.
    pub(crate) life: u16,
    /// The claim that was granted last.
    pub(crate) granted: u8,
    /// The claims that were told that their key is free again.
    pub(crate) told_free: u16,
    /// The result that a caller has seen.
    pub(crate) seen: Option<u8>,
    pub(crate) operator_writes: u8,
}

impl Worker {
    const fn idle(calls: u8, file: u8) -> Worker {
        Worker {
            at: At::Idle,
            calls,
            claim: 0,
            fence: 0,
            left: 0,
            quiet: 0,
            first: false,
            early_none: false,
            proceeded: false,
            outcome: None,
            file,
        }
    }
}

pub(crate) const fn bit(claim: u8) -> u16 {
    1 << claim
}

impl World {
    pub(crate) fn new(setting: &Setting) -> World {
        let worker = |file| Worker::idle(0, if setting.locks.is_some() { file } else { 0 });
        let files = if setting.locks.is_some() { 0b1110 } else { 0 };
        World {
            rec: None,
            workers: [worker(1), worker(2), worker(3)],
            bag: [None; 3],
            copies: 0,
            ops: [Op::Idle; 2],
            sweeps: 0,
            flights: [None; 3],
            files,
            locked: files,
            lost_files: 0,
            next_file: 4,
            landed: 0,
            life: 0,
            granted: 0,
            told_free: 0,
            seen: None,
            operator_writes: 0,
        }
    }

    /// What the store knows of the record's holder.
    pub(crate) fn liveness(&self, setting: &Setting) -> Liveness {
        match self.rec {
            Some(rec) if setting.locks.is_some() && rec.file != 0 && self.files & bit(rec.file) != 0 => {
                if self.locked & bit(rec.file) != 0 {
                    Liveness::Alive
                } else {
                    Liveness::Dead
                }
            }
            _ => Liveness::ByLease,
        }
    }

    /// Renames what may be renamed, so that states that differ in nothing else are one: fences keep only their
    /// order (unless they restart), what a caller no longer needs is cleared, what is on the way is sorted.
    pub(crate) fn canonical(mut self, setting: &Setting) -> World {
        self.bag.sort_unstable_by_key(|msg| std::cmp::Reverse(msg.map(|msg| rank(&msg))));
        self.flights.sort_unstable_by_key(|flight| std::cmp::Reverse(flight.map(|f| (f.claim, f.left))));
        for worker in &mut self.workers {
            if worker.at == At::Idle {
                *worker = Worker::idle(worker.calls, worker.file);
            }
        }
        if !setting.no_needless_doubt {
            self.told_free = 0;
        }
        if !setting.fences_restart {
            self.rank_fences();
        }
        self
    }

    fn rank_fences(&mut self) {
        let mut used = [false; 32];
        self.fences(|fence| used[usize::from(*fence)] = true);
        let mut rank = [0; 32];
        let mut next = 0;
        for (fence, used) in used.iter().enumerate().skip(1) {
            next += u8::from(*used);
            rank[fence] = next;
        }
        self.fences(|fence| *fence = rank[usize::from(*fence)]);
    }

    fn fences(&mut self, mut each: impl FnMut(&mut u8)) {
        if let Some(rec) = &mut self.rec {
            each(&mut rec.fence);
        }
        for worker in &mut self.workers {
            each(&mut worker.fence);
        }
        for msg in self.bag.iter_mut().flatten() {
            each(&mut msg.fence);
        }
        for op in &mut self.ops {
            if let Op::Looked(looked) = op {
                each(&mut looked.fence);
            }
        }
    }

    /// A fence beyond all that are in use; 0 where the store has none.
    pub(crate) fn next_fence(&self, setting: &Setting) -> u64 {
        if setting.fences_restart {
            return 0;
        }
        let mut highest = 0;
        let mut copy = *self;
        copy.fences(|fence| highest = highest.max(*fence));
        u64::from(highest) + 1
    }

    /// 128 bits that stand for the state in the set of those seen.
    pub(crate) fn digest(&self) -> u128 {
        let mut hasher = Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        self.hash(&mut hasher);
        hasher.0
    }
}

fn rank(msg: &Msg) -> (u8, u8, u8, u8) {
    let kind = match msg.kind {
        Kind::Claim => 1,
        Kind::Proceed => 2,
        Kind::Mark => 3,
        Kind::Renew => 4,
        Kind::Settle(Outcome::Done(_)) => 5,
        Kind::Settle(Outcome::Failed(_)) => 6,
        Kind::Settle(Outcome::Free) => 7,
        Kind::Settle(Outcome::InDoubt) => 8,
        Kind::Abandon => 9,
        Kind::Sweep => 10,
        Kind::Operator(_) => 11,
    };
    (kind, msg.claim, msg.fence, msg.file)
}

/// FNV-1a with 128 bits.
struct Fnv(u128);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0 as u64
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
    // Discriminants and numbers here are small: their low byte or two say it all.
    fn write_isize(&mut self, number: isize) {
        self.write(&[number as u8]);
    }
    fn write_u8(&mut self, number: u8) {
        self.write(&[number]);
    }
    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }
    fn write_usize(&mut self, number: usize) {
        self.write(&[number as u8]);
    }
}

pub(crate) fn token(number: u8) -> Token {
    Token([number; 16])
}

fn number(token: Option<Token>) -> u8 {
    token.map_or(0, |Token(bytes)| bytes[0])
}

pub(crate) fn process(file: u8) -> Option<Process> {
    (file != 0).then_some(Process([file; 16]))
}

static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    (0..=u8::MAX)
        .map(|number| Value::Bytes { bytes: Arc::from([number]), codec: "model".into(), version: 1 })
        .collect()
});

pub(crate) fn value(number: u8) -> Value {
    VALUES[usize::from(number)].clone()
}

pub(crate) fn of_value(value: &Value) -> u8 {
    match value {
        Value::Bytes { bytes, .. } => bytes[0],
        Value::Missing { .. } => unreachable!("no value is missing in the model"),
    }
}

static NAME: LazyLock<Arc<str>> = LazyLock::new(|| "operator".into());

pub(crate) fn name() -> Arc<str> {
    Arc::clone(&NAME)
}

impl Rec {
    pub(crate) fn record(&self) -> Record {
        Record {
            state: self.state,
            fence: Fence(u64::from(self.fence)),
            owner: (self.owner != 0).then(|| token(self.owner)),
            effect: self.effect,
            prior: self.prior,
            late: (self.late != 0).then(|| token(self.late)),
            rerun: self.rerun,
            after: Micros::from(self.after),
            lease_until: (self.state == State::Running).then(|| NOW + Micros::from(self.lease)),
            holder: process(self.file),
            quiet_from: (self.quiet != NEVER).then(|| NOW + Micros::from(self.quiet)),
            attempt: 1,
            generation: token(0),
            fingerprint: [self.payload; 64],
            value: (self.state == State::Done).then(|| value(self.value)),
            error: (self.state == State::Failed).then(|| value(self.value)),
            expires_at: match self.expiry {
                Expiry::Never => None,
                Expiry::Later => Some(NOW + 1),
                Expiry::Passed => Some(NOW),
            },
            resolved_by: self.by_operator.then(name),
            why: None,
            last_error: None,
            began_at: 0,
            changed_at: 0,
        }
    }

    pub(crate) fn of(record: &Record) -> Rec {
        Rec {
            state: record.state,
            fence: u8::try_from(record.fence.0).expect("few fences"),
            owner: number(record.owner),
            effect: record.effect,
            prior: record.prior,
            late: number(record.late),
            rerun: record.rerun,
            after: u8::try_from(record.after).expect("short times"),
            lease: record.lease_until.map_or(0, |until| u8::try_from((until - NOW).max(0)).expect("short")),
            file: record.holder.map_or(0, |Process(bytes)| bytes[0]),
            quiet: record.quiet_from.map_or(NEVER, |from| i8::try_from(from - NOW).expect("short")),
            payload: record.fingerprint[0],
            value: record.value.as_ref().or(record.error.as_ref()).map_or(0, of_value),
            expiry: match record.expires_at {
                None => Expiry::Never,
                Some(at) if at > NOW => Expiry::Later,
                Some(_) => Expiry::Passed,
            },
            by_operator: record.resolved_by.is_some() && record.state == State::Done,
        }
    }

    /// One tick passes. A quiet time that is long over looks like any other that is.
    pub(crate) fn tick(&mut self) {
        self.lease = self.lease.saturating_sub(1);
        if self.quiet != NEVER {
            self.quiet = (self.quiet - 1).max(-4);
        }
    }

    pub(crate) fn ended(&self) -> bool {
        matches!(self.state, State::Done | State::Failed) && self.expiry != Expiry::Passed
    }
}
