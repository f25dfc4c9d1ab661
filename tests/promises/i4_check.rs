//! I4 with a check: "it happened" is recorded, "it did not" is believed after the quiet time, "cannot tell"
//! leaves doubt. And what a deploy between two attempts may and may not change.

use std::sync::Arc;
use std::time::Duration;

use idempotent::testing::{Call as StoreCall, FakeClock, Fault};
use idempotent::{Call, Claim, Error, How, Operation, effect, idempotent, observe, observe_async};
use idempotent_tests::{Terms, World, on_every_store};

use crate::case::{Case, Found};
use crate::script::{Script, fresh, panics};
use crate::{Trouble, how, on_tokio, refused};

fn find(case: &Case<'_>, _id: u32) -> Found {
    case.find()
}

async fn find_async(case: &Case<'_>, _id: u32) -> Found {
    tokio::task::yield_now().await;
    case.find()
}

#[idempotent(key = id, name = "checked.now", skip(case), store = case.world.handle, check(find, after = "0s"))]
fn checked(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    let script = *case.script.lock().unwrap();
    script.before()?;
    effect!(case.world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = id, name = "checked.async", skip(case), store = case.world.handle, check(find_async, after = "0s"))]
async fn checked_async(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    let script = *case.script.lock().unwrap();
    script.before()?;
    effect!(case.world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = id, name = "checked.quiet", skip(case), store = case.world.handle, check(find, after = "60ms"))]
fn quiet(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    case.body(|| Ok(()))
}

#[idempotent(key = id, name = "checked.patience", skip(case), store = case.world.handle, wait = "0s", check(find, after = "2s"))]
fn impatient(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    let script = *case.script.lock().unwrap();
    effect!(case.world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

/// Red when the value of the check is not recorded (operation/check.rs `answered`), or the body runs all the same.
fn s25_what_the_check_found_is_recorded_and_returned(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| checked(case, 1));
    assert_eq!(case.asked(), 0, "no check before the first attempt");
    case.answer(|_| Ok(Some(4711)));
    let found = observe(|| checked(&case, 1));
    assert_eq!((how(&found), found.result.unwrap()), (How::Recovered, 4711));
    let again = observe(|| checked(&case, 1));
    assert_eq!((how(&again), again.result.unwrap()), (How::Replayed, 4711));
    assert_eq!((case.asked(), case.acts(), world.in_doubt().len()), (1, 1, 0));
}

/// The asynchronous form: found, not found, cannot tell.
fn s25_an_asynchronous_check_is_awaited(world: &World) {
    let case = Case::new(world);
    for id in 1..=3 {
        case.script(Script::FAILS_AFTER);
        on_tokio(checked_async(&case, id)).unwrap_err();
    }
    case.script(Script::WORKS);
    case.answer(|_| Ok(Some(4711))).answer(|_| Ok(None)).answer(|_| Err("no network".to_owned()));
    on_tokio(async {
        let found = observe_async(checked_async(&case, 1)).await;
        assert_eq!((how(&found), found.result.unwrap()), (How::Recovered, 4711));
        let not_found = observe_async(checked_async(&case, 2)).await;
        assert_eq!((how(&not_found), not_found.outcome.unwrap().attempt), (How::Executed, 2));
        assert_eq!(refused(checked_async(&case, 3).await).code(), "in_doubt");
    });
    assert_eq!((case.asked(), case.acts(), world.in_doubt().len()), (3, 4, 1));
}

/// Red when `None` does not lead to the body, or `proceed` is not sent before it.
fn s25_none_after_the_quiet_time_runs_the_body(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| checked(case, 1));
    case.answer(|_| Ok(None));
    let seen = observe(|| checked(&case, 1));
    assert_eq!((how(&seen), seen.outcome.unwrap().attempt), (How::Executed, 2));
    assert_eq!((case.asked(), case.acts()), (1, 2));
}

/// Red when a `None` that was asked for too early is believed (operation/check.rs `answered`, protocol/holder.rs
/// `proceed`): what the first attempt had sent shows up a moment later.
fn s25_none_too_early_is_asked_again_and_not_believed(world: &World) {
    let clock = FakeClock::new();
    let world = &world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
    let case = Case::new(world);
    case.interrupted(|case| quiet(case, 1));
    case.answer(|_| Ok(None)).answer(|_| Ok(None)).answer(|_| Ok(Some(7)));
    let seen = observe(|| quiet(&case, 1));
    assert_eq!((how(&seen), seen.result.unwrap()), (How::Recovered, 7));
    assert_eq!((case.asked(), case.acts()), (3, 1));

    // The same, and it never shows up: once the store's clock says so, the body runs.
    let case = Case::new(world);
    case.script(Script::PANICS_AFTER);
    panics(|| quiet(&case, 2));
    case.script(Script::WORKS).answer(|_| Ok(None)).answer(move |_| {
        clock.advance(Duration::from_millis(60));
        Ok(None)
    });
    case.answer(|_| Ok(None));
    assert_eq!(how(&observe(|| quiet(&case, 2))), How::Executed);
    assert!(case.asked() >= 2);
    assert_eq!(case.acts(), 3);
}

