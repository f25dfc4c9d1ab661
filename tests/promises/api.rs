//! The public interface under the attribute, and what a body and its caller can ask.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use idempotent::operation::Next;
use idempotent::testing::{Call, Fault, FaultyStore};
use idempotent::{
    Attempt, Error, Handle, How, MemoryStore, Operation, attempt, effect, idempotent, inspect, inspect_async,
    observe, observe_async,
};
use idempotent_tests::{World, on_every_store};
use uuid::Uuid;

use crate::script::{Script, fresh, panics};
use crate::{Trouble, how, on_tokio, refused, sight};

type R = Result<usize, Error>;

static SWALLOWS: Operation = Operation::new("api.swallows").marker();

fn swallows(world: &World, id: u32, marks: usize) -> R {
    let call = SWALLOWS.call().key("id", &id).store(&world.handle).returns::<R>();
    call.run_blocking(|claim| {
        for _ in 0..marks {
            if claim.mark_blocking().is_ok() {
                world.ledger.act(&id.to_string());
            }
        }
        Ok(fresh())
    })
}

/// Red when the latch is gone (keeper/open.rs `latched`): a body that swallows a failed mark and returns `Ok` is
/// then recorded as done, though nothing was done.
fn s74_a_failed_mark_that_is_swallowed_still_ends_the_call(world: &World) {
    world.faults.on(Call::Mark.first(4), Fault::RequestLost);
    let error = refused(swallows(world, 1, 2));
    assert_eq!((error.code(), world.faults.count(Call::Mark)), ("store", 4), "the second mark is not sent");
    assert!(world.in_doubt().is_empty());
    let seen = observe(|| swallows(world, 1, 1));
    assert_eq!(how(&seen), How::Executed, "nothing was recorded as done");
    // The first effect was evaluated, the second was not: nobody knows what the body means without it.
    world.faults.clear();
    world.faults.on(Call::Mark.nth(2), Fault::RequestLost);
    world.faults.on(Call::Mark.from(3), Fault::RequestLost);
    assert_eq!(refused(swallows(world, 2, 2)).code(), "store");
    world.faults.clear();
    assert_eq!(refused(swallows(world, 2, 1)).code(), "in_doubt");
    assert_eq!(world.ledger.lines(), ["1", "2"]);
}

/// The same where the mark is refused, because an operator has revoked the claim.
fn s74_a_refused_mark_that_is_swallowed_still_ends_the_call(world: &World) {
    static REVOKED: Operation = Operation::new("api.revoked").marker();
    let call = || REVOKED.call().key("id", &1).store(&world.handle).returns::<R>();
    let error = refused(call().run_blocking(|claim| {
        let key = claim.attempt().key();
        world.handle.operator("ada", "hangs").revoke(&key, sight(world, &key)).wait().unwrap();
        assert!(claim.mark_blocking().is_err());
        Ok(1)
    }));
    assert!(matches!(&error, Error::LeaseLost(lost) if !lost.effect_begun), "{error}");
    assert_eq!(call().run_blocking(|claim| claim.mark_blocking().map(|()| 2)).unwrap(), 2);
}

#[idempotent(key = id, name = "api.catches", skip(world), store = world.handle)]
fn catches(world: &World, id: u32) -> R {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let act = || effect!(world.ledger.act("acts"));
        act();
    }));
    assert!(caught.is_err() == (world.faults.count(Call::Mark) == 4));
    Ok(fresh())
}

/// The same by the attribute: a body that catches the unwinding of its own closure.
fn s74_a_marker_in_a_closure_that_is_caught_still_ends_the_call(world: &World) {
    world.faults.on(Call::Mark.first(4), Fault::RequestLost);
    assert_eq!(refused(catches(world, 1)).code(), "store");
    assert!(world.ledger.lines().is_empty());
    assert!(catches(world, 1).is_ok());
    assert_eq!(world.ledger.lines(), ["acts"]);
}

