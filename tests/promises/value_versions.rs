//! `value(version, upgrade)`: results that code of another version has recorded are read, or refused, and never run
//! again. Two versions of a program are two operations here, declared at one place.

use std::cell::Cell;
use std::future::Future;
use std::task::{Context, Poll, Waker};

use idempotent::protocol::{State, Value};
use idempotent::testing::{Call as StoreCall, Fault, Gate};
use idempotent::{
    Call, Error, Filter, How, Key, Operation, effect, idempotent, inspect, observe, observe_async,
};
use idempotent_tests::{Terms, World, on_every_store};
use serde::{Deserialize, Serialize};

use crate::script::{Script, panics};
use crate::{Trouble, how, refused, sight};

const fn new() -> Operation {
    Operation::new("versions.weigh").declared_at("versions", 1, 1)
}

/// Kilograms.
static ONE: Operation = new();
/// Grams.
static TWO: Operation = new().version(2);
/// Milligrams.
static THREE: Operation = new().version(3);

type Weighed = Result<u64, Error>;

fn weigh(operation: &'static Operation, world: &World) -> Call<Weighed> {
    operation.call().key("parcel", &7).store(&world.handle).returns()
}

/// Makes grams or milligrams of what is older.
fn older(from: u32, stored: &[u8]) -> Result<u64, String> {
    let number: u64 = serde_json::from_slice(stored).map_err(|error| error.to_string())?;
    match from {
        1 => Ok(number * 1000),
        2 => Ok(number * 1000 + 1),
        other => Err(format!("there was no version {other}")),
    }
}

fn runs<T>(world: &World, kilograms: T) -> T {
    world.ledger.act("weighed");
    kilograms
}

/// What the record holds: its bytes, and their version.
fn recorded(world: &World, key: &Key) -> (Vec<u8>, u32) {
    let record = world.handle.show(key).wait().unwrap().entry.unwrap().record.unwrap();
    match record.value.or(record.error) {
        Some(Value::Bytes { bytes, version, .. }) => (bytes.to_vec(), version),
        other => panic!("no value: {other:?}"),
    }
}

fn key(world: &World) -> Key {
    inspect(|| weigh(&ONE, world).run_blocking(|_| Ok(0))).unwrap()
}

/// Red when an older result is read as if it were of today, run again, or written anew (operation/rules.rs
/// `decode_done`).
fn s31_an_older_result_goes_through_upgrade_each_time_and_stays(world: &World) {
    assert_eq!(weigh(&ONE, world).run_blocking(|_| Ok(runs(world, 3))).unwrap(), 3);
    let key = key(world);
    let before = recorded(world, &key);
    assert_eq!(before, (b"3".to_vec(), 1));
    for _ in 0..3 {
        let seen = observe(|| weigh(&TWO, world).upgrade(older).run_blocking(|_| Ok(runs(world, 0))));
        assert_eq!((how(&seen), seen.result.unwrap()), (How::Replayed, 3000));
    }
    assert_eq!(recorded(world, &key), before, "nothing is rewritten");
    assert_eq!(world.ledger.lines().len(), 1);
    // The old program, still running beside the new one, reads it as it always did.
    assert_eq!(weigh(&ONE, world).run_blocking(|_| Ok(0)).unwrap(), 3);
}

/// Red when the version of the code that records is not recorded, or when a newer result is read by older code.
fn s31_a_newer_result_is_refused_and_not_run(world: &World) {
    assert_eq!(weigh(&THREE, world).run_blocking(|_| Ok(runs(world, 5))).unwrap(), 5);
    assert_eq!(recorded(world, &key(world)), (b"5".to_vec(), 3));
    for call in [weigh(&ONE, world), weigh(&TWO, world), weigh(&TWO, world).upgrade(older)] {
        let error = refused(call.run_blocking(|_| Ok(runs(world, 0))));
        assert_eq!((error.code(), error.is_retryable()), ("stored_value", false));
        assert!(error.to_string().contains("it is of version 3"), "{error}");
        assert!(error.to_string().contains("a newer program has written it"), "{error}");
    }
    assert_eq!(weigh(&THREE, world).run_blocking(|_| Ok(0)).unwrap(), 5, "it is still there");
    assert_eq!(world.ledger.lines().len(), 1);
}

