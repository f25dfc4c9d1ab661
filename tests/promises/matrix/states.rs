//! Every state of a record, reached from any other by moves that no fault touches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use idempotent::protocol::{
    Answer, Claim, Held, Operator, Policy, Request, Resolution, Seen, State, Status, Token, Value,
};
use idempotent::store::{SqliteOptions, Subject};
use idempotent::testing::FakeClock;
use idempotent::{Entry, Store};
use idempotent_tests::{Terms, World};

/// In which state a record is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum At {
    Absent,
    Free,
    /// Held by the call that is tested.
    LiveOwn,
    LiveOther,
    /// Its holder has died before its mark.
    LapsedClean,
    /// Its holder has died after its mark.
    LapsedDoubt,
    InDoubt,
    Done,
    Failed,
    Expired,
    Unreadable,
}

impl At {
    pub(super) const ALL: [At; 11] = [
        At::Absent,
        At::Free,
        At::LiveOwn,
        At::LiveOther,
        At::LapsedClean,
        At::LapsedDoubt,
        At::InDoubt,
        At::Done,
        At::Failed,
        At::Expired,
        At::Unreadable,
    ];

    /// What lists say of it.
    pub(super) fn status(self) -> Option<Status> {
        Some(match self {
            At::Absent => return None,
            At::Free => Status::Free,
            At::LiveOwn | At::LiveOther => Status::Live,
            At::LapsedClean => Status::LapsedClean,
            At::LapsedDoubt | At::InDoubt | At::Unreadable => Status::Doubt,
            At::Done | At::Failed => Status::Ended,
            At::Expired => Status::Expired,
        })
    }
}

/// What another attempt has recorded.
pub(super) const RECORDED: u32 = 4_711;

/// A world with a clock that stands until it is moved.
pub(super) struct Site {
    pub(super) world: World,
    clock: FakeClock,
    terms: Terms,
}

impl Site {
    pub(super) fn new(like: &World, lease: Duration) -> Site {
        let clock = FakeClock::new();
        let terms = Terms { lease, clock: Arc::new(clock.clone()) };
        Site { world: like.on(&terms), clock, terms }
    }

    /// Whether records can be made unreadable: they are bytes in a file.
    pub(super) fn has_bytes(like: &World) -> bool {
        like.file().is_some()
    }

    pub(super) fn entry(&self, subject: &Subject) -> Option<Entry> {
        pollster::block_on(self.world.inner.load(&subject.key)).expect("the store answers")
    }

    /// What an operator has seen; anything, where there is nothing to be seen.
    pub(super) fn seen(&self, subject: &Subject) -> Seen {
        let record = self.entry(subject).and_then(|entry| entry.record.ok());
        record.map_or(
            Seen { fence: idempotent::protocol::Fence(1), state: State::Done, effect: false, prior: false },
            |record| record.seen(),
        )
    }

    fn sql(&self, sql: &str, subject: &Subject) {
        let file = self.world.file().expect("a store with a file");
        let connection = rusqlite::Connection::open(file).expect("the file opens");
        connection.busy_timeout(Duration::from_secs(60)).unwrap();
        connection.execute_batch("PRAGMA ignore_check_constraints = 1").unwrap();
        assert_eq!(connection.execute(sql, [&subject.key.as_bytes()[..]]).unwrap(), 1, "{sql}");
    }

    /// Makes an unreadable record what it was: done.
    pub(super) fn mend(&self, subject: &Subject) {
        self.sql("UPDATE record SET state = 'done' WHERE key = ?1", subject);
    }

    fn acts(&self, subject: &Arc<Subject>, request: impl FnOnce(Operator) -> Request) {
        let operator = Operator { seen: self.seen(subject), by: "ada".into(), why: "to test".into() };
        let answer = self.world.inner.apply_blocking(subject, request(operator)).unwrap();
        assert_eq!(answer, Answer::Ok);
    }

