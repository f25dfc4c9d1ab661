//! I4: after an attempt that may have acted, the body runs again only because `rerun` or `release` was chosen,
//! the check said `None` after the quiet time, or an operator said so. And where nothing can have happened, it
//! simply runs.

use idempotent::testing::{Call, Fault};
use idempotent::{Error, How, OnErr, effect, idempotent, inspect, observe};
use idempotent_tests::{World, on_every_store};
use serde::{Deserialize, Serialize};

use crate::script::{Script, fresh, panics};
use crate::{Trouble, how, refused};

#[idempotent(key = id, name = "again.marked", skip(world, script), store = world.handle)]
fn marked(world: &World, id: u32, payload: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act(&format!("acts on {payload}")));
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = id, name = "again.unmarked", skip(world, script), store = world.handle)]
fn unmarked(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    world.ledger.act("acts");
    script.after()?;
    Ok(fresh())
}

fn acts(world: &World) -> usize {
    world.ledger.lines().len()
}

/// Red when an end before the mark is settled in doubt (operation/claim.rs `interrupted`, `fail`).
fn s20_s22_an_error_or_panic_before_the_marker_leaves_the_key_free(world: &World) {
    let seen = observe(|| marked(world, 1, 0, Script::FAILS_BEFORE));
    assert_eq!(
        (how(&seen), seen.result.unwrap_err().to_string()),
        (How::Executed, "the portal is closed".into())
    );
    panics(|| marked(world, 1, 0, Script::PANICS_BEFORE));
    assert!(world.in_doubt().is_empty());
    let seen = observe(|| marked(world, 1, 0, Script::WORKS));
    assert_eq!((how(&seen), seen.outcome.unwrap().attempt), (How::Executed, 3));
    assert_eq!(acts(world), 1);
}

/// Red when the error of the settle replaces the body's.
fn s20_the_original_error_reaches_the_caller_though_the_store_fails(world: &World) {
    world.faults.on(Call::Settle.always(), Fault::RequestLost);
    for script in [Script::FAILS_BEFORE, Script::FAILS_AFTER] {
        let error = marked(world, 1, 0, script).unwrap_err();
        assert_eq!(error.code(), "own", "{error}");
        world.faults.clear();
        world.drain();
        world.faults.on(Call::Settle.always(), Fault::RequestLost);
    }
    world.faults.clear();
    assert_eq!(refused(marked(world, 1, 0, Script::WORKS)).code(), "in_doubt");
    assert_eq!(acts(world), 1);
}

/// Red when a function without a marker is taken to have begun nothing (keeper/open.rs `begin`).
fn s20_an_error_without_a_marker_is_doubt_and_the_message_names_the_mends(world: &World) {
    let own = observe(|| unmarked(world, 1, Script::FAILS_BEFORE));
    assert_eq!((how(&own), own.result.unwrap_err().code()), (How::InDoubt, "own"));
    let seen = observe(|| unmarked(world, 1, Script::WORKS));
    assert_eq!(how(&seen), How::InDoubt);
    let error = refused(seen.result);
    let Error::InDoubt(doubt) = &error else { panic!("in doubt, not {error}") };
    assert_eq!((doubt.last_error.as_deref(), doubt.has_marker), (Some("the portal is closed"), false));
    assert!(error.to_string().contains("the portal is closed"), "{error}");
    for mend in ["effect!(..)", "check(find, after = ", "on_err = release", "rerun", "resolve"] {
        assert!(error.advice().contains(mend), "`{mend}` is not in: {}", error.advice());
    }
    assert!(!error.is_retryable());
    assert_eq!((acts(world), world.in_doubt().len()), (0, 1));
}

/// Red when a panic after the effect is settled free (operation/claim.rs `interrupted`).
fn s22_a_panic_after_the_effect_is_doubt(world: &World) {
    panics(|| marked(world, 1, 0, Script::PANICS_AFTER));
    panics(|| unmarked(world, 1, Script::PANICS_AFTER));
    world.drain();
    assert_eq!(refused(marked(world, 1, 0, Script::WORKS)).code(), "in_doubt");
    assert_eq!(refused(unmarked(world, 1, Script::WORKS)).code(), "in_doubt");
    assert_eq!((acts(world), world.in_doubt().len()), (2, 2));
}

