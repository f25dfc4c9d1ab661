//! I2, I6, I7: a recorded result is what every later call gets; another payload is neither run nor replayed;
//! different calls never share a record.

use std::cell::Cell;
use std::collections::BTreeMap;

use idempotent::{Error, How, Operation, effect, idempotent, inspect, observe, observe_async};
use idempotent_tests::{World, on_every_store};
use serde::{Deserialize, Serialize};

use crate::script::fresh;
use crate::{how, on_tokio, refused};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Receipt {
    number: usize,
    lines: BTreeMap<String, Vec<Option<u64>>>,
}

#[idempotent(key = (patient, date), skip(world, portal), store = world.handle)]
fn book(world: &World, portal: &str, patient: &str, date: u32) -> Result<Receipt, Error> {
    effect!(world.ledger.act(&format!("{patient} {date} by {portal}")));
    let lines = BTreeMap::from([("é \"quoted\"".to_owned(), vec![None, Some(u64::MAX)])]);
    Ok(Receipt { number: fresh(), lines })
}

#[idempotent(key = (patient, date), skip(world), store = world.handle)]
async fn book_async(world: &World, patient: &str, date: u32) -> Result<Receipt, Error> {
    effect!(world.ledger.act(&format!("{patient} {date}")));
    Ok(Receipt { number: fresh(), lines: BTreeMap::new() })
}

/// Red when a claim on a done record is answered with `Run` (protocol/claim.rs, `Status::Ended`).
fn s01_equal_key_parts_are_one_run_whatever_is_skipped(world: &World) {
    let first = book(world, "one", "ada", 7).unwrap();
    let second = book(world, "other", "ada", 7).unwrap();
    assert_eq!(first, second);
    assert_eq!(world.ledger.lines(), ["ada 7 by one"]);
}

/// Red when `skip` puts the argument into the fingerprint (the macro's `rest`).
fn s09_skipped_arguments_differ_freely(world: &World) {
    for portal in ["", "a", "b", "\u{1F980}"] {
        assert!(book(world, portal, "bob", 1).is_ok());
    }
    assert_eq!(world.ledger.lines().len(), 1);
}

fn bytes(world: &World, key: &idempotent::Key) -> Vec<u8> {
    let entry = world.handle.show(key).wait().unwrap().entry.unwrap();
    match entry.record.unwrap().value {
        Some(idempotent::protocol::Value::Bytes { bytes, .. }) => bytes.to_vec(),
        other => panic!("done with a value, not {other:?}"),
    }
}

/// Red when a settle is not written (operation/claim.rs `succeed`), or `How::Replayed` is not told.
fn s12_second_call_replays_equal_bytes(world: &World) {
    let first = observe(|| book(world, "p", "eve", 3));
    let stored = bytes(world, &first.outcome.unwrap().key);
    let again = observe(|| book(world, "p", "eve", 3));
    assert_eq!((how(&first), how(&again)), (How::Executed, How::Replayed));
    assert_eq!((first.outcome.unwrap().attempt, again.outcome.unwrap().attempt), (1, 0));
    let (first, again) = (first.result.unwrap(), again.result.unwrap());
    assert_eq!(first, again);
    assert_eq!(serde_json::to_vec(&again).unwrap(), stored);
    assert_eq!(bytes(world, &inspect(|| book(world, "p", "eve", 3)).unwrap()), stored);
    assert_eq!(world.ledger.lines().len(), 1);
}

/// As the synchronous form.
fn s12_second_asynchronous_call_replays(world: &World) {
    on_tokio(async {
        let first = observe_async(book_async(world, "eve", 3)).await;
        let again = observe_async(book_async(world, "eve", 3)).await;
        assert_eq!((how(&first), how(&again)), (How::Executed, How::Replayed));
        assert_eq!(first.result.unwrap(), again.result.unwrap());
    });
    assert_eq!(world.ledger.lines().len(), 1);
}

#[idempotent(key = (world.folder(), cell.get()), skip(world), store = world.handle)]
fn mutates(world: &World, cell: &Cell<u32>) -> Result<usize, Error> {
    effect!(world.ledger.act("mutates"));
    cell.set(cell.get() + 1);
    Ok(fresh())
}

/// Red when the key is made after the body, or again at the settle.
fn s06_the_key_is_the_one_from_before_the_body(world: &World) {
    let cell = Cell::new(5);
    let first = mutates(world, &cell).unwrap();
    assert_eq!(cell.get(), 6);
    let second = mutates(world, &cell).unwrap();
    assert_ne!(first, second, "6 is another key");
    assert_eq!(mutates(world, &Cell::new(5)).unwrap(), first, "recorded under 5");
    assert_eq!(world.ledger.lines().len(), 2);
}

#[derive(Serialize, Clone)]
struct Order {
    id: u32,
    items: Vec<Item>,
}

#[derive(Serialize, Clone)]
struct Item {
    name: String,
    cents: u64,
}

#[idempotent(key = order.id, name = "orders.charge", skip(world), store = world.handle)]
fn charge(world: &World, order: &Order) -> Result<usize, Error> {
    effect!(world.ledger.act(&format!("charge {}", order.items[0].cents)));
    Ok(fresh())
}