/// Red when an older result is tried without `upgrade` (that would read kilograms as grams), or the text does not name
/// the mend.
fn s31_an_older_result_without_upgrade_is_refused_and_names_the_mend(world: &World) {
    weigh(&ONE, world).run_blocking(|_| Ok(runs(world, 3))).unwrap();
    let error = refused(weigh(&TWO, world).run_blocking(|_| Ok(runs(world, 0))));
    assert_eq!(error.code(), "stored_value");
    for part in ["it is of version 1", "this code is at version 2", "`value(version = 2, upgrade = path)`"] {
        assert!(error.to_string().contains(part), "`{part}` is not in {error}");
    }
    assert_eq!(world.ledger.lines().len(), 1);
}

/// Red when what `upgrade` cannot read is run again, or its words are lost.
fn s31_what_upgrade_cannot_read_is_refused_with_its_words(world: &World) {
    fn refuses(_: u32, _: &[u8]) -> Result<u64, String> {
        Err("the scales were broken".to_owned())
    }
    weigh(&ONE, world).run_blocking(|_| Ok(runs(world, 3))).unwrap();
    let error = refused(weigh(&TWO, world).upgrade(refuses).run_blocking(|_| Ok(runs(world, 0))));
    assert_eq!(error.code(), "stored_value");
    assert!(
        error.to_string().contains("`upgrade` cannot read its version 1: the scales were broken"),
        "{error}"
    );
    assert_eq!(world.ledger.lines().len(), 1);
}

/// Red when a panic in `upgrade` blocks callers of this process, or costs the record.
fn s31_an_upgrade_that_panics_loses_nothing(world: &World) {
    fn dies(_: u32, _: &[u8]) -> Result<u64, String> {
        panic!("the upgrade panics")
    }
    weigh(&ONE, world).run_blocking(|_| Ok(runs(world, 3))).unwrap();
    let key = key(world);
    let before = world.handle.show(&key).wait().unwrap();
    for _ in 0..2 {
        panics(|| weigh(&TWO, world).upgrade(dies).run_blocking(|_| Ok(runs(world, 0))));
    }
    world.drain();
    assert_eq!(world.handle.show(&key).wait().unwrap(), before);
    assert_eq!(weigh(&TWO, world).upgrade(older).run_blocking(|_| Ok(0)).unwrap(), 3000);
    assert_eq!(world.ledger.lines().len(), 1);
}

thread_local! {
    static UPGRADES: Cell<usize> = const { Cell::new(0) };
}

/// Red when callers that wait in the process for another's answer read the shared bytes as today's (operation/run.rs
/// `replay`).
fn s31_callers_that_share_a_replay_upgrade_it_themselves(world: &World) {
    weigh(&ONE, world).run_blocking(|_| Ok(runs(world, 3))).unwrap();
    let gate = Gate::new();
    world.faults.on(StoreCall::Claim.nth(1), Fault::HoldAnswer(gate.clone()));
    let call = || Box::pin(observe_async(weigh(&TWO, world).upgrade(counted).run(async |_| Ok(0))));
    let (mut first, mut second) = (call(), call());
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    gate.reached_blocking(1);
    assert!(second.as_mut().poll(&mut context).is_pending(), "it waits for the first");
    gate.open();
    let mut told = Vec::new();
    for future in [&mut first, &mut second] {
        told.push(loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(seen) => break (how(&seen), seen.result.unwrap()),
                Poll::Pending => std::thread::yield_now(),
            }
        });
    }
    assert_eq!(told, [(How::Replayed, 3000), (How::Waited, 3000)]);
    assert_eq!(world.faults.count(StoreCall::Claim), 2, "the second asked nobody");
    assert_eq!(UPGRADES.get(), 2);
}