    /// Brings the record to a state, whatever it is in now.
    pub(super) fn reach(&self, subject: &Arc<Subject>, fingerprint: [u8; 64], at: At) {
        self.clear(subject);
        let lease = self.terms.lease;
        let others = Others { store: &*self.world.inner, subject, fingerprint, lease };
        let value =
            |json: String| Value::Bytes { bytes: json.into_bytes().into(), codec: "json".into(), version: 1 };
        let done = |keep| Resolution::Done { value: value(RECORDED.to_string()), keep };
        match at {
            At::Absent | At::LiveOwn => {}
            At::Free => others.settles(others.claims(), Resolution::Free { last_error: None }),
            At::LiveOther => {
                let _ = others.claims();
            }
            At::LapsedClean => self.dies(subject, fingerprint, |dead| {
                let _ = dead.claims();
            }),
            At::LapsedDoubt => self.dies(subject, fingerprint, |dead| dead.marks(dead.claims())),
            At::InDoubt => {
                let held = others.claims();
                others.marks(held);
                others.settles(held, Resolution::InDoubt { last_error: None });
            }
            At::Done => others.settles(others.claims(), done(None)),
            At::Failed => {
                let error = value(r#"{"Own":"failed before"}"#.to_owned());
                others.settles(
                    others.claims(),
                    Resolution::Failed { error, text: "failed before".into(), keep: None },
                );
            }
            At::Expired => {
                others.settles(others.claims(), done(Some(1_000_000)));
                self.clock.advance(Duration::from_secs(3_600));
            }
            At::Unreadable => {
                others.settles(others.claims(), done(None));
                self.sql("UPDATE record SET state = 'paused' WHERE key = ?1", subject);
            }
        }
        // A process that another test starts just now has our files open for a moment, those of the dead holder too.
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let status = self.entry(subject).map(|entry| entry.status);
            if status == at.status() || at == At::LiveOwn {
                break;
            }
            assert!(Instant::now() < until, "{at:?} is not reached: {status:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn clear(&self, subject: &Arc<Subject>) {
        while let Some(entry) = self.entry(subject) {
            match (entry.record, entry.status) {
                (Err(_), _) => self.mend(subject),
                (Ok(_), Status::Live) => self.acts(subject, |operator| Request::Revoke { operator }),
                (Ok(_), Status::LapsedClean | Status::Doubt) => {
                    self.acts(subject, |operator| Request::ResolveFree { operator });
                }
                (Ok(_), Status::Free | Status::Ended | Status::Expired) => {
                    self.acts(subject, |operator| Request::Forget { operator });
                }
            }
        }
    }

    /// What a holder did that is dead now: its store is closed, and where only leases tell, its time is over.
    fn dies(&self, subject: &Arc<Subject>, fingerprint: [u8; 64], did: impl FnOnce(Others<'_>)) {
        let lease = self.terms.lease;
        match self.world.file() {
            Some(file) => {
                let options =
                    SqliteOptions::new(file).lease(self.terms.lease).clock(Arc::clone(&self.terms.clock));
                let store = options.open().expect("the file opens");
                did(Others { store: &store, subject, fingerprint, lease });
            }
            None => {
                did(Others { store: &*self.world.inner, subject, fingerprint, lease });
                self.clock.advance(Duration::from_secs(3_600));
            }
        }
    }
}

/// An attempt of another program.
struct Others<'s> {
    store: &'s dyn Store,
    subject: &'s Arc<Subject>,
    fingerprint: [u8; 64],
    lease: Duration,
}

impl Others<'_> {
    fn lease(&self) -> i64 {
        self.lease.as_micros() as i64
    }

    fn claims(&self) -> Held {
        let token = Token(*uuid::Uuid::new_v4().as_bytes());
        let claim = Claim {
            token,
            fingerprint: self.fingerprint,
            policy: Policy::Stay,
            after: 0,
            has_marker: true,
            first: false,
            lease: self.lease(),
        };
        match self.store.apply_blocking(self.subject, Request::Claim(claim)).unwrap() {
            Answer::Run(grant) => Held { token, fence: grant.fence },
            other => panic!("not granted: {other:?}"),
        }
    }

    fn marks(&self, held: Held) {
        let mark = Request::Mark { held, lease: self.lease() };
        assert_eq!(self.store.apply_blocking(self.subject, mark).unwrap(), Answer::Ok);
    }

    fn settles(&self, held: Held, resolution: Resolution) {
        let settle = Request::Settle { held, resolution };
        assert!(matches!(self.store.apply_blocking(self.subject, settle).unwrap(), Answer::Settled(_)));
    }
}