#[idempotent(key = id, name = "api.within", skip(world, acting), store = world.handle)]
async fn within(world: &World, id: u32, acting: impl Future<Output = ()>) -> R {
    acting.await;
    Ok(fresh())
}

#[idempotent(key = id, name = "api.hands_on", skip(world), store = world.handle)]
async fn hands_on(world: &World, id: u32) -> R {
    let acting = async {
        effect!(world.ledger.act("acts"));
    };
    let inner = within(world, id, acting).await;
    world.ledger.act("goes on");
    inner
}

/// Red when the claim of another body takes the unwinding of a refused mark for its own: the body that may not go
/// on then goes on.
fn a_refused_mark_ends_its_own_body_through_the_bodies_inside_it(world: &World) {
    world.faults.on(Call::Mark.first(4), Fault::RequestLost);
    let seen = on_tokio(observe_async(hands_on(world, 1)));
    assert_eq!((how(&seen), refused(seen.result).code()), (How::Refused, "store"));
    assert!(world.ledger.lines().is_empty(), "{:?}", world.ledger.lines());
}

static BY_HAND: Operation = Operation::new("api.by_hand").marker().wait_micros(0);

/// Red when a claim that is dropped is not given back, or when a body that never ran counts as begun.
fn a_claim_taken_by_hand_is_given_back_when_it_is_dropped(world: &World) {
    static UNMARKED: Operation = Operation::new("api.by_hand.unmarked").wait_micros(0);
    for operation in [&BY_HAND, &UNMARKED] {
        let call = || operation.call().key("id", &1).store(&world.handle).returns::<R>();
        let Next::Run(claim) = call().claim_blocking() else { panic!("nobody holds it") };
        assert_eq!(claim.attempt().number(), 1);
        let Next::Answer(held) = call().claim_blocking() else { panic!("it is held") };
        assert_eq!(refused(held).code(), "in_progress");
        drop(claim);
        world.drain();
        let Next::Run(claim) = call().claim_blocking() else { panic!("it was given back") };
        assert_eq!(claim.attempt().number(), 2);
        let ran = claim.run_blocking(|| Ok(7));
        assert_eq!(claim.settle_blocking(ran).unwrap(), 7);
        let Next::Answer(done) = on_tokio(call().claim()) else { panic!("it is done") };
        assert_eq!(done.unwrap(), 7);
    }
}

/// Red when the builder's check is asked before a first attempt, or not at all in doubt.
fn the_builder_asks_its_check_in_doubt(world: &World) {
    static CHECKED: Operation = Operation::new("api.checked").marker().check_after_micros(0);
    let call = || CHECKED.call().key("id", &1).store(&world.handle).returns::<R>();
    let asked = std::cell::Cell::new(0);
    let run = |found: Result<Option<usize>, &'static str>, end: R| {
        call().run_or_check_blocking(
            || {
                asked.set(asked.get() + 1);
                found
            },
            |claim| {
                claim.mark_blocking()?;
                end.clone()
            },
        )
    };
    let failure = refused(call().run_blocking(|_| Err(swallowed_error())));
    assert_eq!((failure.code(), asked.get()), ("not_installed", 0), "the body's own error, before its mark");
    assert!(run(Ok(None), Err(swallowed_error())).is_err());
    assert_eq!(refused(run(Err("who knows"), Ok(1))).code(), "in_doubt");
    assert_eq!(run(Ok(None), Ok(2)).unwrap(), 2);
    assert_eq!(run(Ok(Some(9)), Ok(3)).unwrap(), 2, "done is done");
    assert_eq!(asked.get(), 2);
    let asynchronous = on_tokio(call().run_or_check(async || Ok::<_, String>(None), async |_| Ok(4)));
    assert_eq!(asynchronous.unwrap(), 2);
    assert_eq!(on_tokio(call().run(async |_| Ok(5))).unwrap(), 2);
}