fn counted(from: u32, stored: &[u8]) -> Result<u64, String> {
    UPGRADES.set(UPGRADES.get() + 1);
    older(from, stored)
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Refusal {
    Broken(u32),
    Library(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Library(error.code().to_owned())
    }
}

/// Red when the version of results is asked of recorded errors, which have none.
fn s31_a_recorded_error_has_no_version(world: &World) {
    static OLD: Operation = Operation::new("versions.fails").declared_at("versions", 3, 1);
    static NEW: Operation = Operation::new("versions.fails").declared_at("versions", 3, 1).version(2);
    for (operation, other) in [(&OLD, &NEW), (&NEW, &OLD)] {
        let world = &world.on(&Terms::default());
        let call = |operation: &'static Operation| {
            let parts = operation.call().key("parcel", &7).store(&world.handle);
            parts.returns::<Result<u64, Refusal>>().on_err_store().upgrade(older)
        };
        let first = call(operation).run_blocking(|_| Err(Refusal::Broken(runs(world, 3))));
        assert_eq!(first, Err(Refusal::Broken(3)));
        let again = call(other).run_blocking(|_| Ok(runs(world, 0)));
        assert_eq!(again, Err(Refusal::Broken(3)));
        let all = world.handle.list(&Filter::default()).wait().unwrap();
        assert_eq!(recorded(world, &all[0].subject.key).1, 1);
        assert_eq!(world.ledger.lines().len(), 1);
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Appointment {
    number: usize,
    day: String,
}

fn with_day(from: u32, stored: &[u8]) -> Result<Appointment, serde_json::Error> {
    assert_eq!(from, 1);
    let number = serde_json::from_slice(stored)?;
    Ok(Appointment { number, day: "unknown".to_owned() })
}

#[idempotent(key = id, name = "versions.book", value(version = 2, upgrade = with_day), skip(world, script), store = world.handle)]
fn book(world: &World, id: u32, script: Script) -> Result<Appointment, Trouble> {
    effect!(world.ledger.act("booked"));
    script.after()?;
    Ok(Appointment { number: 42, day: "today".to_owned() })
}

/// The attribute, and an operator, who says of which version his value is. Red when `value(..)` is not handed on, or the
/// operator's version is not recorded.
fn s31_the_attribute_and_an_operators_value(world: &World) {
    for (id, version) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(book(world, id, Script::FAILS_AFTER).unwrap_err().code(), "own");
        let key = inspect(|| book(world, id, Script::WORKS)).unwrap();
        let ada = world.handle.operator("ada", "it is in the portal");
        let today = Appointment { number: 7, day: "tomorrow".to_owned() };
        let resolved = match version {
            1 => ada.resolve_done(&key, sight(world, &key), &7_usize).wait(),
            _ => ada.version(version).resolve_done(&key, sight(world, &key), &today).wait(),
        };
        resolved.unwrap();
        let seen = observe(|| book(world, id, Script::WORKS));
        match version {
            1 => assert_eq!(seen.result.unwrap(), Appointment { number: 7, day: "unknown".to_owned() }),
            2 => assert_eq!(seen.result.unwrap(), today),
            _ => assert_eq!(refused(seen.result).code(), "stored_value"),
        }
    }
    assert_eq!(book(world, 4, Script::WORKS).unwrap().day, "today");
    let key = inspect(|| book(world, 4, Script::WORKS)).unwrap();
    assert_eq!(recorded(world, &key).1, 2);
    assert_eq!(world.ledger.lines().len(), 4);
}

/// Red when a result without a value goes through `upgrade`, or is run again because the version is another.
fn s31_a_result_without_a_value_stays_without_one(world: &World) {
    static OLD: Operation = Operation::new("versions.nan").declared_at("versions", 2, 1);
    static NEW: Operation = Operation::new("versions.nan").declared_at("versions", 2, 1).version(2);
    fn never(_: u32, _: &[u8]) -> Result<f64, String> {
        panic!("there are no bytes")
    }
    let call = |operation: &'static Operation| {
        operation.call().key("id", &1).store(&world.handle).returns::<Result<f64, Error>>()
    };
    assert!(call(&OLD).run_blocking(|_| Ok(f64::NAN)).unwrap().is_nan());
    let error = refused(call(&NEW).upgrade(never).run_blocking(|_| Ok(0.0)));
    assert_eq!(error.code(), "stored_value");
    assert!(error.to_string().contains("without its value"), "{error}");
    let key = inspect(|| call(&OLD).run_blocking(|_| Ok(0.0))).unwrap();
    assert_eq!(world.handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap().state, State::Done);
}

on_every_store!(
    s31_an_older_result_goes_through_upgrade_each_time_and_stays,
    s31_a_newer_result_is_refused_and_not_run,
    s31_an_older_result_without_upgrade_is_refused_and_names_the_mend,
    s31_what_upgrade_cannot_read_is_refused_with_its_words,
    s31_an_upgrade_that_panics_loses_nothing,
    s31_callers_that_share_a_replay_upgrade_it_themselves,
    s31_a_recorded_error_has_no_version,
    s31_the_attribute_and_an_operators_value,
    s31_a_result_without_a_value_stays_without_one,
);