/// Red when an error of the check frees the key, or its text is not kept.
fn s25_a_check_that_cannot_tell_leaves_doubt_and_its_words(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| checked(case, 1));
    for _ in 0..2 {
        case.answer(|_| Err("the portal is down".to_owned()));
        let seen = observe(|| checked(&case, 1));
        assert_eq!(how(&seen), How::InDoubt);
        let error = refused(seen.result);
        assert_eq!(error.code(), "in_doubt");
        assert!(error.to_string().contains("the portal is down"), "{error}");
    }
    let listed = &world.in_doubt()[0];
    let kept = listed.record.as_ref().unwrap().last_error.clone().unwrap();
    assert!(kept.contains("the portal is down"), "{kept}");
    assert_eq!((case.asked(), case.acts()), (2, 1));
}

/// Red when a checker that dies wipes the doubt (protocol/claim.rs `take_over`, `prior`).
fn s60_a_check_that_dies_leaves_doubt(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| checked(case, 1));
    case.answer(|_| panic!("the check panics"));
    panics(|| checked(&case, 1));
    world.drain();
    assert_eq!(world.in_doubt().len(), 1);
    // A proof that it did not happen stands, also when the body then dies before its own mark.
    case.answer(|_| Ok(None)).script(Script::PANICS_BEFORE);
    panics(|| checked(&case, 1));
    world.drain();
    assert_eq!(world.in_doubt().len(), 0);
    assert!(checked(case.script(Script::WORKS), 1).is_ok());
    assert_eq!((case.asked(), case.acts()), (2, 2));
}

/// Red when each call starts the quiet time anew (protocol/holder.rs `doubtful`), or doubt is refused for good.
fn s84_calls_without_patience_come_to_an_end(world: &World) {
    let clock = FakeClock::new();
    let world = &world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
    let case = Case::new(world);
    case.interrupted(|case| impatient(case, 1));
    for _ in 0..2 {
        case.answer(|_| Ok(None));
        let error = refused(impatient(&case, 1));
        let Error::InDoubt(doubt) = &error else { panic!("in doubt, not {error}") };
        assert!(doubt.retry_in.is_some_and(|left| left <= Duration::from_secs(2)), "{doubt:?}");
        assert!(error.advice().contains("ask again in"), "{}", error.advice());
        assert!(error.is_retryable(), "only quiet time is missing");
        clock.advance(Duration::from_secs(1));
    }
    case.answer(|_| Ok(None));
    assert!(impatient(&case, 1).is_ok());
    assert_eq!((case.asked(), case.acts()), (3, 2));
}

/// Red when a call that ends in the quiet time forgets why the key is in doubt.
fn an_early_none_keeps_the_words_of_the_attempt_in_doubt(world: &World) {
    let case = Case::new(world);
    case.script(Script::FAILS_AFTER);
    assert_eq!(impatient(&case, 1).unwrap_err().code(), "own");
    case.answer(|_| Ok(None));
    let error = refused(impatient(&case, 1));
    assert!(error.to_string().contains("the connection was cut"), "{error}");
}

/// Red when a store that fails at `proceed` is told as doubt, or lets the body run.
fn a_proceed_that_fails_is_told_as_a_failing_store(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| checked(case, 1));
    world.faults.on(StoreCall::Proceed.always(), Fault::RequestLost);
    case.answer(|_| Ok(None));
    let seen = observe(|| checked(&case, 1));
    assert_eq!((how(&seen), refused(seen.result).code(), case.acts()), (How::Refused, "store", 1));
}

#[idempotent(key = id, name = "checked.slow_store", skip(case), store = case.world.handle, wait = "300ms", check(find, after = "0s"))]
fn unmarked(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    case.body(|| Ok(()))
}

/// Red when a function without a marker runs on an answer that came later than its lease lasts, or asks for ever
/// (operation/check.rs `proceed`).
fn a_proceed_that_is_always_answered_too_late_comes_to_an_end(world: &World) {
    let world = &world.on(&Terms { lease: Duration::from_millis(100), ..Terms::default() });
    let case = Case::new(world);
    case.interrupted(|case| unmarked(case, 1));
    world.faults.on(StoreCall::Proceed.always(), Fault::Delay(Duration::from_millis(150)));
    case.answer(|_| Ok(None));
    let told = unmarked(&case, 1);
    if world.handle.store().lease().is_deadline {
        assert_eq!((refused(told).code(), case.acts()), ("store", 1));
    } else {
        assert_eq!((told.is_ok(), case.acts()), (true, 2), "there no time decides");
    }
}

/// Versions of one operation, as they are deployed one after the other.
macro_rules! versions {
    ($($name:ident = $options:expr;)*) => {
        $(static $name: Operation = $options;)*
    };
}

const fn new() -> Operation {
    Operation::new("deployed.book").declared_at("deployed", 1, 1).wait_micros(0)
}

