//! A file as a clinic's robots leave it: one record in each state. Keys and times are always the same.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use idempotent::key::KeyBuilder;
use idempotent::protocol::{Answer, Claim, Held, Policy, Request, Resolution, Token, Value};
use idempotent::store::Subject;
use idempotent::testing::FakeClock;
use idempotent::{Key, SqliteOptions, SqliteStore, Store};
use pollster::block_on;
use tempfile::TempDir;

/// 2020-01-06 09:00 UTC, in microseconds.
const MONDAY: i64 = 1_578_301_200_000_000;

/// The file, and the one process that still works on it.
pub(crate) struct Clinic {
    folder: TempDir,
    clock: FakeClock,
    alive: SqliteStore,
}

impl Clinic {
    /// The file with all its records.
    pub(crate) fn open() -> Clinic {
        let folder = tempfile::tempdir().unwrap();
        // The machine has just started, so that no lease of then is left.
        let clock = FakeClock::at(1_000_000, MONDAY);
        let open =
            || SqliteOptions::new(folder.path().join("robot.db")).clock(Arc::new(clock.clone())).open();
        let (alive, dead) = (open().unwrap(), open().unwrap());
        let clinic = Clinic { alive, clock, folder };
        clinic.fill(&dead);
        // Of a process that has ended only its records are left, and a lock that nobody holds.
        drop(dead);
        clinic.name_the_processes();
        clinic
    }

    /// The file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("robot.db")
    }

    /// The key of a booking for this patient.
    pub(crate) fn booking(patient: u32) -> Key {
        booking(patient).key
    }

    fn fill(&self, dead: &SqliteStore) {
        let hour = || self.clock.advance(Duration::from_secs(3_600));
        let number = Value::Bytes {
            bytes: br#"{"number":1042,"room":"B2","fee":120.10}"#[..].into(),
            codec: "json".into(),
            version: 1,
        };

        let held = claim(&self.alive, &booking(1));
        mark(&self.alive, &booking(1), held);
        settle(&self.alive, &booking(1), held, Resolution::Done { value: number.clone(), keep: None });
        hour();
        let held = claim(&self.alive, &booking(2));
        mark(&self.alive, &booking(2), held);
        self.clock.advance(Duration::from_secs(30));
        let last_error = Some("the portal did not answer within 30 s".into());
        settle(&self.alive, &booking(2), held, Resolution::InDoubt { last_error });
        hour();
        let held = claim(dead, &booking(3));
        mark(dead, &booking(3), held);
        hour();
        claim(dead, &booking(4));
        hour();
        let held = claim(&self.alive, &booking(5));
        mark(&self.alive, &booking(5), held);
        hour();
        let held = claim(&self.alive, &booking(6));
        let last_error = Some("the portal is closed at night".into());
        settle(&self.alive, &booking(6), held, Resolution::Free { last_error });
        hour();
        let keep = Some(3_600_000_000);
        let held = claim(&self.alive, &booking(7));
        settle(&self.alive, &booking(7), held, Resolution::Done { value: number, keep });
        hour();
        let reminder = subject("north", "clinic.remind", &[("patient", 1)]);
        let held = claim(&self.alive, &reminder);
        let error =
            Value::Bytes { bytes: br#""no such number""#[..].into(), codec: "json".into(), version: 1 };
        let failed = Resolution::Failed { error, text: "no such number".into(), keep: None };
        settle(&self.alive, &reminder, held, failed);
    }

    /// Process numbers and hosts differ from run to run.
    fn name_the_processes(&self) {
        let file = rusqlite::Connection::open(self.file()).unwrap();
        file.busy_timeout(Duration::from_secs(10)).unwrap();
        file.execute("UPDATE process SET pid = 4711, program = 'robot', host = 'desk-3'", []).unwrap();
    }
}

fn booking(patient: u32) -> Arc<Subject> {
    subject("", "clinic.book", &[("patient", patient), ("day", 13)])
}

fn subject(scope: &str, operation: &str, parts: &[(&str, u32)]) -> Arc<Subject> {
    let mut builder = KeyBuilder::new(scope, operation);
    for (name, value) in parts {
        builder.part(name, value).unwrap();
    }
    let (key, call) = builder.finish().unwrap();
    Arc::new(Subject { key, scope: scope.into(), operation: operation.into(), call: call.into() })
}

fn claim(store: &SqliteStore, subject: &Arc<Subject>) -> Held {
    let mut token = [0; 16];
    token.copy_from_slice(&subject.key.as_bytes()[..16]);
    let token = Token(token);
    let claim = Claim {
        token,
        fingerprint: [0; 64],
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        lease: 15_000_000,
    };
    match block_on(store.apply(subject, Request::Claim(claim))).unwrap() {
        Answer::Run(grant) => Held { token, fence: grant.fence },
        other => panic!("the right to run, not {other:?}"),
    }
}

fn mark(store: &SqliteStore, subject: &Arc<Subject>, held: Held) {
    let answer = block_on(store.apply(subject, Request::Mark { held, lease: 15_000_000 })).unwrap();
    assert_eq!(answer, Answer::Ok);
}

fn settle(store: &SqliteStore, subject: &Arc<Subject>, held: Held, resolution: Resolution) {
    let answer = block_on(store.apply(subject, Request::Settle { held, resolution })).unwrap();
    assert!(matches!(answer, Answer::Settled(_)), "{answer:?}");
}