/// Red when an `Err` after the mark is taken for "nothing happened" (operation/claim.rs `fail`).
fn s68_an_error_after_the_act_is_not_run_again_without_a_proof(world: &World) {
    assert_eq!(marked(world, 1, 0, Script::FAILS_AFTER).unwrap_err().code(), "own");
    for _ in 0..3 {
        let error = refused(marked(world, 1, 0, Script::WORKS));
        assert!(matches!(&error, Error::InDoubt(doubt) if doubt.has_marker && doubt.attempt == 1), "{error}");
        assert!(!error.advice().contains("effect!"), "it has one: {}", error.advice());
    }
    assert_eq!((acts(world), world.in_doubt().len()), (1, 1));
}

/// Red when the payload of an attempt that died before its mark stays with the key (protocol/claim.rs, the
/// order of lapsed-clean and `KeyReused`).
fn s59_a_wrong_payload_that_dies_before_its_marker_does_not_block_the_right_one(world: &World) {
    panics(|| marked(world, 1, 666, Script::PANICS_BEFORE));
    assert_eq!(marked(world, 1, 667, Script::FAILS_BEFORE).unwrap_err().code(), "own");
    assert!(marked(world, 1, 42, Script::WORKS).is_ok());
    assert_eq!(refused(marked(world, 1, 666, Script::WORKS)).code(), "key_reused");
    assert_eq!(world.ledger.lines(), ["acts on 42"]);
}

/// An error that can be recorded.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Final {
    Closed { day: String },
    Library(String),
}

impl From<Error> for Final {
    fn from(error: Error) -> Final {
        Final::Library(error.code().to_owned())
    }
}

#[idempotent(key = id, name = "again.final", skip(world, fails), store = world.handle, on_err = store)]
fn stores_errors(world: &World, id: u32, fails: bool) -> Result<usize, Final> {
    effect!(world.ledger.act("acts"));
    if fails { Err(Final::Closed { day: "été".to_owned() }) } else { Ok(fresh()) }
}

/// Red when the error is not recorded under `on_err = store`, or not decoded.
fn s21_a_stored_error_is_replayed_equal(world: &World) {
    let first = observe(|| stores_errors(world, 1, true));
    let again = observe(|| stores_errors(world, 1, false));
    assert_eq!((how(&first), how(&again)), (How::Executed, How::Replayed));
    assert_eq!(first.result, Err(Final::Closed { day: "été".to_owned() }));
    assert_eq!(again.result, first.result);
    assert_eq!((acts(world), world.in_doubt().len()), (1, 0));
}

