//! Rows of an SQLite file with cells of any type and value: each is shown, read as what it says or not at all, and never run
//! over.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use idempotent::protocol::{Answer, Record, State, Status, Value};
use idempotent::store::{Filter, Subject, Which};
use idempotent::{Key, SqliteStore, Store};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use tempfile::TempDir;

use crate::bytes::{claim, settled_in_all_ways};
use crate::inputs::{Inputs, feed};

/// The columns of a record that are damaged, in the order of the statement.
const COLUMNS: [&str; 30] = [
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
/// How many rows are written and listed at a time.
const ROWS: usize = 200;

pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// Rows of every state, as the store has written them.
fn written(store: &SqliteStore, sql: &Connection) -> Vec<Vec<Cell>> {
    settled_in_all_ways(store, 7);
    let mut statement = sql.prepare(&format!("SELECT {} FROM record", COLUMNS.join(", "))).unwrap();
    let rows = statement.query_map([], |row| (0..COLUMNS.len()).map(|at| row.get(at)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The file without its own guards: cells of any type fit, as after damage.
fn unguarded(sql: &Connection) {
    sql.execute_batch(
        "PRAGMA writable_schema = 1;
         UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name IN ('record', 'audit');
         PRAGMA writable_schema = RESET;
         PRAGMA ignore_check_constraints = 1;",
    )
    .unwrap();
}

/// A cell, and whether it is written as text whatever its bytes are.
fn cell(inputs: &mut Inputs, old: &Cell) -> (Cell, bool) {
    match inputs.roll(8) {
        0 => (Cell::Null, false),
        1 => (Cell::Integer(inputs.number()), false),
        2 => (Cell::Real(inputs.number() as f64 / 3.0), false),
        3 => (Cell::Blob(inputs.bytes(70)), false),
        4 => (Cell::Blob(inputs.bytes(20)), true),
        5 => {
            let names = ["done", "failed", "free", "running", "in_doubt", "paused", "", "json"];
            (Cell::Text(inputs.of(&names).to_owned()), false)
        }
        _ => match old {
            Cell::Blob(bytes) => (Cell::Blob(inputs.next(std::slice::from_ref(bytes))), false),
            Cell::Text(text) => (Cell::Blob(inputs.next(&[text.as_bytes().to_vec()])), true),
            Cell::Integer(number) => (Cell::Integer(number ^ (1 << inputs.roll(64))), false),
            Cell::Null | Cell::Real(_) => (Cell::Integer(inputs.roll(3) as i64), false),
        },
    }
}

/// Writes a row like `row` with some cells that are others; `None` if SQLite itself refuses it.
fn damage(inputs: &mut Inputs, sql: &Connection, row: &[Cell], key: &Key) -> Option<()> {
    let mut row = row.to_vec();
    row[0] = Cell::Blob(key.as_bytes().to_vec());
    let mut holes = ["?"; COLUMNS.len()];
    for _ in 0..=inputs.roll(3) {
        let column = 1 + inputs.roll(COLUMNS.len() - 1);
        let (cell, as_text) = cell(inputs, &row[column]);
        row[column] = cell;
        holes[column] = if as_text { "CAST(? AS TEXT)" } else { "?" };
    }
    let insert = format!("INSERT INTO record ({}) VALUES ({})", COLUMNS.join(", "), holes.join(", "));
    sql.prepare_cached(&insert).unwrap().execute(rusqlite::params_from_iter(row)).ok().map(drop)
}

/// The cells of a row as they are in the file now.
fn stored(sql: &Connection, key: &Key) -> HashMap<&'static str, Cell> {
    let ask = format!("SELECT {} FROM record WHERE key = ?1", COLUMNS.join(", "));
    // Text that is no text is shown as bytes.
    let read = |row: &rusqlite::Row<'_>| {
        let cells = COLUMNS.iter().enumerate().map(|(at, name)| {
            use rusqlite::types::ValueRef;
            let cell = match row.get_ref(at)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => Cell::Text(text.to_owned()),
                    Err(_) => Cell::Blob(bytes.to_vec()),
                },
                ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
            };
            Ok((*name, cell))
        });
        cells.collect()
    };
    sql.prepare_cached(&ask).unwrap().query_row([key.as_bytes()], read).unwrap()
}

