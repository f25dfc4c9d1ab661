//! I8, I9: while the store cannot be reached nothing runs, what cannot be read is never absent, and when the store
//! comes back the process goes on.

use std::time::Duration;

use idempotent::store::{Error as StoreError, ErrorKind};
use idempotent::testing::{Call, Fault};
use idempotent::{Error, How, Operation, effect, idempotent, observe};
use idempotent_tests::{World, on_every_store};

use crate::script::fresh;
use crate::{how, refused};

#[idempotent(key = id, name = "down.book", skip(world), store = world.handle, wait = "200ms")]
fn book(world: &World, id: u32) -> Result<usize, Error> {
    effect!(world.ledger.act(&id.to_string()));
    Ok(fresh())
}

/// Red when a failed claim lets the body run.
fn s28_a_store_that_is_down_means_not_run(world: &World) {
    world.faults.down();
    let seen = observe(|| book(world, 1));
    assert_eq!(how(&seen), How::Refused);
    let error = refused(seen.result);
    assert_eq!((error.code(), error.is_retryable()), ("store", true));
    assert!(error.to_string().contains("the store is down") && error.to_string().contains("`down.book`"));
    assert!(world.ledger.lines().is_empty());
}

/// Red when calls wait for the keeper, which waits for the store: they are told that the store fails, and when it
/// is back the process goes on without a restart.
fn s29_after_an_outage_the_process_goes_on(world: &World) {
    assert!(book(world, 1).is_ok());
    world.faults.down();
    for _ in 0..3 {
        for id in [1, 2] {
            assert_eq!(refused(book(world, id)).code(), "store", "call {id}");
        }
    }
    world.faults.up();
    assert!(book(world, 1).is_ok());
    assert!(book(world, 2).is_ok());
    world.drain();
    assert_eq!(world.ledger.lines(), ["1", "2"]);
    assert!(world.in_doubt().is_empty());
}

#[idempotent(key = id, name = "down.cut", skip(world), store = world.handle, wait = "0s")]
fn cut(world: &World, id: u32) -> Result<usize, Error> {
    effect!(world.ledger.act(&id.to_string()));
    world.faults.down();
    Ok(4711)
}

/// Red when a caller whose settle failed is told `Ok` (I3), when the value is not in the error, or when the
/// keeper does not go on settling.
fn s28_a_settle_that_fails_after_the_effect_is_told_and_never_run_again(world: &World) {
    let error = refused(cut(world, 1));
    let Error::Store(failed) = &error else { panic!("the store failed, not {error}") };
    assert_eq!(failed.unrecorded.as_deref(), Some("4711"));
    assert!(error.to_string().contains("4711"), "{error}");
    world.faults.up();
    world.drain();
    assert_eq!(cut(world, 1).unwrap(), 4711, "the keeper has recorded it");
    assert_eq!(world.ledger.lines(), ["1"]);
}

/// Red when a refusal is tried again for ever, or its words are lost.
fn a_store_that_refuses_says_why_and_what_to_do(world: &World) {
    let refusal =
        StoreError::new(ErrorKind::Refused, "the file belongs to another program", "name another file");
    world.faults.on(Call::Claim.first(1), Fault::Error(refusal));
    let error = refused(book(world, 1));
    assert!(error.to_string().contains("belongs to another program"), "{error}");
    assert_eq!((error.advice().as_str(), error.is_retryable()), ("name another file", false));
    assert_eq!(world.faults.count(Call::Claim), 1);
    assert!(book(world, 1).is_ok());
    assert_eq!(world.ledger.lines(), ["1"]);
}

/// Red when "cannot be decoded" is treated as "not there" (operation/run.rs `replay`).
fn s70_a_stored_value_of_another_type_is_never_run(world: &World) {
    static TEXT: Operation = Operation::new("down.types").declared_at("types", 1, 1);
    static NUMBER: Operation = Operation::new("down.types").declared_at("types", 1, 1);
    let text = TEXT.call().key("id", &1).store(&world.handle).returns::<Result<String, Error>>();
    text.run_blocking(|_| Ok("not a number".to_owned())).unwrap();
    for _ in 0..2 {
        let number = NUMBER.call().key("id", &1).store(&world.handle).returns::<Result<u32, Error>>();
        let seen = observe(|| number.run_blocking(|_| panic!("the body ran")));
        assert_eq!(how(&seen), How::Refused);
        let error = refused(seen.result);
        assert_eq!((error.code(), error.is_retryable()), ("stored_value", false), "{error}");
        assert!(error.key().is_some() && error.to_string().contains("down.types"), "{error}");
    }
}

/// Red when the keeper gives up, or asks so seldom that an outage outlives the store's return by much.
fn an_interrupted_call_is_settled_after_an_outage(world: &World) {
    #[idempotent(key = id, name = "down.dies", skip(world), store = world.handle)]
    fn dies(world: &World, id: u32) -> Result<u32, Error> {
        effect!(world.ledger.act("dies"));
        world.faults.down();
        std::panic::resume_unwind(Box::new(id));
    }
    crate::script::panics(|| dies(world, 1));
    assert_eq!(world.handle.drain(Duration::from_millis(50)).wait(), 1, "one outcome is not recorded");
    world.faults.up();
    world.drain();
    assert_eq!(world.in_doubt().len(), 1);
    assert_eq!(world.ledger.lines(), ["dies"]);
}

on_every_store!(
    s28_a_store_that_is_down_means_not_run,
    s28_a_settle_that_fails_after_the_effect_is_told_and_never_run_again,
    s29_after_an_outage_the_process_goes_on,
    s70_a_stored_value_of_another_type_is_never_run,
    a_store_that_refuses_says_why_and_what_to_do,
    an_interrupted_call_is_settled_after_an_outage,
);
