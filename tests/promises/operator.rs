//! I5: from every state an operator can let work go on, sees what he needs, and cannot act on what he has not seen.

use std::thread;
use std::time::Duration;

use idempotent::protocol::{Seen, State, Status, Value};
use idempotent::testing::{Call, Fault};
use idempotent::{Error, Filter, How, Key, OperatorError, Which, effect, idempotent, inspect, observe};
use idempotent_tests::{World, on_every_store};

use crate::latch::Latch;
use crate::script::{Script, fresh};
use crate::{Trouble, how, refused, sight};

/// Longer than any working test takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[idempotent(key = id, name = "operated.book", skip(world, script), store = world.handle, wait = "0s")]
fn book(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act(&id.to_string()));
    script.after()?;
    Ok(fresh())
}

/// Leaves call `id` in doubt: its key, and what an operator sees of it.
fn doubt(world: &World, id: u32) -> (Key, Seen) {
    assert_eq!(book(world, id, Script::FAILS_AFTER).unwrap_err().code(), "own");
    let error = refused(book(world, id, Script::WORKS));
    let Error::InDoubt(doubt) = &error else { panic!("in doubt, not {error}") };
    let seen = sight(world, &error.key().unwrap());
    assert_eq!(seen.fence, doubt.fence, "the error names the fence that the list shows");
    (error.key().unwrap(), seen)
}

/// Red when a resolved value is not replayed, or keeps the doubt.
fn s27_resolved_as_done_callers_get_the_value(world: &World) {
    let (key, seen) = doubt(world, 1);
    let ada = world.handle.operator("ada", "it is in the portal");
    ada.resolve_done(&key, seen, &4711_usize).wait().unwrap();
    let told = observe(|| book(world, 1, Script::WORKS));
    assert_eq!((how(&told), told.result.unwrap()), (How::Replayed, 4711));
    assert!(world.in_doubt().is_empty());
    let shown = world.handle.show(&key).wait().unwrap();
    let line = shown.trail.last().unwrap();
    assert_eq!(
        (&*line.what, line.by.as_deref(), line.why.as_deref()),
        ("resolved_done", Some("ada"), Some("it is in the portal"))
    );
    assert_eq!((line.before, line.after), (Some(State::InDoubt), Some(State::Done)));
    assert_eq!(world.ledger.lines(), ["1"]);
}

/// Red when "not done" leaves doubt.
fn s27_resolved_as_not_done_the_next_call_runs(world: &World) {
    let (key, seen) = doubt(world, 1);
    world.handle.operator("ada", "not in the portal").resolve_not_done(&key, seen).wait().unwrap();
    assert!(world.in_doubt().is_empty());
    let told = observe(|| book(world, 1, Script::WORKS));
    assert_eq!((how(&told), told.outcome.unwrap().attempt), (How::Executed, 2));
    assert_eq!(world.ledger.lines(), ["1", "1"]);
}

/// Red when operators' fences are not compared (protocol/operator.rs `seen`).
fn s61_a_word_about_an_older_attempt_is_stale(world: &World) {
    let (key, first) = doubt(world, 1);
    let ada = world.handle.operator("ada", "attempt 1 is not in the portal");
    ada.resolve_not_done(&key, first).wait().unwrap();
    let (_, second) = doubt(world, 1);
    assert!(second.fence > first.fence);
    for late in [ada.resolve_not_done(&key, first), ada.resolve_done(&key, first, &1_usize)] {
        let error = late.wait().unwrap_err();
        assert!(matches!(error, OperatorError::Stale), "{error}");
        assert!(error.advice().contains("look at the record again"));
    }
    assert_eq!(refused(book(world, 1, Script::WORKS)).code(), "in_doubt");
    assert_eq!(world.ledger.lines(), ["1", "1"]);
}

/// Red when a value of the wrong shape is not told, runs the body, or cannot be corrected.
fn s83_a_resolved_value_of_the_wrong_shape_can_be_corrected(world: &World) {
    let (key, seen) = doubt(world, 1);
    let ada = world.handle.operator("ada", "typed in a hurry");
    ada.resolve_done(&key, seen, "not a number").wait().unwrap();
    let error = refused(book(world, 1, Script::WORKS));
    assert_eq!(error.code(), "stored_value");
    assert!(error.advice().contains("resolve"), "{}", error.advice());
    ada.resolve_done(&key, sight(world, &key), &4711_usize).wait().unwrap();
    assert_eq!(book(world, 1, Script::WORKS).unwrap(), 4711);
    // A result that nobody typed is not an operator's to change.
    let own = book(world, 2, Script::WORKS).unwrap();
    let key = inspect(|| book(world, 2, Script::WORKS)).unwrap();
    let error = ada.resolve_done(&key, sight(world, &key), &1_usize).wait().unwrap_err();
    assert!(matches!(error, OperatorError::Stale), "{error}");
    assert_eq!(book(world, 2, Script::WORKS).unwrap(), own);
}