versions! {
    PLAIN = new();
    MARKS = new().marker();
    RERUN = new().marker().rerun();
    CHECK = new().marker().check_after_micros(0);
    CHECK_LATE = new().marker().check_after_micros(3_600_000_000);
}

fn call(case: &Case<'_>, version: &'static Operation) -> Call<Result<usize, Trouble>> {
    version.call().key("id", &1).store(&case.world.handle).returns()
}

fn body(
    case: &Case<'_>,
    version: &'static Operation,
    claim: &Claim<Result<usize, Trouble>>,
) -> Result<usize, Trouble> {
    case.body(|| if std::ptr::eq(version, &PLAIN) { Ok(()) } else { Ok(claim.mark_blocking()?) })
}

fn run(case: &Case<'_>, version: &'static Operation) -> Result<usize, Trouble> {
    call(case, version).run_blocking(|claim| body(case, version, claim))
}

fn ask(case: &Case<'_>, version: &'static Operation) -> Result<usize, Trouble> {
    call(case, version).run_or_check_blocking(|| case.find(), |claim| body(case, version, claim))
}

/// Red when "the effect may have begun" is read from the code that calls and not from the code that acted
/// (protocol/claim.rs `begin`).
fn s54_a_marker_that_is_deployed_later_proves_nothing_about_older_attempts(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| run(case, &PLAIN));
    assert_eq!(refused(run(&case, &MARKS)).code(), "in_doubt");
    assert_eq!(case.acts(), 1);
}

/// The other way round: red when a marker's proof is lost because the next code has none.
fn s54_a_marker_that_is_gone_later_still_proves_what_did_not_begin(world: &World) {
    let case = Case::new(world);
    panics(|| run(case.script(Script::PANICS_BEFORE), &MARKS));
    world.drain();
    assert!(run(case.script(Script::WORKS), &PLAIN).is_ok());
    assert_eq!(case.acts(), 1);
}

/// Red when `rerun` is taken from the code that calls alone (protocol/claim.rs, `rerun` of the record).
fn s75_a_deploy_that_adds_rerun_does_not_rerun_older_doubt(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| run(case, &MARKS));
    assert_eq!(refused(run(&case, &RERUN)).code(), "in_doubt");
    assert_eq!(case.acts(), 1);
    // A check that is deployed is asked at once; its "did not happen" begins a new attempt, under `rerun` again.
    case.answer(|_| Ok(None)).script(Script::FAILS_AFTER);
    assert_eq!(ask(&case, &CHECK).unwrap_err().code(), "own");
    assert_eq!(refused(run(case.script(Script::WORKS), &RERUN)).code(), "in_doubt", "not begun under rerun");
    assert_eq!((case.asked(), case.acts()), (1, 2));
}

/// Red when the shorter quiet time counts (protocol/claim.rs `quiet_left`, protocol/holder.rs `proceed`).
fn s75_a_deploy_that_shortens_after_waits_for_the_longer_one(world: &World) {
    let clock = FakeClock::new();
    let world = &world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
    let case = Case::new(world);
    case.interrupted(|case| ask(case, &CHECK_LATE));
    case.answer(|_| Ok(None));
    let error = refused(ask(&case, &CHECK));
    let Error::InDoubt(doubt) = &error else { panic!("in doubt, not {error}") };
    assert!(doubt.retry_in.is_some_and(|left| left > Duration::from_secs(1800)), "{doubt:?}");
    clock.advance(Duration::from_secs(3600));
    case.answer(|_| Ok(None));
    assert!(ask(&case, &CHECK).is_ok());
    assert_eq!((case.asked(), case.acts()), (2, 2));
}

/// Red when a call without a check is answered with one, or loses the claim of it.
fn a_deploy_that_takes_the_check_away_leaves_doubt(world: &World) {
    let case = Case::new(world);
    case.interrupted(|case| ask(case, &CHECK));
    assert_eq!(refused(run(&case, &MARKS)).code(), "in_doubt");
    assert_eq!((case.asked(), case.acts()), (0, 1));
}

on_every_store!(
    s25_what_the_check_found_is_recorded_and_returned,
    s25_an_asynchronous_check_is_awaited,
    s25_none_after_the_quiet_time_runs_the_body,
    s25_none_too_early_is_asked_again_and_not_believed,
    s25_a_check_that_cannot_tell_leaves_doubt_and_its_words,
    s54_a_marker_that_is_deployed_later_proves_nothing_about_older_attempts,
    s54_a_marker_that_is_gone_later_still_proves_what_did_not_begin,
    s60_a_check_that_dies_leaves_doubt,
    s75_a_deploy_that_adds_rerun_does_not_rerun_older_doubt,
    s75_a_deploy_that_shortens_after_waits_for_the_longer_one,
    s84_calls_without_patience_come_to_an_end,
    a_deploy_that_takes_the_check_away_leaves_doubt,
    a_proceed_that_fails_is_told_as_a_failing_store,
    a_proceed_that_is_always_answered_too_late_comes_to_an_end,
    an_early_none_keeps_the_words_of_the_attempt_in_doubt,
);
