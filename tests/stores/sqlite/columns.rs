//! Every column of a record, damaged in every way, in a table that holds anything: the row is unreadable and says which
//! column it is, or it says the same as before. Never a run.
//!
//! Red when a column is read without a look at what it holds (row.rs `read`), when what is read is cut to fit, or when an
//! unreadable row is taken for none (moves.rs `find`).

use std::collections::BTreeMap;

use idempotent::Store;
use idempotent::protocol::{Answer, Ending, Fence, Held, State, Status};
use idempotent::store::{Subject, Which};
use rusqlite::types::Value;
use std::sync::Arc;

use super::support::*;

const COLUMNS: [&str; 31] = [
    "id",
    "key",
    "scope",
    "operation",
    "call",
    "state",
    "fence",
    "attempt",
    "effect",
    "prior",
    "rerun",
    "after",
    "owner",
    "late",
    "generation",
    "process",
    "boot",
    "lease_until",
    "quiet_from",
    "fingerprint",
    "value",
    "error",
    "codec",
    "version",
    "missing",
    "expires_at",
    "resolved_by",
    "why",
    "last_error",
    "began_at",
    "changed_at",
];

/// What a column is made to hold.
fn damages() -> Vec<(&'static str, Value)> {
    vec![
        ("nothing", Value::Null),
        ("-1", Value::Integer(-1)),
        ("0", Value::Integer(0)),
        ("2", Value::Integer(2)),
        ("the largest number", Value::Integer(i64::MAX)),
        ("the smallest number", Value::Integer(i64::MIN)),
        ("a fraction", Value::Real(0.5)),
        ("infinity", Value::Real(f64::INFINITY)),
        ("no text", Value::Text(String::new())),
        ("other text", Value::Text("paused".to_owned())),
        ("a number as text", Value::Text("1".to_owned())),
        ("no bytes", Value::Blob(Vec::new())),
        ("one byte", Value::Blob(vec![7])),
        ("15 bytes", Value::Blob(vec![7; 15])),
        ("65 bytes", Value::Blob(vec![7; 65])),
        ("text that is not UTF-8", Value::Blob(vec![0xff, 0xfe])),
    ]
}

/// Copies the records into a table of the same name that takes whatever it is given.
fn loose() -> String {
    format!(
        "DROP VIEW records; CREATE TABLE loose ({}); INSERT INTO loose SELECT * FROM record; DROP TABLE record;
         ALTER TABLE loose RENAME TO record; CREATE UNIQUE INDEX record_key ON record (key);
         CREATE INDEX record_open ON record (state) WHERE state NOT IN ('done', 'failed');
         CREATE INDEX record_expiry ON record (expires_at) WHERE expires_at IS NOT NULL",
        COLUMNS.join(", ")
    )
}

/// Which record is damaged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Done,
    InDoubt,
    Running,
}

/// Where a value is one that the column can have, the record says another thing, and no store can know better.
fn is_said(kind: Kind, column: &str, what: &str) -> Option<&'static str> {
    match (kind, column, what) {
        (_, "key", _) => Some("the row is the record of another key"),
        (Kind::Done, "expires_at", "-1" | "0" | "2" | "the smallest number") => Some("its time is over"),
        (
            Kind::Done,
            "value",
            "no text"
            | "other text"
            | "a number as text"
            | "no bytes"
            | "one byte"
            | "15 bytes"
            | "65 bytes"
            | "text that is not UTF-8",
        ) => Some("another value"),
        (Kind::Done, "codec", "no text" | "other text" | "a number as text") => {
            Some("another codec: it does not decode")
        }
        (Kind::Done, "version", "0" | "2") => Some("another version of the value"),
        (Kind::InDoubt, "last_error", _) => Some("another text"),
        (Kind::Running, "process" | "lease_until" | "boot", _) => {
            Some("who lives is told by the lock file and the lease")
        }
        _ => None,
    }
}

/// What the call comes to; a column of the table that is printed.
fn column(kind: Kind, damaged: (&str, &str), answer: &Answer) -> &'static str {
    let (name, what) = damaged;
    let said = is_said(kind, name, what);
    match (kind, answer) {
        (_, Answer::Unreadable { why }) => {
            // A value without its codec: one of the two is too much.
            let wanted = [format!("`{name}`"), "`codec`".to_owned(), "value".to_owned()];
            assert!(wanted.iter().any(|word| why.contains(word)), "{kind:?}, {name} = {what}: {why}");
            "unreadable, and the column is named"
        }
        (Kind::Done, answer) if *answer == replay("1") => "as before",
        (Kind::InDoubt, Answer::InDoubt(_)) => "as before",
        (Kind::Running, Answer::Busy(_)) => "as before",
        (Kind::Done, Answer::Replay(Ending::Done(_))) if said.is_some() => "says another thing",
        (_, Answer::Run(_)) if said.is_some() => "says another thing",
        (kind, answer) => panic!("{kind:?}, {name} = {what}: {answer:?}"),
    }
}

/// A record of this kind.
fn make(store: &dyn Store, kind: Kind, subject: &Arc<Subject>) {
    let held = granted(store, subject, 1);
    if kind != Kind::Done {
        assert_eq!(ask(store, subject, mark(held)), Answer::Ok);
    }
    match kind {
        Kind::Done => assert_eq!(ask(store, subject, done(held, "1")), settled(State::Done)),
        Kind::InDoubt => assert_eq!(ask(store, subject, doubt(held)), settled(State::InDoubt)),
        Kind::Running => {}
    }
}