/// Red when a result that is given as JSON is written anew (its digits would not survive a float), or is recorded
/// although it is no JSON value.
fn a_result_given_as_json_is_kept_as_it_stands(world: &World) {
    let (key, seen) = doubt(world, 1);
    let ada = world.handle.operator("ada", "copied from the portal");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for wrong in ["", "{'number': 1}", "1 2", "{\"number\": 1", deep.as_str()] {
        let error = ada.resolve_done_json(&key, seen, wrong).wait().unwrap_err();
        assert!(matches!(error, OperatorError::Value(_)), "{wrong}: {error}");
    }
    let given = r#"{"total": 0.10000000000000000555, "number": 123456789012345678901234567890}"#;
    ada.resolve_done_json(&key, seen, given).wait().unwrap();
    let record = world.handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap();
    let Some(Value::Bytes { bytes, codec, .. }) = record.value else { panic!("{record:?}") };
    assert_eq!((&*bytes, &*codec), (given.as_bytes(), "json"));
    ada.resolve_done_json(&key, sight(world, &key), "4711").wait().unwrap();
    assert_eq!(book(world, 1, Script::WORKS).unwrap(), 4711);
}

/// A value that JSON cannot hold, a key that is not there, a record that may not be forgotten.
fn refusals_name_their_reason(world: &World) {
    let (key, seen) = doubt(world, 1);
    let ada = world.handle.operator("ada", "why not");
    let error = ada.resolve_done(&key, seen, &f64::NAN).wait().unwrap_err();
    assert!(matches!(error, OperatorError::Value(_)), "{error}");
    let error = ada.forget(&key, seen).wait().unwrap_err();
    assert!(matches!(error, OperatorError::InDoubt), "{error}");
    let nowhere = Key::from_bytes([9; 32]);
    let error = ada.resolve_not_done(&nowhere, seen).wait().unwrap_err();
    assert!(matches!(error, OperatorError::NotFound), "{error}");
    ada.forget(&nowhere, seen).wait().unwrap();
    assert!(world.handle.show(&nowhere).wait().unwrap().entry.is_none());
    assert_eq!(world.in_doubt().len(), 1, "nothing has changed");
}

#[idempotent(key = id, name = "operated.hangs", skip(world, latch), store = world.handle, wait = "0s")]
fn hangs(world: &World, id: u32, marks: bool, latch: &Latch) -> Result<u32, Error> {
    if marks {
        effect!(world.ledger.act("before"));
        latch.pass();
        return Ok(id);
    }
    latch.pass();
    effect!(world.ledger.act("after"));
    Ok(id)
}

/// Red when a revoked claim can mark or settle (protocol/operator.rs `acted`), or its late word is lost.
fn s58_a_body_that_hangs_is_revoked(world: &World) {
    for (id, marks) in [(1, true), (2, false)] {
        let latch = Latch::default();
        let key = inspect(|| hangs(world, id, marks, &latch)).unwrap();
        let ada = world.handle.operator("ada", "it hangs since noon");
        let error = thread::scope(|scope| {
            let call = scope.spawn(|| hangs(world, id, marks, &latch));
            latch.reached(1);
            let seen = sight(world, &key);
            let busy = ada.resolve_not_done(&key, seen).wait().unwrap_err();
            assert!(matches!(busy, OperatorError::Busy(_)), "{busy}");
            assert!(busy.advice().contains("revoke"));
            ada.revoke(&key, seen).wait().unwrap();
            latch.open();
            refused(call.join().unwrap())
        });
        let Error::LeaseLost(lost) = &error else { panic!("lease lost, not {error}") };
        assert_eq!((lost.effect_begun, lost.unrecorded.as_deref()), (marks, marks.then_some("1")));
        let trail = world.handle.show(&key).wait().unwrap().trail;
        let late = trail.iter().find(|line| &*line.what == "late_evidence");
        assert_eq!(late.is_some(), marks, "{trail:?}");
        let latch = Latch::default();
        latch.open();
        let next = hangs(world, id, marks, &latch);
        assert_eq!(next.map_err(|error| error.code()), if marks { Err("in_doubt") } else { Ok(id) });
    }
    assert_eq!(world.ledger.lines(), ["before", "after"]);
}

