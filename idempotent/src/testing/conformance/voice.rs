//! How cases speak to a store: short words for requests, and for what they expect of the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::block_on::block_on;
use crate::key::Key;
use crate::protocol::{
    Answer, Claim, Ending, Grant, Held, Micros, Operator, Policy, Record, Request, Resolution, Seen, State,
    Token, Value,
};
use crate::store::{Entry, Filter, Store, Subject, Trail, Which};

/// An hour in microseconds: longer than any case takes.
pub(super) const HOUR: Micros = 3_600_000_000;

/// Someone who speaks to a store, and panics when the store fails.
#[derive(Clone)]
pub(super) struct Voice {
    pub(super) store: Arc<dyn Store>,
    /// The lease that its requests ask for.
    lease: Micros,
    sent: Arc<AtomicUsize>,
}

/// One claim: sent again it is a retry.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) subject: Arc<Subject>,
    pub(super) token: Token,
    policy: Policy,
    after: Micros,
    has_marker: bool,
    first: bool,
    fingerprint: [u8; 64],
}

/// A granted claim.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) subject: Arc<Subject>,
    pub(super) held: Held,
    pub(super) grant: Grant,
}

/// Bounds a loop that a store which keeps its word leaves soon.
#[derive(Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Lets others go on; panics when they have had their chance.
    pub(super) fn again(&mut self, what: &str) {
        self.0 += 1;
        assert!(self.0 < 100_000, "{what} has not happened after {} tries", self.0);
        std::thread::yield_now();
    }
}

/// A subject that no other case uses.
pub(super) fn subject() -> Arc<Subject> {
    subjects(1).remove(0)
}

/// Subjects of one operation that no other case uses, in key order.
pub(super) fn subjects(count: usize) -> Vec<Arc<Subject>> {
    let name = Token(random());
    let mut keys: Vec<Key> = (0..count).map(|_| Key::from_bytes(random())).collect();
    keys.sort();
    let subject = |key| Subject {
        key,
        scope: format!("scope {name}").into(),
        operation: format!("conformance.{name}").into(),
        call: "(1, \"two\")".into(),
    };
    keys.into_iter().map(|key| Arc::new(subject(key))).collect()
}

pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("no random bytes: {error}");
    }
    bytes
}

pub(super) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

/// A claim by a function with a marker and nothing to say about doubt.
pub(super) fn ask(subject: &Arc<Subject>) -> Ask {
    Ask {
        subject: Arc::clone(subject),
        token: Token(random()),
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        fingerprint: [1; 64],
    }
}

impl Ask {
    pub(super) fn unmarked(self) -> Ask {
        Ask { has_marker: false, ..self }
    }

    pub(super) fn checks(self, after: Micros) -> Ask {
        Ask { policy: Policy::Check, after, ..self }
    }

    pub(super) fn reruns(self) -> Ask {
        Ask { policy: Policy::Rerun, ..self }
    }

    /// Checks before a first attempt, too.
    pub(super) fn first(self) -> Ask {
        Ask { first: true, ..self }
    }

    pub(super) fn payload(self, byte: u8) -> Ask {
        Ask { fingerprint: [byte; 64], ..self }
    }
}

impl Voice {
    pub(super) fn new(store: Arc<dyn Store>, lease: Micros) -> Voice {
        Voice { store, lease, sent: Arc::default() }
    }

