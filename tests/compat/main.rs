//! Records that an earlier build has written are still found.
//!
//! `records.sqlite` was written by the command below. It is not written again as the crate goes on: a change that
//! needs another file would run again whatever its users have stored.
//!
//! ```text
//! cargo test -p idempotent-tests --test compat -- --ignored write_the_file
//! ```

mod entries;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use idempotent::protocol::{State, Status};
use idempotent::{Error, Handle, SqliteStore, Store, effect, idempotent};
use serde::{Deserialize, Serialize};

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/records.sqlite")
}

/// Only the command above lets a body run.
struct Build {
    handle: Handle,
    writes: bool,
}

impl Build {
    fn runs(&self) {
        assert!(self.writes, "the record of an earlier build is not found: the body runs again");
    }
}

impl AsRef<Handle> for Build {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

#[derive(Serialize)]
enum Ward {
    Heart,
    #[serde(rename = "the eye clinic")]
    Eye {
        floor: u8,
    },
}

#[derive(Serialize)]
struct Patient<'a> {
    name: &'a str,
    ward: Ward,
    tags: BTreeMap<&'a str, Option<i64>>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Appointment {
    number: u64,
    notes: Vec<Option<String>>,
}

fn appointment() -> Appointment {
    Appointment { number: u64::MAX, notes: vec![None, Some("nüchtern, 8 Uhr \u{1f489}".to_owned())] }
}

fn patient(ward: Ward) -> Patient<'static> {
    Patient { name: "Åsa", ward, tags: BTreeMap::from([("age", Some(-1)), ("b", None)]) }
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Trouble {
    NoSuchPatient(String),
    Library(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Library(format!("{}: {error}", error.code()))
    }
}

#[idempotent(key = (patient.name, date), name = "compat.book", skip(build), store = build)]
fn book(build: &Build, patient: &Patient<'_>, date: (u16, u8, u8)) -> Result<Appointment, Error> {
    build.runs();
    Ok(effect!(appointment()))
}

#[idempotent(key = patient, name = "compat.whole", skip(build), store = build)]
fn whole(build: &Build, patient: &Patient<'_>) -> Result<(), Error> {
    build.runs();
    Ok(())
}

#[idempotent(key = (a, b), name = "compat.numbers", skip(build), store = build)]
fn numbers(build: &Build, a: &str, b: i128) -> Result<String, Error> {
    build.runs();
    Ok(format!("{a} {b}"))
}

#[idempotent(key = all, name = "compat.refused", skip(build), store = build, on_err = store)]
fn refused(build: &Build, name: &str) -> Result<u32, Trouble> {
    build.runs();
    Err(Trouble::NoSuchPatient(name.to_owned()))
}

#[idempotent(key = name, name = "compat.doubtful", skip(build), store = build)]
fn doubtful(build: &Build, name: &str) -> Result<u32, Trouble> {
    build.runs();
    effect!(Err(Trouble::NoSuchPatient(name.to_owned())))
}

fn call_all(build: &Build) {
    assert_eq!(book(build, &patient(Ward::Heart), (2031, 2, 29)).unwrap(), appointment());
    for ward in [Ward::Heart, Ward::Eye { floor: 3 }] {
        whole(build, &patient(ward)).unwrap();
    }
    assert_eq!(numbers(build, "a:b", i128::MIN).unwrap(), format!("a:b {}", i128::MIN));
    assert_eq!(refused(build, "Åsa"), Err(Trouble::NoSuchPatient("Åsa".to_owned())));
}

/// Red when `key/encode.rs` or `key/build.rs` makes another key of the same arguments, `key/fingerprint.rs` another
/// fingerprint, or `store/sqlite` does not read its own older rows.
#[test]
fn s10_records_of_an_earlier_build_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.db");
    fs::copy(kept(), &file).unwrap();
    let build = Build { handle: Handle::new(SqliteStore::open(&file).unwrap()), writes: false };
    call_all(&build);

    match doubtful(&build, "Åsa") {
        Err(Trouble::Library(text)) => assert!(text.starts_with("in_doubt: "), "{text}"),
        other => panic!("{other:?}"),
    }
    let another_payload = Patient { name: "Åsa", ..patient(Ward::Eye { floor: 4 }) };
    let reused = book(&build, &another_payload, (2031, 2, 29));
    assert_eq!(reused.unwrap_err().code(), "key_reused");

    let entries = build.handle.list(&idempotent::Filter::default()).wait().unwrap();
    assert_eq!(entries.len(), 6);
    let state = |operation: &str| {
        let entry = entries.iter().find(|entry| *entry.subject.operation == *operation).unwrap();
        (entry.record.as_ref().unwrap().state, entry.status)
    };
    assert_eq!(state("compat.book"), (State::Done, Status::Ended));
    assert_eq!(state("compat.refused"), (State::Failed, Status::Ended));
    assert_eq!(state("compat.doubtful"), (State::InDoubt, Status::Doubt));
}

/// Writes the file of the test above anew.
#[test]
#[ignore = "writes the file that the other test reads"]
fn write_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.db");
    let store = Arc::new(SqliteStore::open(&file).unwrap());
    let build = Build { handle: Handle::shared(Arc::clone(&store) as Arc<dyn Store>), writes: true };
    call_all(&build);
    assert_eq!(doubtful(&build, "Åsa"), Err(Trouble::NoSuchPatient("Åsa".to_owned())));
    drop(build);
    // The keeper lets go of the store when it has seen that nobody needs it any more.
    let deadline = Instant::now() + Duration::from_secs(30);
    while Arc::strong_count(&store) > 1 {
        assert!(Instant::now() < deadline, "the keeper does not end");
        thread::yield_now();
    }
    drop(store);
    // Everything into the one file: its log stays behind.
    let connection = rusqlite::Connection::open(&file).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "delete", "somebody still has the file open");
    connection.execute("UPDATE boot SET id = 'another machine'", []).unwrap();
    connection.execute("VACUUM", []).unwrap();
    drop(connection);
    fs::copy(&file, kept()).unwrap();
}
