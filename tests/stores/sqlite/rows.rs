//! Rows that were damaged or come from the future, and names that would like to be statements.

use std::sync::Arc;

use idempotent::protocol::{Answer, Status};
use idempotent::store::{Subject, Which};
use idempotent::{SqliteStore, Store};

use super::support::*;

/// Fails when a column is read without a look at what it holds, or an unreadable row is taken for none.
#[test]
fn s33_a_damaged_row_is_never_run() {
    let damages = [
        ("state = 'paused'", "'paused'", "state"),
        ("fence = -4", "-4", "fence"),
        ("attempt = 5000000000", "5000000000", "attempt"),
        ("effect = 2", "2", "effect"),
        ("owner = x'00'", "1 bytes", "owner"),
        ("generation = x''", "0 bytes", "generation"),
        ("fingerprint = x'0102'", "2 bytes", "fingerprint"),
        ("process = x'ff'", "1 bytes", "process"),
        ("value = NULL", "does not carry its value", "done"),
        ("value = 5", "holds 5", "value"),
        ("codec = NULL", "nothing", "codec"),
        ("version = -1", "-1", "version"),
        ("missing = 'no bytes'", "both set", "missing"),
        ("error = 'x'", "does not carry its value", "done"),
        ("why = cast(x'ff' AS TEXT)", "UTF-8", "why"),
    ];
    for (damage, shown, column) in damages {
        let place = Place::new();
        let store = place.open();
        let booked = subject("booked");
        let held = granted(&store, &booked, 1);
        ask(&store, &booked, done(held, "1"));
        let sql = place.sql();
        sql.execute_batch("PRAGMA ignore_check_constraints = 1").unwrap();
        assert_eq!(sql.execute(&format!("UPDATE record SET {damage}"), []).unwrap(), 1, "{damage}");
        let shown = shown.trim_matches('\'');
        for answer in [ask(&store, &booked, claim(2)), store.apply_blocking(&booked, claim(2)).unwrap()] {
            let Answer::Unreadable { why } = answer else { panic!("{damage}: {answer:?}") };
            assert!(why.contains(shown) && why.contains(column), "{damage}: {why}");
        }
        let answer = ask(&store, &booked, done(held, "2"));
        assert!(matches!(answer, Answer::Unreadable { .. }), "{damage}: {answer:?}");
        let entry = wait(store.load(&booked.key)).unwrap().expect("the row is shown");
        assert!(entry.record.is_err());
        assert_eq!(entry.status, Status::Doubt);
        assert_eq!(list(&store, Which::All).len(), 1);
        assert_eq!(wait(store.sweep(10)).unwrap(), 0, "{damage}: swept");
    }
}

/// Fails when a table that is not there is made anew, or taken for an empty one: by a store that is open when it goes,
/// or by one that is opened later.
#[test]
fn s70_a_missing_table_runs_nothing() {
    use idempotent::{Error, Handle, Operation};
    static BOOK: Operation = Operation::new("rows.book").marker().wait_micros(0);
    let place = Place::new();
    let handle = Handle::new(place.open());
    let call = || BOOK.call().key("id", &1).store(&handle).returns::<Result<u32, Error>>();
    assert_eq!(call().run_blocking(|claim| claim.mark_blocking().map(|()| 1)).unwrap(), 1);
    place.sql().execute_batch("ALTER TABLE record RENAME TO hidden").unwrap();
    let error = call().run_blocking(|_| panic!("the body ran")).unwrap_err();
    assert_eq!(error.code(), "store", "{error}");
    assert!(error.to_string().contains("no such table: record"), "{error}");
    let refused = told(&SqliteStore::open(place.file()).err().expect("a table is missing"));
    assert!(refused.contains("robot.db: its table `record` is missing"), "{refused}");
    place.sql().execute_batch("ALTER TABLE hidden RENAME TO record").unwrap();
    let reopened = Handle::new(place.open());
    let again = BOOK.call().key("id", &1).store(&reopened).returns::<Result<u32, Error>>();
    for call in [call(), again] {
        assert_eq!(call.run_blocking(|_| panic!("the body ran")).unwrap(), 1);
    }
}