/// Fails as the head says.
#[test]
fn s33_every_column_damaged_in_every_way() {
    let mut columns: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    let damages = damages();
    for kind in [Kind::Done, Kind::InDoubt, Kind::Running] {
        let place = Place::new();
        let store = place.open();
        let named = |name: &str, what: &str| subject(&format!("{name} {what}"));
        std::thread::scope(|scope| {
            for (what, _) in &damages {
                let store = &store;
                scope.spawn(move || COLUMNS.iter().for_each(|name| make(store, kind, &named(name, what))));
            }
        });
        let mut sql = place.sql();
        sql.execute_batch(&loose()).unwrap();
        let transaction = sql.transaction().unwrap();
        for (name, (what, value)) in
            COLUMNS.iter().flat_map(|name| damages.iter().map(move |damage| (name, damage)))
        {
            let set = format!("UPDATE OR IGNORE record SET {name} = ?1 WHERE key = ?2");
            let key = named(name, what).key;
            assert_eq!(transaction.execute(&set, (value, &key.as_bytes()[..])).unwrap(), 1, "{set}");
        }
        transaction.commit().unwrap();
        for (name, (what, _)) in
            COLUMNS.iter().flat_map(|name| damages.iter().map(move |damage| (name, damage)))
        {
            let subject = named(name, what);
            let shown = wait(store.load(&subject.key)).unwrap();
            let answer = ask(&store, &subject, claim(2));
            *columns.entry((kind, column(kind, (name, what), &answer))).or_default() += 1;
            if let Answer::Unreadable { .. } = answer {
                let entry = shown.expect("it is shown");
                assert!(entry.record.is_err(), "{name} = {what}");
                assert_eq!(entry.status, Status::Doubt, "{name} = {what}");
                // Not by the other way in either, and no holder's word lands on it.
                assert_eq!(store.apply_blocking(&subject, claim(3)).unwrap(), answer);
                let late = ask(&store, &subject, done(Held { token: token(1), fence: Fence(1) }, "2"));
                assert!(matches!(late, Answer::Unreadable { .. }), "{name} = {what}: {late:?}");
            }
        }
        // The lists live with it, and a sweep takes nothing that cannot be read.
        let unreadable = || list(&store, Which::All).iter().filter(|entry| entry.record.is_err()).count();
        let before = unreadable();
        wait(store.sweep(1_000)).unwrap();
        assert_eq!(unreadable(), before, "{kind:?}: swept");
    }
    for ((kind, column), count) in &columns {
        println!("{count:>4}  {kind:?}: {column}");
    }
    let all: usize = columns.values().sum();
    println!("{all} damages");
    assert_eq!(all, 3 * COLUMNS.len() * damages.len());
}

/// Fails when `COLUMNS` is not the table's columns.
#[test]
fn no_column_is_forgotten() {
    let place = Place::new();
    drop(place.open());
    let sql = place.sql();
    let mut all = sql.prepare("SELECT name FROM pragma_table_info('record')").unwrap();
    let names: Vec<String> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(names, COLUMNS);
}

/// Fails when damage in the tables beside the records leads to a run, or is not told by the file's name.
#[test]
fn s33_damage_beside_the_records() {
    const DAMAGES: [&str; 10] = [
        "UPDATE sequence SET next = -5",
        "UPDATE sequence SET next = 9223372036854775807",
        "DELETE FROM sequence",
        "DELETE FROM process",
        "UPDATE process SET device = 1, inode = 1",
        "UPDATE process SET pid = -1, host = '', program = ''",
        "UPDATE boot SET started_at = -9223372036854775808",
        "UPDATE boot SET started_at = 9223372036854775807",
        "DELETE FROM boot",
        "DELETE FROM audit",
    ];
    let (mut went_on, mut refused) = (0, 0);
    for damage in DAMAGES {
        let place = Place::new();
        let names = ["done", "doubt", "running"].map(subject);
        {
            let store = place.open();
            let held = granted(&store, &names[0], 1);
            ask(&store, &names[0], done(held, "1"));
            let held = granted(&store, &names[1], 1);
            ask(&store, &names[1], mark(held));
            ask(&store, &names[1], doubt(held));
            let held = granted(&store, &names[2], 1);
            ask(&store, &names[2], mark(held));
            place.sql().execute_batch(damage).unwrap();
            assert_nothing_runs(&store, &names, damage);
        }
        match idempotent::SqliteStore::open(place.file()) {
            Ok(store) => {
                went_on += 1;
                assert_nothing_runs(&store, &names, damage);
            }
            Err(error) => {
                refused += 1;
                assert!(told(&error).contains("robot.db"), "{damage}: {}", told(&error));
            }
        }
    }
    println!("{} damages: opened again {went_on}, refused {refused}", DAMAGES.len());
}

fn assert_nothing_runs(store: &dyn Store, names: &[Arc<Subject>; 3], damage: &str) {
    for name in names {
        match wait(store.apply(name, claim(2))) {
            Ok(Answer::Replay(_) | Answer::InDoubt(_) | Answer::Busy(_) | Answer::Unreadable { .. }) => {}
            Ok(answer) => panic!("{damage}: {}: {answer:?}", name.call),
            Err(error) => assert!(told(&error).contains("robot.db"), "{damage}: {}", told(&error)),
        }
        if let Err(error) = wait(store.load(&name.key)) {
            assert!(told(&error).contains("robot.db"), "{damage}: {}", told(&error));
        }
    }
}