fn swallowed_error() -> Error {
    static NOWHERE: Operation = Operation::new("api.nowhere");
    refused(NOWHERE.call().key("id", &1).returns::<R>().run_blocking(|_| Ok(1)))
}

#[idempotent(key = id, name = "api.requests", skip(world, script, ids), store = world.handle, on_err = release)]
fn requests(world: &World, id: u32, script: Script, ids: &mut Vec<[Uuid; 3]>) -> Result<u32, Trouble> {
    let attempt = attempt();
    let number = u32::try_from(ids.len()).unwrap() + 1;
    assert_eq!(attempt.number(), number);
    ids.push([attempt.request_id(), attempt.request_id_for("mail"), attempt.request_id_for("bill")]);
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(number)
}

/// Red when a request id is made of anything but key and label (key/mod.rs).
fn s67_request_ids_are_the_same_on_every_attempt_and_differ_by_label(world: &World) {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    requests(world, 1, Script::FAILS_AFTER, &mut one).unwrap_err();
    assert_eq!(requests(world, 1, Script::WORKS, &mut one).unwrap(), 2);
    requests(world, 2, Script::WORKS, &mut two).unwrap();
    assert_eq!(one[0], one[1]);
    let mut all = [one[0], two[0]].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    let key = inspect(|| requests(world, 1, Script::WORKS, &mut one)).unwrap();
    assert_eq!(key.request_id(), one[0][0]);
}

#[idempotent(key = id, name = "api.inner", skip(world), store = world.handle)]
async fn inner(world: &World, id: u32) -> Result<String, Error> {
    tokio::task::yield_now().await;
    Ok(attempt().key().to_string())
}

#[idempotent(key = id, name = "api.outer", skip(world), store = world.handle)]
async fn outer(world: &World, id: u32) -> Result<(String, String), Error> {
    let before = attempt();
    let seen = observe_async(inner(world, id)).await;
    assert_eq!(how(&seen), How::Executed);
    tokio::task::yield_now().await;
    assert_eq!((before.key(), before.fence()), (attempt().key(), attempt().fence()));
    Ok((before.key().to_string(), seen.result?))
}

/// Red when the attempt is not set around each poll, or not taken back (attempt.rs `enter`).
fn the_attempt_is_that_of_the_innermost_body_and_of_none_outside(world: &World) {
    assert!(Attempt::current().is_none());
    panics(attempt);
    on_tokio(async {
        let (one, two) = tokio::join!(observe_async(outer(world, 1)), observe_async(outer(world, 2)));
        for seen in [one, two] {
            assert_eq!(how(&seen), How::Executed, "of the outer call, not of the one inside its body");
            let outcome = seen.outcome.unwrap();
            let (key, inside) = seen.result.unwrap();
            assert_eq!(key, outcome.key.to_string());
            assert_ne!(key, inside);
        }
    });
    assert!(Attempt::current().is_none());
    assert_eq!(on_tokio(observe_async(async { Attempt::current().is_none() })).outcome, None);
}

/// Red when `inspect` asks the store or runs the body.
fn inspect_gives_the_key_and_does_nothing_else(world: &World) {
    let key = on_tokio(inspect_async(inner(world, 1))).unwrap();
    assert_eq!(world.faults.total(), 0);
    let seen = on_tokio(observe_async(inner(world, 1)));
    assert_eq!(seen.outcome.unwrap().key, key);
    assert_ne!(on_tokio(inspect_async(inner(world, 2))).unwrap(), key);
    let error = inspect(|| 5).unwrap_err();
    assert_eq!(error.code(), "key");
    assert!(error.advice().contains("inspect"), "{}", error.advice());
    let shown: idempotent::Key = key.to_string().parse().unwrap();
    assert_eq!(shown, key);
}

