//! The calls of a store that no run makes for itself: the keeper's, and those of operators and of people who look. Each
//! x each fault, enumerated, with what the record must be afterwards.
//!
//! Red when the keeper takes an error for an answer (keeper/mod.rs `over`), when a note that fails is forgotten
//! (operation/claim.rs `transmit`), or when an operator is told `Ok` for what was not written (operator.rs `send`).

use std::thread;

use idempotent::protocol::{Seen, State};
use idempotent::store::{Error as StoreError, ErrorKind};
use idempotent::testing::{Call, Fault, When};
use idempotent::{Error, Filter, Key, OperatorError, effect, idempotent, inspect};
use idempotent_tests::{World, on_every_store};

use crate::latch::Latch;
use crate::script::{Script, fresh};
use crate::{Trouble, refused, sight};

/// What happens to the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    RequestLost,
    AnswerLost,
    Refused,
}

const HOWS: [How; 3] = [How::RequestLost, How::AnswerLost, How::Refused];

const CALLS: [Call; 7] =
    [Call::Abandon, Call::Note, Call::Operator, Call::Load, Call::List, Call::Trail, Call::Sweep];

impl How {
    fn set(self, world: &World, when: When) {
        let refusal = StoreError::new(ErrorKind::Refused, "the store refuses", "the test asked for it");
        world.faults.on(
            when,
            match self {
                How::RequestLost => Fault::RequestLost,
                How::AnswerLost => Fault::AnswerLost,
                How::Refused => Fault::Error(refusal),
            },
        );
    }
}

#[idempotent(key = id, name = "beside.book", skip(world, script), store = world.handle)]
fn book(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    world.ledger.act("acts");
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = id, name = "beside.hangs", skip(world, latch), store = world.handle)]
fn hangs(world: &World, id: u32, latch: &Latch) -> Result<u32, Error> {
    effect!(world.ledger.act("acts"));
    latch.pass();
    Ok(4711)
}

/// A claim whose answers are all lost: the keeper gives it back, whatever goes wrong with that.
fn abandon(world: &World, how: How) {
    world.faults.on(Call::Claim.always(), Fault::AnswerLost);
    how.set(world, Call::Abandon.first(2));
    assert_eq!(refused(book(world, 1, Script::WORKS)).code(), "store");
    world.drain();
    assert_eq!(world.faults.count(Call::Abandon), 3, "asked until it was answered");
    world.faults.clear();
    assert!(book(world, 1, Script::WORKS).is_ok(), "the key is free");
    assert_eq!(world.ledger.lines().len(), 1);
}

/// The late word of a revoked attempt: it comes into the trail, whatever goes wrong with that.
fn note(world: &World, how: How) {
    let latch = Latch::default();
    let key = inspect(|| hangs(world, 1, &latch)).unwrap();
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| hangs(world, 1, &latch));
        latch.reached(1);
        world.handle.operator("ada", "it hangs").revoke(&key, sight(world, &key)).wait().unwrap();
        how.set(world, Call::Note.first(6));
        latch.open();
        refused(call.join().unwrap())
    });
    let Error::LeaseLost(lost) = &error else { panic!("lease lost, not {error}") };
    assert_eq!(lost.unrecorded.as_deref(), Some("4711"));
    world.drain();
    let trail = world.handle.show(&key).wait().unwrap().trail;
    let late: Vec<_> = trail.iter().filter(|line| &*line.what == "late_evidence").collect();
    // A note whose answer was lost is written again: twice is no harm.
    assert!(!late.is_empty(), "{trail:?}");
    assert!(late.iter().all(|line| line.why.as_deref().unwrap().contains("4711")), "{trail:?}");
    assert_eq!(refused(hangs(world, 1, &latch)).code(), "in_doubt");
    assert_eq!(world.ledger.lines().len(), 1);
}

fn doubt(world: &World) -> (Key, Seen) {
    assert_eq!(book(world, 1, Script::FAILS_AFTER).unwrap_err().code(), "own");
    let key = world.in_doubt()[0].subject.key;
    (key, sight(world, &key))
}