    /// Sends a request, by `apply` and `apply_blocking` in turn.
    pub(super) fn send(&self, subject: &Arc<Subject>, request: Request) -> Answer {
        let answer = if self.sent.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            block_on(self.store.apply(subject, request))
        } else {
            self.store.apply_blocking(subject, request)
        };
        match answer {
            Ok(answer) => answer,
            Err(error) => panic!("the store failed: {error} ({})", error.advice()),
        }
    }

    pub(super) fn request(&self, ask: &Ask) -> Request {
        Request::Claim(Claim {
            token: ask.token,
            fingerprint: ask.fingerprint,
            policy: ask.policy,
            after: ask.after,
            has_marker: ask.has_marker,
            first: ask.first,
            lease: self.lease,
        })
    }

    pub(super) fn claim(&self, ask: &Ask) -> Answer {
        self.send(&ask.subject, self.request(ask))
    }

    /// Claims, and must be told to run.
    pub(super) fn run(&self, ask: &Ask) -> Attempt {
        match self.claim(ask) {
            Answer::Run(grant) => attempt(ask, grant),
            other => panic!("expected Run, got {other:?}"),
        }
    }

    /// Claims, and must be told to check; the second value is what is left of the quiet time.
    pub(super) fn check(&self, ask: &Ask) -> (Attempt, Micros) {
        match self.claim(ask) {
            Answer::Check { grant, quiet_left } => (attempt(ask, grant), quiet_left),
            other => panic!("expected Check, got {other:?}"),
        }
    }

    /// Runs an attempt that must be granted, marks it and settles it in doubt.
    pub(super) fn run_into_doubt(&self, ask: &Ask) -> Attempt {
        let attempt = self.run(ask);
        assert_eq!(self.mark(&attempt), Answer::Ok);
        assert_settled(self.settle(&attempt, in_doubt("cut off")), State::InDoubt);
        attempt
    }

    pub(super) fn proceed(&self, attempt: &Attempt) -> Answer {
        let held = attempt.held;
        let request = Request::Proceed { held, has_marker: true, after: 0, lease: self.lease };
        self.send(&attempt.subject, request)
    }

    pub(super) fn mark(&self, attempt: &Attempt) -> Answer {
        self.send(&attempt.subject, Request::Mark { held: attempt.held, lease: self.lease })
    }

    pub(super) fn renew(&self, attempt: &Attempt) -> Answer {
        self.send(&attempt.subject, Request::Renew { held: attempt.held, lease: self.lease })
    }

    pub(super) fn settle(&self, attempt: &Attempt, resolution: Resolution) -> Answer {
        self.send(&attempt.subject, Request::Settle { held: attempt.held, resolution })
    }

    pub(super) fn abandon(&self, subject: &Arc<Subject>, token: Token) -> Answer {
        self.send(subject, Request::Abandon { token })
    }

    pub(super) fn note(&self, subject: &Arc<Subject>, text: &str) -> Answer {
        self.send(subject, Request::Note { token: Token(random()), text: text.into() })
    }

    pub(super) fn load(&self, key: &Key) -> Option<Entry> {
        match block_on(self.store.load(key)) {
            Ok(entry) => entry,
            Err(error) => panic!("load failed: {error}"),
        }
    }

    /// The entry under the subject's key, which must be there.
    pub(super) fn entry(&self, subject: &Subject) -> Entry {
        match self.load(&subject.key) {
            Some(entry) => entry,
            None => panic!("there is no record"),
        }
    }

    /// The record under the subject's key, which must be there.
    pub(super) fn record(&self, subject: &Subject) -> Record {
        match self.entry(subject).record {
            Ok(record) => record,
            Err(why) => panic!("the record does not decode: {why}"),
        }
    }

    pub(super) fn list(&self, filter: &Filter) -> Vec<Entry> {
        match block_on(self.store.list(filter)) {
            Ok(entries) => entries,
            Err(error) => panic!("list failed: {error}"),
        }
    }

    /// The keys of the subject's operation that a list shows.
    pub(super) fn listed(&self, subject: &Subject, which: Which) -> Vec<Key> {
        let operation = Some(Arc::clone(&subject.operation));
        self.list(&Filter { which, operation, ..Filter::default() })
            .into_iter()
            .map(|entry| entry.subject.key)
            .collect()
    }

    pub(super) fn trail(&self, subject: &Subject) -> Vec<Trail> {
        match block_on(self.store.trail(&subject.key)) {
            Ok(trail) => trail,
            Err(error) => panic!("trail failed: {error}"),
        }
    }

    /// What the lines of the trail are about, oldest first.
    pub(super) fn events(&self, subject: &Subject) -> Vec<String> {
        self.trail(subject).iter().map(|line| line.what.to_string()).collect()
    }

    pub(super) fn sweep(&self, limit: usize) -> usize {
        match block_on(self.store.sweep(limit)) {
            Ok(removed) => removed,
            Err(error) => panic!("sweep failed: {error}"),
        }
    }

    /// Sweeps until nothing is left to sweep; how many records that were.
    pub(super) fn sweep_all(&self) -> usize {
        let (mut removed, mut tries) = (0, Tries::default());
        loop {
            match self.sweep(1_000) {
                0 => return removed,
                more => removed += more,
            }
            tries.again("the end of the sweep");
        }
    }

    /// An operator who has seen the record as it is now.
    pub(super) fn operator(&self, subject: &Subject) -> Operator {
        operator(self.record(subject).seen())
    }
}

fn attempt(ask: &Ask, grant: Grant) -> Attempt {
    let held = Held { token: ask.token, fence: grant.fence };
    Attempt { subject: Arc::clone(&ask.subject), held, grant }
}

pub(super) fn operator(seen: Seen) -> Operator {
    Operator { seen, by: "Zoë".into(), why: "the portal's \"list\" shows it".into() }
}

pub(super) fn json(text: &str) -> Value {
    Value::Bytes { bytes: text.as_bytes().into(), codec: "json".into(), version: 1 }
}

pub(super) fn done(text: &str) -> Resolution {
    done_for(text, None)
}

pub(super) fn done_for(text: &str, keep: Option<Micros>) -> Resolution {
    Resolution::Done { value: json(text), keep }
}

pub(super) fn failed(text: &str) -> Resolution {
    Resolution::Failed { error: json(text), text: text.into(), keep: None }
}

pub(super) fn free() -> Resolution {
    Resolution::Free { last_error: None }
}

pub(super) fn in_doubt(text: &str) -> Resolution {
    Resolution::InDoubt { last_error: Some(text.into()) }
}

#[track_caller]
pub(super) fn assert_settled(answer: Answer, state: State) {
    match answer {
        Answer::Settled(settled) => assert_eq!(settled.state, state),
        other => panic!("expected Settled as {state:?}, got {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_fenced(answer: Answer) {
    assert!(matches!(answer, Answer::Fenced(_)), "expected Fenced, got {answer:?}");
}

#[track_caller]
pub(super) fn assert_busy(answer: Answer) {
    assert!(matches!(answer, Answer::Busy(_)), "expected Busy, got {answer:?}");
}

#[track_caller]
pub(super) fn assert_doubt(answer: Answer) {
    assert!(matches!(answer, Answer::InDoubt(_)), "expected InDoubt, got {answer:?}");
}

#[track_caller]
pub(super) fn assert_replay(answer: Answer, text: &str) {
    assert_eq!(answer, Answer::Replay(Ending::Done(json(text))));
}