/// Red when the fingerprint is not compared (protocol/claim.rs, the `KeyReused` row), or the payload's inner
/// fields are not hashed.
fn s07_s08_another_payload_is_key_reused_down_to_a_nested_field(world: &World) {
    let order = Order { id: 1, items: vec![Item { name: "x".into(), cents: 100 }] };
    let first = charge(world, &order).unwrap();
    let mut tampered = order.clone();
    tampered.items[0].cents = 101;
    let mut renamed = order.clone();
    renamed.items[0].name.push(' ');
    for other in [&tampered, &renamed] {
        let seen = observe(|| charge(world, other));
        assert_eq!(how(&seen), How::Refused);
        let error = refused(seen.result);
        assert_eq!((error.code(), error.is_retryable()), ("key_reused", false));
        assert!(error.to_string().contains("`orders.charge`"), "{error}");
        assert!(matches!(&error, Error::KeyReused(reused) if !reused.arguments_changed));
    }
    assert_eq!(charge(world, &order).unwrap(), first, "the record is untouched");
    assert_eq!(world.ledger.lines(), ["charge 100"]);
}

/// The same with the first call still running, in the same process.
fn s07_another_payload_is_key_reused_while_the_first_runs(world: &World) {
    #[idempotent(key = id, skip(world, inner), store = world.handle)]
    fn outer(world: &World, id: u32, payload: u32, inner: Option<u32>) -> Result<String, Error> {
        effect!(world.ledger.act(&format!("payload {payload}")));
        Ok(match inner {
            Some(other) => std::thread::scope(|scope| {
                let call = scope.spawn(|| outer(world, id, other, None));
                call.join().unwrap().unwrap_err().code().to_owned()
            }),
            None => "ran".to_owned(),
        })
    }
    assert_eq!(outer(world, 1, 10, Some(11)).unwrap(), "key_reused");
    assert_eq!(world.ledger.lines(), ["payload 10"]);
}

/// Red when the shape of the arguments is not hashed apart (key/fingerprint.rs).
fn s07_another_argument_list_says_so(world: &World) {
    static ONE: Operation = Operation::new("shapes.one").declared_at("shapes", 1, 1).marker();
    static TWO: Operation = Operation::new("shapes.one").declared_at("shapes", 1, 1).marker();
    type R = Result<u32, Error>;
    let one = ONE.call().key("id", &1).rest("a", &1).store(&world.handle).returns::<R>();
    assert_eq!(one.run_blocking(|_| Ok(1)).unwrap(), 1);
    let two = TWO.call().key("id", &1).rest("a", &1).rest("b", &2).store(&world.handle).returns::<R>();
    let error = two.run_blocking(|_| Ok(2)).unwrap_err();
    assert!(matches!(&error, Error::KeyReused(reused) if reused.arguments_changed), "{error}");
    assert!(error.advice().contains("arguments have changed"), "{}", error.advice());
}

/// A function that was renamed, in another module, with its old name pinned.
mod before {
    use super::*;

    pub(super) static OPERATION: Operation = Operation::new("renamed.book").declared_at("renamed", 1, 1);
}

mod after {
    use super::*;

    pub(super) static OPERATION: Operation = Operation::new("renamed.book").declared_at("renamed", 1, 1);
}

/// Red when anything but name and parts goes into the key (operation/call.rs `Parts::new`).
fn s11_a_renamed_function_with_its_name_pinned_finds_the_result(world: &World) {
    let run = |operation: &'static Operation| {
        let call = operation.call().key("id", "x").store(&world.handle).returns::<Result<usize, Error>>();
        call.run_blocking(|_| {
            world.ledger.act("booked");
            Ok(fresh())
        })
    };
    assert_eq!(run(&before::OPERATION).unwrap(), run(&after::OPERATION).unwrap());
    assert_eq!(world.ledger.lines().len(), 1);
}

/// Red when the runtime on which a store was first used is needed later.
fn s78_a_store_outlives_the_runtime_it_was_first_used_on(world: &World) {
    let first = on_tokio(book_async(world, "zoe", 1)).unwrap();
    assert_eq!(on_tokio(book_async(world, "zoe", 1)).unwrap(), first);
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_ne!(single.block_on(book_async(world, "zoe", 2)).unwrap().number, first.number);
    drop(single);
    assert!(on_tokio(book_async(world, "zoe", 3)).is_ok());
    assert_eq!(world.ledger.lines(), ["zoe 1", "zoe 2", "zoe 3"]);
}

on_every_store!(
    s01_equal_key_parts_are_one_run_whatever_is_skipped,
    s06_the_key_is_the_one_from_before_the_body,
    s07_s08_another_payload_is_key_reused_down_to_a_nested_field,
    s07_another_payload_is_key_reused_while_the_first_runs,
    s07_another_argument_list_says_so,
    s09_skipped_arguments_differ_freely,
    s11_a_renamed_function_with_its_name_pinned_finds_the_result,
    s12_second_call_replays_equal_bytes,
    s12_second_asynchronous_call_replays,
    s78_a_store_outlives_the_runtime_it_was_first_used_on,
);