/// An operator is told `Ok` only for what is written; asked again with what he saw, it lands at most once.
fn operator(world: &World, how: How) {
    let (key, seen) = doubt(world);
    let ada = world.handle.operator("ada", "it is in the portal");
    how.set(world, Call::Operator.first(1));
    let error = ada.resolve_done(&key, seen, &1).wait().unwrap_err();
    assert!(matches!(error, OperatorError::Store(_)), "{error}");
    let again = ada.resolve_done(&key, seen, &2).wait();
    if how == How::AnswerLost {
        assert!(matches!(again, Err(OperatorError::Stale)), "{again:?}");
        assert_eq!(book(world, 1, Script::WORKS).unwrap(), 1);
    } else {
        again.unwrap();
        assert_eq!(book(world, 1, Script::WORKS).unwrap(), 2);
    }
    assert_eq!(world.ledger.lines().len(), 1);
}

/// Who only looks is told that he saw nothing, and the record stays as it is.
fn look(world: &World, call: Call, how: How) {
    let (key, seen) = doubt(world);
    how.set(world, call.always());
    let filter = Filter::default();
    match call {
        Call::List => assert!(world.handle.list(&filter).wait().is_err()),
        Call::Load => {
            assert!(world.handle.show(&key).wait().is_err());
            let ada = world.handle.operator("ada", "looks first");
            let error = ada.resolve_not_done(&key, seen).wait().unwrap_err();
            assert!(matches!(error, OperatorError::Store(_)), "not seen is not absent: {error}");
            let error = ada.forget(&key, seen).wait().unwrap_err();
            assert!(matches!(error, OperatorError::Store(_)), "not seen is not forgotten: {error}");
        }
        _ => assert!(world.handle.show(&key).wait().is_err()),
    }
    // A call does not need what failed here.
    assert_eq!(refused(book(world, 1, Script::WORKS)).code(), "in_doubt");
    world.faults.clear();
    assert_eq!(sight(world, &key), seen);
    assert_eq!((world.handle.list(&filter).wait().unwrap().len(), world.ledger.lines().len()), (1, 1));
}

/// A sweep takes what is over and spares doubt, also where its answer is lost.
fn sweep(world: &World, how: How) {
    let (key, seen) = doubt(world);
    assert_eq!(book(world, 2, Script::FAILS_AFTER).unwrap_err().code(), "own");
    let free = inspect(|| book(world, 2, Script::WORKS)).unwrap();
    let ada = world.handle.operator("ada", "not in the portal");
    ada.resolve_not_done(&free, sight(world, &free)).wait().unwrap();
    how.set(world, Call::Sweep.first(1));
    assert!(world.handle.sweep(10).wait().is_err());
    let is_there = world.handle.show(&free).wait().unwrap().entry.is_some();
    assert_eq!(is_there, how != How::AnswerLost);
    assert_eq!(world.handle.sweep(10).wait().unwrap(), usize::from(is_there));
    assert!(world.handle.show(&free).wait().unwrap().entry.is_none());
    assert_eq!((sight(world, &key), seen.state), (seen, State::InDoubt));
}

/// Every kind of call that `faults` does not have.
fn s56_every_call_of_others_times_every_fault(world: &World) {
    let mut cases = 0;
    for call in CALLS {
        for how in HOWS {
            let world = &world.on(&idempotent_tests::Terms::default());
            println!("{call:?}, {how:?}");
            match call {
                Call::Abandon => abandon(world, how),
                Call::Note => note(world, how),
                Call::Operator => operator(world, how),
                Call::Sweep => sweep(world, how),
                _ => look(world, call, how),
            }
            cases += 1;
        }
    }
    let in_faults = crate::faults::CALLS.len();
    assert_eq!(
        (cases, CALLS.len() + in_faults),
        (21, Call::ALL.len()),
        "each kind of call is in one of the two"
    );
}

on_every_store!(s56_every_call_of_others_times_every_fault,);