#[idempotent(key = id, name = "again.release", skip(world, script), store = world.handle, on_err = release)]
fn releases(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

fn judge(error: &Trouble) -> OnErr {
    match error {
        Trouble::Own(text) if text.contains("cut") => OnErr::Doubt,
        Trouble::Own(text) if text.contains("final") => OnErr::Store,
        Trouble::Own(_) | Trouble::Library(_) => OnErr::Release,
    }
}

#[idempotent(key = id, name = "again.judged", skip(world, error), store = world.handle, on_err = judge)]
fn judged(world: &World, id: u32, error: Option<&str>) -> Result<usize, Trouble> {
    effect!(world.ledger.act("acts"));
    match error {
        Some(text) => Err(Trouble::own(text)),
        None => Ok(fresh()),
    }
}

/// Red when `on_err` is not asked, or is asked about panics, too.
fn on_err_decides_about_errors_and_never_about_panics(world: &World) {
    assert_eq!(releases(world, 1, Script::FAILS_AFTER).unwrap_err().code(), "own");
    panics(|| releases(world, 1, Script::PANICS_AFTER));
    world.drain();
    assert_eq!(refused(releases(world, 1, Script::WORKS)).code(), "in_doubt");
    assert_eq!(acts(world), 2, "released once, in doubt after the panic");

    assert_eq!(judged(world, 1, Some("closed")).unwrap_err().code(), "own");
    assert!(judged(world, 1, None).is_ok());
    assert_eq!(judged(world, 2, Some("cut")).unwrap_err().code(), "own");
    assert_eq!(refused(judged(world, 2, None)).code(), "in_doubt");
    // A final error that cannot be encoded is recorded without its value: never run, never another error.
    assert_eq!(judged(world, 3, Some("final")).unwrap_err().code(), "own");
    assert_eq!(refused(judged(world, 3, None)).code(), "stored_value");
    assert_eq!(acts(world), 6);
}

#[idempotent(key = id, name = "again.rerun_final", skip(world, script), store = world.handle, rerun, on_err = store)]
fn reruns_and_stores(world: &World, id: u32, script: Script) -> Result<usize, Final> {
    effect!(world.ledger.act("acts"));
    match script.after() {
        Ok(()) => Ok(fresh()),
        Err(_) => Err(Final::Closed { day: "monday".to_owned() }),
    }
}

/// Red when "failed" is recorded over an earlier attempt that may have acted (protocol/holder.rs
/// `settle_failed`), or told although the store kept doubt (operation/claim.rs `fail`).
fn s73_nobody_is_told_failed_while_an_earlier_attempt_may_have_acted(world: &World) {
    panics(|| reruns_and_stores(world, 1, Script::PANICS_AFTER));
    world.drain();
    let told = observe(|| reruns_and_stores(world, 1, Script::FAILS_AFTER));
    assert_eq!((how(&told), told.result), (How::InDoubt, Err(Final::Library("in_doubt".to_owned()))));
    assert_eq!(world.in_doubt().len(), 1);
    let done = reruns_and_stores(world, 1, Script::WORKS);
    assert!(done.is_ok(), "{done:?}");
    assert_eq!(reruns_and_stores(world, 1, Script::FAILS_AFTER), done);
    assert_eq!(acts(world), 3);
}

#[idempotent(key = id, name = "again.rerun", skip(world, script), store = world.handle, rerun)]
fn reruns(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

/// Red when a rerun that ends before its own mark frees the key (protocol/holder.rs `settle_free`, `prior`).
fn s60_a_rerun_that_dies_before_its_own_marker_leaves_doubt(world: &World) {
    panics(|| reruns(world, 1, Script::PANICS_AFTER));
    world.drain();
    for script in [Script::PANICS_BEFORE, Script::PANICS_BEFORE] {
        panics(|| reruns(world, 1, script));
        world.drain();
        assert_eq!(world.in_doubt().len(), 1);
    }
    assert_eq!(reruns(world, 1, Script::FAILS_BEFORE).unwrap_err().code(), "own");
    let key = inspect(|| reruns(world, 1, Script::WORKS)).unwrap();
    assert_eq!(world.in_doubt().len(), 1);
    assert_eq!(world.in_doubt()[0].subject.key, key);
    assert!(reruns(world, 1, Script::WORKS).is_ok());
    assert_eq!((acts(world), world.in_doubt().len()), (2, 0));
}

on_every_store!(
    s20_s22_an_error_or_panic_before_the_marker_leaves_the_key_free,
    s20_the_original_error_reaches_the_caller_though_the_store_fails,
    s20_an_error_without_a_marker_is_doubt_and_the_message_names_the_mends,
    s21_a_stored_error_is_replayed_equal,
    s22_a_panic_after_the_effect_is_doubt,
    s59_a_wrong_payload_that_dies_before_its_marker_does_not_block_the_right_one,
    s60_a_rerun_that_dies_before_its_own_marker_leaves_doubt,
    s68_an_error_after_the_act_is_not_run_again_without_a_proof,
    s73_nobody_is_told_failed_while_an_earlier_attempt_may_have_acted,
    on_err_decides_about_errors_and_never_about_panics,
);