/// Fails when `schema::whole` forgets a part: what is missing would be found out only by the move that needs it.
#[test]
fn s70_a_missing_table_or_index_is_named_when_the_file_is_opened() {
    let parts: Vec<(String, String)> = {
        let place = Place::new();
        drop(place.open());
        let sql = place.sql();
        let mut all = sql
            .prepare(
                "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL",
            )
            .unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(parts.len(), 8, "{parts:?}");
    for (kind, name) in parts {
        let place = Place::new();
        drop(place.open());
        place.sql().execute_batch(&format!("DROP {kind} {name}")).unwrap();
        let refused = told(&SqliteStore::open(place.file()).err().expect("a part is missing"));
        assert!(refused.contains(&format!("robot.db: its {kind} `{name}` is missing")), "{refused}");
        assert!(refused.contains("backup"), "{refused}");
    }
}

/// Fails when a record that somebody damages while its body runs is told as a fault of the store, when a body acts whose
/// mark could not be written, or when the keeper throws away what could not be recorded (keeper/mod.rs `start`).
#[test]
fn s33_a_record_damaged_while_its_body_runs_keeps_its_outcome() {
    use idempotent::{Error, Handle, Operation};
    use std::time::Duration;
    static BOOK: Operation = Operation::new("rows.damaged").marker().wait_micros(0);
    let place = Place::new();
    let handle = Handle::new(place.open());
    let call = |id: u32| BOOK.call().key("id", &id).store(&handle).returns::<Result<u32, Error>>();
    let set = |state: &str| {
        let sql = place.sql();
        sql.execute_batch("PRAGMA ignore_check_constraints = 1").unwrap();
        assert_eq!(sql.execute("UPDATE record SET state = ?1", [state]).unwrap(), 1);
    };
    let drain = |most| handle.drain(most).wait();

    let error = call(1)
        .run_blocking(|claim| {
            claim.mark_blocking()?;
            set("paused");
            Ok(7)
        })
        .unwrap_err();
    let Error::Store(failed) = &error else { panic!("it is not recorded, but: {error}") };
    assert_eq!(failed.unrecorded.as_deref(), Some("7"));
    assert!(
        error.to_string().contains("cannot be read any more: column `state` holds \"paused\""),
        "{error}"
    );
    assert!(error.advice().contains("mend the stored row"), "{}", error.advice());
    assert_eq!(drain(Duration::from_millis(50)), 1, "the keeper has it still");
    set("running");
    assert_eq!(drain(Duration::from_secs(20)), 0);
    assert_eq!(call(1).run_blocking(|_| panic!("it had acted")).unwrap(), 7);
    place.sql().execute_batch("DELETE FROM record").unwrap();

    let error = call(2)
        .run_blocking(|claim| {
            set("paused");
            claim.mark_blocking()?;
            panic!("it acted")
        })
        .unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("stored_value", false), "{error}");
    assert!(error.to_string().contains("id=2") && error.to_string().contains("`state`"), "{error}");
    set("running");
    assert_eq!(drain(Duration::from_secs(20)), 0);
    assert_eq!(call(2).run_blocking(|claim| claim.mark_blocking().map(|()| 1)).unwrap(), 1);
}

/// Fails when a row with a state from the future is missing in the list of what is in doubt.
#[test]
fn s33_an_unknown_state_is_listed_as_doubt() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("booked"), 1);
    let sql = place.sql();
    sql.execute_batch("PRAGMA ignore_check_constraints = 1; UPDATE record SET state = 'paused'").unwrap();
    let listed = list(&store, Which::InDoubt);
    assert_eq!(listed.len(), 1);
    assert!(listed[0].record.as_ref().unwrap_err().contains("paused"));
}

/// Fails when a name is put into a statement instead of being bound, or is cut.
#[test]
fn s71_strange_names_are_data() {
    let place = Place::new();
    let store = place.open();
    let long = "x".repeat(10_000);
    let names = ["it's", "100%", "'); DROP TABLE record; --", "a\0b", "{}:\"", &long, "", "ключ"];
    for (number, name) in names.iter().enumerate() {
        let strange = Arc::new(Subject {
            scope: (*name).into(),
            operation: (*name).into(),
            ..(*subject(&format!("{number}"))).clone()
        });
        let held = granted(&store, &strange, 1);
        ask(&store, &strange, done(held, "1"));
        let entry = wait(store.load(&strange.key)).unwrap().expect("it is stored");
        assert_eq!(entry.subject, *strange);
    }
    assert_eq!(list(&store, Which::All).len(), names.len());
}

/// Fails when a result that could not be encoded reads as a value, or is lost.
#[test]
fn a_result_without_bytes_keeps_its_reason() {
    use idempotent::protocol::{Ending, Request, Resolution, Value};
    let place = Place::new();
    let store = place.open();
    let booked = subject("booked");
    let held = granted(&store, &booked, 1);
    let value = Value::Missing { why: "NaN is not JSON".into() };
    let resolution = Resolution::Done { value: value.clone(), keep: None };
    ask(&store, &booked, Request::Settle { held, resolution });
    assert_eq!(ask(&store, &booked, claim(2)), Answer::Replay(Ending::Done(value)));
}