/// The record says what the cells say.
fn assert_says(record: &Record, cells: &HashMap<&str, Cell>) {
    let text =
        |text: &Option<Arc<str>>| text.as_ref().map_or(Cell::Null, |text| Cell::Text(text.to_string()));
    let blob = |bytes: Option<&[u8]>| bytes.map_or(Cell::Null, |bytes| Cell::Blob(bytes.to_vec()));
    let number = |number: Option<i64>| number.map_or(Cell::Null, Cell::Integer);
    let Record { state, fence, owner, effect, prior, late, rerun, after, .. } = record;
    let wanted = [
        ("state", Cell::Text(state.name().to_owned())),
        ("fence", Cell::Integer(fence.0 as i64)),
        ("attempt", Cell::Integer(record.attempt.into())),
        ("effect", Cell::Integer((*effect).into())),
        ("prior", Cell::Integer((*prior).into())),
        ("rerun", Cell::Integer((*rerun).into())),
        ("after", Cell::Integer(*after)),
        ("owner", blob(owner.as_ref().map(|token| &token.0[..]))),
        ("late", blob(late.as_ref().map(|token| &token.0[..]))),
        ("generation", blob(Some(&record.generation.0))),
        ("process", blob(record.holder.as_ref().map(|process| &process.0[..]))),
        ("fingerprint", blob(Some(&record.fingerprint))),
        ("expires_at", number(record.expires_at)),
        ("resolved_by", text(&record.resolved_by)),
        ("why", text(&record.why)),
        ("last_error", text(&record.last_error)),
        ("began_at", number(Some(record.began_at))),
        ("changed_at", number(Some(record.changed_at))),
    ];
    for (name, wanted) in wanted {
        assert_eq!(cells[name], wanted, "{name} of {record:?}");
    }
    let bytes = |cell: &Cell| match cell {
        Cell::Text(text) => Some(text.as_bytes().to_vec()),
        Cell::Blob(bytes) => Some(bytes.clone()),
        _ => None,
    };
    let (column, value) = match state {
        State::Done => ("value", &record.value),
        State::Failed => ("error", &record.error),
        State::Free | State::Running | State::InDoubt => {
            assert!(record.value.is_none() && record.error.is_none());
            return;
        }
    };
    match value.as_ref().expect("an ending has a value") {
        Value::Bytes { bytes: found, codec, version } => {
            assert_eq!(Some(found.to_vec()), bytes(&cells[column]));
            assert_eq!(Cell::Text(codec.to_string()), cells["codec"]);
            assert_eq!(Cell::Integer((*version).into()), cells["version"]);
        }
        Value::Missing { why } => assert_eq!(Cell::Text(why.to_string()), cells["missing"]),
    }
}

