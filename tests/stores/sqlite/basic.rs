//! Claim, mark, settle, replay and the lists, and that all of it is in the file.

use idempotent::protocol::{Answer, State, Status};
use idempotent::store::Which;
use idempotent::{SqliteStore, Store};

use super::support::*;

/// Fails when `Hand::apply` answers before the commit, or `row::read` loses a column.
#[test]
fn a_result_outlives_the_store_that_recorded_it() {
    let place = Place::new();
    let booked = subject("booked");
    {
        let store = place.open();
        let held = granted(&store, &booked, 1);
        assert_eq!(ask(&store, &booked, mark(held)), Answer::Ok);
        assert_eq!(ask(&store, &booked, done(held, r#"{"id":7}"#)), settled(State::Done));
        assert_eq!(ask(&store, &booked, claim(2)), replay(r#"{"id":7}"#));
    }
    let store = place.open();
    assert_eq!(ask(&store, &booked, claim(3)), replay(r#"{"id":7}"#));
    let entry = wait(store.load(&booked.key)).unwrap().expect("the record is there");
    assert_eq!(entry.subject, *booked);
    assert_eq!(entry.status, Status::Ended);
}

/// Fails when `apply_blocking` takes another way to the record than `apply`, bypass or not.
#[test]
fn a_synchronous_caller_sees_the_same_record() {
    let place = Place::new();
    let store = place.open();
    let booked = subject("booked");
    let Ok(Answer::Run(grant)) = store.apply_blocking(&booked, claim(1)) else { panic!("not granted") };
    let held = held(1, &grant);
    assert_eq!(store.apply_blocking(&booked, mark(held)).unwrap(), Answer::Ok);
    assert_eq!(ask(&store, &booked, done(held, "1")), settled(State::Done));
    assert_eq!(store.apply_blocking(&booked, claim(2)).unwrap(), replay("1"));
}

/// Fails when the lists read the stored state and not the derived one.
#[test]
fn lists_show_what_is_open() {
    let place = Place::new();
    let store = place.open();
    let names = |which| -> Vec<String> {
        list(&store, which).iter().map(|entry| entry.subject.call.to_string()).collect()
    };
    let held = granted(&store, &subject("a done"), 1);
    ask(&store, &subject("a done"), done(held, "1"));
    let held = granted(&store, &subject("b free"), 1);
    ask(&store, &subject("b free"), free(held));
    granted(&store, &subject("c running"), 1);
    let held = granted(&store, &subject("d doubt"), 1);
    ask(&store, &subject("d doubt"), mark(held));
    let doubt = idempotent::protocol::Resolution::InDoubt { last_error: Some("timeout".into()) };
    ask(&store, &subject("d doubt"), idempotent::protocol::Request::Settle { held, resolution: doubt });
    assert_eq!(names(Which::All), ["a done", "b free", "c running", "d doubt"]);
    assert_eq!(names(Which::InDoubt), ["d doubt"]);
    assert_eq!(names(Which::Unfinished), ["b free", "c running"]);
}

/// Fails when a value is stored as bytes that no tool shows, or the view is not made.
#[test]
fn any_tool_reads_what_is_recorded() {
    let place = Place::new();
    let store = place.open();
    let held = granted(&store, &subject("booked"), 1);
    ask(&store, &subject("booked"), done(held, r#"{"id":7}"#));
    let sql = place.sql();
    let row: (String, String, String) = sql
        .query_row("SELECT call, state, value FROM records", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, ("booked".into(), "done".into(), r#"{"id":7}"#.into()));
    let kind: String = sql.query_row("SELECT typeof(value) FROM record", [], |row| row.get(0)).unwrap();
    assert_eq!(kind, "text");
}

/// Fails when the store stops being usable from several threads at once.
#[test]
fn it_is_a_store() {
    fn store<T: Store>() {}
    store::<SqliteStore>();
}