/// Red when a list shows the stored state and not what it means, or hides a key that nobody calls.
fn s57_lists_show_what_a_record_means(world: &World) {
    let (in_doubt, _) = doubt(world, 1);
    book(world, 2, Script::WORKS).unwrap();
    book(world, 3, Script::FAILS_BEFORE).unwrap_err();
    let keys = |which| {
        let filter = Filter { which, ..Filter::default() };
        let listed = world.handle.list(&filter).wait().unwrap();
        listed.into_iter().map(|entry| entry.subject).collect::<Vec<_>>()
    };
    assert_eq!(keys(Which::All).len(), 3);
    let doubtful = keys(Which::InDoubt);
    assert_eq!((doubtful.len(), doubtful[0].key), (1, in_doubt));
    assert_eq!((&*doubtful[0].operation, &*doubtful[0].call), ("operated.book", "id=1"));
    let unfinished = keys(Which::Unfinished);
    assert_eq!((unfinished.len(), &*unfinished[0].call), (1, "id=3"));
    assert_eq!(world.handle.sweep(100).wait().unwrap(), 1, "only what is free");
    assert_eq!(keys(Which::All).len(), 2);
}

/// Red when a wait ends while the attempt runs, goes on when it has ended, or runs anything.
fn an_outcome_is_waited_for_without_a_call(world: &World) {
    let latch = Latch::default();
    let key = inspect(|| hangs(world, 1, true, &latch)).unwrap();
    let status = |most| world.handle.ended(&key, most).wait().unwrap().map(|entry| entry.status);
    assert_eq!(status(PATIENCE), None, "nobody has called");
    thread::scope(|scope| {
        let call = scope.spawn(|| hangs(world, 1, true, &latch));
        latch.reached(1);
        let seen = status(Duration::ZERO);
        let before = world.faults.count(Call::Load);
        let waits = scope.spawn(|| status(PATIENCE));
        while world.faults.count(Call::Load) == before {
            thread::yield_now();
        }
        let early = waits.is_finished();
        latch.open();
        assert_eq!((seen, early), (Some(Status::Live), false));
        assert_eq!(call.join().unwrap().unwrap(), 1);
        assert_eq!(waits.join().unwrap(), Some(Status::Ended));
    });
    let (in_doubt, _) = doubt(world, 2);
    let entry = world.handle.ended(&in_doubt, PATIENCE).wait().unwrap().unwrap();
    assert_eq!(entry.status, Status::Doubt);
    assert_eq!(world.ledger.lines(), ["before", "2"]);
}

/// Red when an operator is told `Ok` for what was not written (operator.rs `send`): asked again with what he saw, his word
/// lands at most once, and who only looks is told that he saw nothing.
fn s56_an_operator_whose_answer_is_lost_asks_again(world: &World) {
    for (id, fault) in [(1, Fault::RequestLost), (2, Fault::AnswerLost)] {
        let (key, seen) = doubt(world, id);
        let ada = world.handle.operator("ada", "it is in the portal");
        let is_written = matches!(fault, Fault::AnswerLost);
        world.faults.on(Call::Operator.first(1), fault);
        let error = ada.resolve_done(&key, seen, &1).wait().unwrap_err();
        assert!(matches!(error, OperatorError::Store(_)), "{error}");
        let again = ada.resolve_done(&key, seen, &2).wait();
        if is_written {
            assert!(matches!(again, Err(OperatorError::Stale)), "{again:?}");
        } else {
            again.unwrap();
        }
        world.faults.clear();
        assert_eq!(book(world, id, Script::WORKS).unwrap(), if is_written { 1 } else { 2 });
        world.faults.on(Call::Load.always(), Fault::RequestLost);
        let error = ada.forget(&key, seen).wait().unwrap_err();
        assert!(matches!(error, OperatorError::Store(_)), "not seen is not forgotten: {error}");
        world.faults.clear();
    }
    assert_eq!(world.ledger.lines().len(), 2);
}

on_every_store!(
    an_outcome_is_waited_for_without_a_call,
    s56_an_operator_whose_answer_is_lost_asks_again,
    s27_resolved_as_done_callers_get_the_value,
    s27_resolved_as_not_done_the_next_call_runs,
    s57_lists_show_what_a_record_means,
    s58_a_body_that_hangs_is_revoked,
    s61_a_word_about_an_older_attempt_is_stale,
    s83_a_resolved_value_of_the_wrong_shape_can_be_corrected,
    a_result_given_as_json_is_kept_as_it_stands,
    refusals_name_their_reason,
);
