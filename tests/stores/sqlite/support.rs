//! Requests in a line, a clock that is told the time, and a file that goes away with its folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idempotent::key::Key;
use idempotent::protocol::{
    Answer, Claim, Ending, Grant, Held, Policy, Request, Resolution, Settled, State, Token, Value,
};
use idempotent::store::{BoxFuture, Entry, Error, Filter, SqliteOptions, Subject, Which};
use idempotent::testing::FakeClock;
use idempotent::{Handle, SqliteStore, Store};
use tempfile::TempDir;

pub(crate) const LEASE: i64 = 15_000_000;

/// A folder with a database in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder for the test") }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("robot.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file()).expect("the store opens")
    }

    pub(crate) fn open_at(&self, clock: &FakeClock) -> SqliteStore {
        SqliteOptions::new(self.file()).clock(Arc::new(clock.clone())).open().expect("the store opens")
    }

    /// The database as any other program sees it.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).expect("the file opens")
    }

    /// The lock files of processes, without those of the turns.
    pub(crate) fn lock_files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("robot.db-holders");
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.file_name().unwrap().len() == 32).collect()
    }
}

pub(crate) fn subject(name: &str) -> Arc<Subject> {
    let mut key = [0_u8; 32];
    for (index, byte) in name.bytes().enumerate() {
        key[index % 32] = key[index % 32].wrapping_mul(31).wrapping_add(byte);
    }
    Arc::new(Subject {
        key: Key::from_bytes(key),
        scope: "".into(),
        operation: "appointments.create".into(),
        call: name.into(),
    })
}

pub(crate) fn token(number: u8) -> Token {
    Token([number; 16])
}

pub(crate) fn asked(number: u8) -> Claim {
    Claim {
        token: token(number),
        fingerprint: [7; 64],
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        lease: LEASE,
    }
}

pub(crate) fn claim(number: u8) -> Request {
    Request::Claim(asked(number))
}

pub(crate) fn check(number: u8, after: Duration) -> Request {
    Request::Claim(Claim { policy: Policy::Check, after: after.as_micros() as i64, ..asked(number) })
}

pub(crate) fn held(number: u8, grant: &Grant) -> Held {
    Held { token: token(number), fence: grant.fence }
}

pub(crate) fn mark(held: Held) -> Request {
    Request::Mark { held, lease: LEASE }
}

pub(crate) fn done(held: Held, json: &str) -> Request {
    Request::Settle { held, resolution: Resolution::Done { value: value(json), keep: None } }
}

pub(crate) fn doubt(held: Held) -> Request {
    Request::Settle { held, resolution: Resolution::InDoubt { last_error: Some("timeout".into()) } }
}

pub(crate) fn free(held: Held) -> Request {
    Request::Settle { held, resolution: Resolution::Free { last_error: None } }
}

pub(crate) fn value(json: &str) -> Value {
    Value::Bytes { bytes: json.as_bytes().into(), codec: "json".into(), version: 1 }
}

pub(crate) fn settled(state: State) -> Answer {
    Answer::Settled(Settled { state })
}

pub(crate) fn replay(json: &str) -> Answer {
    Answer::Replay(Ending::Done(value(json)))
}

pub(crate) fn wait<T>(future: BoxFuture<'_, T>) -> T {
    pollster::block_on(future)
}

/// Waits for a future at most a minute: a test that would hang fails instead.
pub(crate) fn within<T: Send>(future: BoxFuture<'_, T>) -> T {
    std::thread::scope(|scope| {
        let (send, receive) = std::sync::mpsc::channel();
        scope.spawn(move || send.send(pollster::block_on(future)));
        receive.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| {
            eprintln!("nothing came within a minute");
            std::process::exit(101)
        })
    })
}

/// One move, as an asynchronous caller makes it.
pub(crate) fn ask(store: &dyn Store, subject: &Arc<Subject>, request: Request) -> Answer {
    wait(store.apply(subject, request)).expect("the store answers")
}

/// A claim that is granted.
pub(crate) fn granted(store: &dyn Store, subject: &Arc<Subject>, number: u8) -> Held {
    match ask(store, subject, claim(number)) {
        Answer::Run(grant) => held(number, &grant),
        other => panic!("the claim was not granted: {other:?}"),
    }
}

pub(crate) fn list(store: &dyn Store, which: Which) -> Vec<Entry> {
    wait(store.list(&Filter { which, ..Filter::default() })).expect("the store lists")
}

/// Closes the store here and now; the keeper's thread lets go of it in its own time.
pub(crate) fn close(handle: Handle, mut store: Arc<SqliteStore>) {
    drop(handle);
    let until = Instant::now() + Duration::from_secs(60);
    while let Err(shared) = Arc::try_unwrap(store) {
        assert!(Instant::now() < until, "the keeper does not end");
        std::thread::yield_now();
        store = shared;
    }
}

/// Message and advice of an error: what a person reads.
pub(crate) fn told(error: &Error) -> String {
    format!("{error}; {}", error.advice())
}