/// Red when errors leave out what machines read.
fn errors_are_data(world: &World) {
    #[idempotent(key = patient, name = "api.errors", skip(world, ends), store = world.handle)]
    fn ends(world: &World, patient: &str, ends: bool) -> Result<u32, Error> {
        effect!(world.ledger.act(patient));
        if ends { Ok(1) } else { Err(swallowed_error()) }
    }
    ends(world, "ada", false).unwrap_err();
    let error = refused(ends(world, "ada", true));
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["code"], "in_doubt");
    assert_eq!(json["operation"], "api.errors");
    assert_eq!(json["key"], error.key().unwrap().to_string());
    assert_eq!(json["call"], "patient=\"ada\"");
    assert_eq!(json["scope"], "");
    assert_eq!(json["retryable"], false);
    assert_eq!(json["message"], error.to_string());
    assert_eq!(json["advice"], error.advice());
    assert_eq!(json.as_object().unwrap().len(), 8);

    let nowhere = serde_json::to_value(swallowed_error()).unwrap();
    assert_eq!((&nowhere["code"], &nowhere["operation"]), (&"not_installed".into(), &"api.nowhere".into()));
    assert!(nowhere["key"].is_null() && nowhere["call"].is_null());
    assert!(nowhere["advice"].as_str().unwrap().contains("IDEMPOTENT_URL"));
}

/// Red when a store is chosen by anything but the expression: two stores, one key.
#[test]
fn two_stores_of_one_process_know_nothing_of_each_other() {
    #[idempotent(key = id, name = "api.two_stores", store = handle, skip(handle, other))]
    fn into(handle: &Handle, other: Option<&Handle>, id: u32) -> R {
        match other {
            // The same key, in another store: not a call of itself.
            Some(other) => into(other, None, id),
            None => Ok(fresh()),
        }
    }
    let [one, two] = [(); 2].map(|()| Handle::new(FaultyStore::new(MemoryStore::new())));
    let value = into(&one, Some(&two), 1).unwrap();
    assert_eq!((into(&one, None, 1).unwrap(), into(&two, None, 1).unwrap()), (value, value));
    assert_ne!(into(&two, None, 2).unwrap(), into(&one, None, 2).unwrap());
}

/// Red when a URL that means nothing opens something.
#[test]
fn s40_a_url_that_cannot_be_opened_says_which_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}/no/such/folder/robot.db", folder.path().display());
    for (url, says) in [
        ("", "names no store"),
        ("robot.db", "names no store"),
        ("mysql://host/db", "`mysql:` names no store"),
        ("memory:robot", "takes no path"),
        ("postgres://host/db", "this version has no store"),
        ("redis://host", "this version has no store"),
        ("sqlite:", "names no file"),
        ("sqlite:robot.db?lease=15s&leas=2s", "leas"),
        ("sqlite:robot.db?lease=soon", "soon"),
        ("sqlite:robot.db?lease=15s&lease=16s", "twice"),
        (missing.as_str(), "no/such/folder"),
    ] {
        let error = idempotent::open(url).map(|_| ()).unwrap_err();
        assert_eq!((error.code(), error.key()), ("store", None), "{url}");
        assert!(error.to_string().contains(says), "`{url}`: {error}");
        assert!(
            !error.advice().is_empty() && error.advice() != error.to_string(),
            "`{url}`: {}",
            error.advice()
        );
    }
    assert!(idempotent::open("memory:").is_ok());
}

on_every_store!(
    a_refused_mark_ends_its_own_body_through_the_bodies_inside_it,
    s67_request_ids_are_the_same_on_every_attempt_and_differ_by_label,
    s74_a_failed_mark_that_is_swallowed_still_ends_the_call,
    s74_a_refused_mark_that_is_swallowed_still_ends_the_call,
    s74_a_marker_in_a_closure_that_is_caught_still_ends_the_call,
    a_claim_taken_by_hand_is_given_back_when_it_is_dropped,
    the_attempt_is_that_of_the_innermost_body_and_of_none_outside,
    the_builder_asks_its_check_in_doubt,
    inspect_gives_the_key_and_does_nothing_else,
    errors_are_data,
);
