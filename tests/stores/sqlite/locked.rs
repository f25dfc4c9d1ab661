//! Another program holds the write lock of the file.

use std::thread;
use std::time::{Duration, Instant};

use idempotent::store::SqliteOptions;
use idempotent::{Error, Handle, Operation};

use super::robot::Robot;
use super::support::*;

static BOOK: Operation = Operation::new("locked.book").marker().wait_micros(0);

fn book(handle: &Handle, id: u32, body: impl FnOnce() -> u32) -> Result<u32, Error> {
    let call = BOOK.call().key("id", &id).store(handle).returns::<Result<u32, Error>>();
    call.run_blocking(|claim| claim.mark_blocking().map(|()| body()))
}

/// Fails when `PATIENCE` is shorter than what another program may take, when a call that waited is told an error
/// although it was written, or when it runs twice.
#[test]
fn s44_a_lock_of_four_seconds_is_waited_for() {
    let place = Place::new();
    let handle = Handle::new(place.open());
    assert_eq!(book(&handle, 0, || 0).unwrap(), 0);
    let mut other = Robot::start(&place.file());
    assert_eq!(other.ask("hold"), "held");
    thread::scope(|scope| {
        // Synchronous callers, one of them by its own thread, and hits that need no lock.
        let calls: Vec<_> = (1..4)
            .map(|id| {
                let handle = &handle;
                scope.spawn(move || book(handle, id, || id))
            })
            .collect();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            assert_eq!(book(&handle, 0, || panic!("it is recorded")).unwrap(), 0);
            assert!(calls.iter().all(|call| !call.is_finished()), "nobody can have written");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(other.ask("release"), "released");
        for (id, call) in (1..4).zip(calls) {
            assert_eq!(call.join().unwrap().unwrap(), id);
        }
    });
    for id in 1..4 {
        assert_eq!(book(&handle, id, || panic!("it is recorded")).unwrap(), id);
    }
    other.end();
}

/// Fails when a caller waits without end, when the body runs although nothing could be written, or when the error does
/// not say who is to be looked for.
#[test]
fn s44_a_lock_that_is_not_given_back_is_an_error() {
    let place = Place::new();
    drop(place.open());
    let mut other = Robot::start(&place.file());
    let patient = Handle::new(place.open());
    let impatient =
        Handle::new(SqliteOptions::new(place.file()).patience(Duration::from_millis(100)).open().unwrap());
    // What each tidies at its opening is done before.
    for (id, handle) in [(1, &patient), (2, &impatient)] {
        assert_eq!(book(handle, id, || 0).unwrap(), 0);
    }
    assert_eq!(other.ask("hold"), "held");
    for (id, handle, what) in [(3, &patient, "locked"), (4, &impatient, "locked")] {
        let error = book(handle, id, || panic!("the body ran")).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("store", true), "{error}");
        let told = format!("{error}; {}", error.advice());
        for words in ["robot.db", what, "transaction", "`tx = ..`"] {
            assert!(told.contains(words), "{words:?} is missing in: {told}");
        }
    }
    assert_eq!(other.ask("release"), "released");
    for (id, handle) in [(3, &patient), (4, &impatient)] {
        assert_eq!(handle.drain(Duration::from_secs(20)).wait(), 0);
        assert_eq!(book(handle, id, || 1).unwrap(), 1);
    }
    other.end();
}

/// Fails when a caller that holds a write transaction on the file hangs in a call on it, or is not told what it waits
/// for: at the claim, at the mark and at the settle.
#[test]
fn s44_the_callers_own_transaction_is_named_at_every_stage() {
    let place = Place::new();
    let handle = Handle::new(place.open());
    let own = place.sql();
    let begin = || own.execute_batch("BEGIN IMMEDIATE").unwrap();
    let end = || own.execute_batch("ROLLBACK").unwrap();
    for stage in ["claim", "mark", "settle"] {
        let operation: &Operation = Box::leak(Box::new(Operation::new(stage).marker().wait_micros(0)));
        let call = || operation.call().key("id", &1).store(&handle).returns::<Result<u32, Error>>();
        let mut acted = 0;
        if stage == "claim" {
            begin();
        }
        let error = call()
            .run_blocking(|claim| {
                if stage == "mark" {
                    begin();
                }
                claim.mark_blocking()?;
                acted += 1;
                begin();
                Ok(1)
            })
            .unwrap_err();
        assert_eq!(error.code(), "store", "{stage}: {error}");
        assert!(error.advice().contains("`tx = ..`"), "{stage}: {}", error.advice());
        assert_eq!(acted, u32::from(stage == "settle"), "{stage}");
        end();
        assert_eq!(handle.drain(Duration::from_secs(20)).wait(), 0);
        let again = call().run_blocking(|claim| {
            assert_ne!(stage, "settle", "it had acted");
            claim.mark_blocking().map(|()| 1)
        });
        assert_eq!(again.unwrap(), 1, "{stage}");
    }
}