/// Fails when a column is read without a look at its type or range, a damaged row is missing in a list, or is run over.
#[test]
fn rows_of_an_sqlite_file() {
    let folder = folder();
    let file = folder.path().join("robot.db");
    let sql = |file: &Path| Connection::open(file).unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let mut other = sql(&file);
    let rows = written(&store, &other);
    drop(store);
    unguarded(&other);
    let store = SqliteStore::open(&file).unwrap();
    let (mut readable, mut unreadable) = (0, 0);
    let why = "each input is 200 rows, written, listed, some of them claimed";
    feed("rows of SQLite", 50, why, |inputs| {
        let transaction = other.transaction().unwrap();
        transaction.execute("DELETE FROM record", []).unwrap();
        let mut keys = Vec::new();
        for _ in 0..ROWS {
            let mut key = [0; 32];
            key.fill_with(|| inputs.roll(256) as u8);
            let key = Key::from_bytes(key);
            let row = inputs.of(&rows);
            if damage(inputs, &transaction, &row, &key).is_some() {
                keys.push(key);
            }
        }
        transaction.commit().unwrap();
        keys.sort();
        let list = |which| pollster::block_on(store.list(&Filter { which, ..Filter::default() })).unwrap();
        let all = list(Which::All);
        assert_eq!(all.iter().map(|entry| entry.subject.key).collect::<Vec<_>>(), keys, "a row is hidden");
        let doubtful: Vec<Key> = list(Which::InDoubt).iter().map(|entry| entry.subject.key).collect();
        for entry in &all {
            let key = &entry.subject.key;
            let cells = stored(&other, key);
            match &entry.record {
                Ok(record) => {
                    readable += 1;
                    assert_says(record, &cells);
                }
                Err(why) => {
                    unreadable += 1;
                    assert_eq!(entry.status, Status::Doubt, "{why}");
                    // What has ended is not looked at for this list.
                    let ended =
                        matches!(&cells["state"], Cell::Text(state) if state == "done" || state == "failed");
                    assert!(ended || doubtful.contains(key), "not listed as doubt: {why}");
                }
            }
        }
        for _ in 0..10 {
            let entry = inputs.of(&all);
            let before = stored(&other, &entry.subject.key);
            let subject = Arc::new(Subject { ..entry.subject.clone() });
            let answer = store.apply_blocking(&subject, claim(200)).unwrap();
            match (&entry.record, answer) {
                (Err(_), Answer::Unreadable { .. }) => {
                    assert_eq!(stored(&other, &subject.key), before, "it was written over");
                }
                (Err(why), answer) => panic!("{answer:?} over a row that cannot be read: {why}"),
                (Ok(_), Answer::Unreadable { why }) => panic!("read and not read: {why}"),
                (Ok(record), Answer::Replay(_)) => {
                    assert!(matches!(record.state, State::Done | State::Failed))
                }
                (Ok(_), _) => {}
            }
        }
    });
    assert!(readable > 500 && unreadable > 500, "{readable} readable, {unreadable} not");
}

/// Fails when a line of the trail with cells of other types or values is a panic, hides the line beside it or is read as
/// something else than it says.
#[test]
fn lines_of_a_trail() {
    let folder = folder();
    let file = folder.path().join("robot.db");
    let store = SqliteStore::open(&file).unwrap();
    let mut sql = Connection::open(&file).unwrap();
    unguarded(&sql);
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    let key = Key::from_bytes([7; 32]);
    let valid = [
        Cell::Integer(1_767_225_600_000_000),
        Cell::Text("in_doubt".into()),
        Cell::Integer(3),
        Cell::Text("ada".into()),
        Cell::Text("she looked".into()),
        Cell::Text("running".into()),
        Cell::Text("in_doubt".into()),
    ];
    let (mut told, mut refused) = (0, 0);
    feed("lines of a trail", 2_000, "each is written and read", |inputs| {
        let mut line = valid.clone();
        let mut holes = ["?"; 7];
        for _ in 0..inputs.roll(3) {
            let column = inputs.roll(7);
            let (cell, as_text) = cell(inputs, &line[column]);
            (line[column], holes[column]) = (cell, if as_text { "CAST(? AS TEXT)" } else { "?" });
        }
        let transaction = sql.transaction().unwrap();
        transaction.execute("DELETE FROM audit", []).unwrap();
        let insert = format!(
            "INSERT INTO audit (at, move, fence, by, why, before, after, key) VALUES ({}, ?)",
            holes.join(", ")
        );
        let cells = line.into_iter().chain([Cell::Blob(key.as_bytes().to_vec())]);
        let beside = "INSERT INTO audit (id, at, move, fence, key) VALUES (1000000, 1, 'noted', 1, ?)";
        let written = transaction.prepare_cached(&insert).unwrap().execute(rusqlite::params_from_iter(cells));
        transaction.execute(beside, [key.as_bytes()]).unwrap();
        transaction.commit().unwrap();
        if written.is_ok() {
            let lines = pollster::block_on(store.trail(&key)).unwrap();
            let [line, beside] = &lines[..] else { panic!("a line is hidden: {lines:?}") };
            assert_eq!(&*beside.what, "noted");
            if &*line.what == "unreadable" && line.why.as_ref().is_some_and(|why| why.starts_with("column")) {
                refused += 1;
            } else {
                told += 1;
            }
        }
    });
    assert!(told > 100 && refused > 100, "{told} told, {refused} refused");
}
