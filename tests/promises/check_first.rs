//! `check(.., first)`: the check is asked before a first attempt too, where nothing is in doubt. Each way in which it
//! can end, with and without a marker.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use idempotent::operation::{Asking, Claimed, Next};
use idempotent::protocol::{Fence, State, Status};
use idempotent::testing::{Call as StoreCall, FakeClock, Fault};
use idempotent::{
    Attempt, Call, Error, Handle, How, Operation, attempt, effect, idempotent, inspect, observe,
    observe_async,
};
use idempotent_tests::{Child, Ledger, Terms, World, on_every_store, point, run_as_child};

use crate::case::{Case, Found};
use crate::script::{Script, fresh, panics};
use crate::{Trouble, how, on_tokio, refused, sight, stranger};

fn find(case: &Case<'_>, _id: u32) -> Found {
    case.find()
}

async fn find_async(case: &Case<'_>, _id: u32) -> Found {
    tokio::task::yield_now().await;
    case.find()
}

#[idempotent(
    key = id,
    name = "first.marked",
    skip(case),
    store = case.world.handle,
    wait = "0s",
    check(find, after = "1h", first)
)]
fn marked(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    let script = *case.script.lock().unwrap();
    script.before()?;
    effect!(case.world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

#[idempotent(
    key = id,
    name = "first.unmarked",
    skip(case),
    store = case.world.handle,
    wait = "0s",
    check(find, first, after = "1h")
)]
fn unmarked(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    case.body(|| Ok(()))
}

#[idempotent(
    key = id,
    name = "first.marked_async",
    skip(case),
    store = case.world.handle,
    wait = "0s",
    check(find_async, after = "1h", first)
)]
async fn marked_async(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    let script = *case.script.lock().unwrap();
    script.before()?;
    effect!(case.world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

#[idempotent(
    key = id,
    name = "first.unmarked_async",
    skip(case),
    store = case.world.handle,
    wait = "0s",
    check(find_async, after = "1h", first)
)]
async fn unmarked_async(case: &Case<'_>, id: u32) -> Result<usize, Trouble> {
    case.body(|| Ok(()))
}

/// A function under `check(.., first)`.
type Form = fn(&Case<'_>, u32) -> Result<usize, Trouble>;

const FORMS: [(&str, Form); 4] = [
    ("marked", marked),
    ("unmarked", unmarked),
    ("marked, async", |case, id| on_tokio(marked_async(case, id))),
    ("unmarked, async", |case, id| on_tokio(unmarked_async(case, id))),
];

/// What a first check can come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Happened,
    DidNot,
    CannotTell,
    Panics,
}

/// Red when `first` is not sent (operation/run.rs `claim_from_store`), when a first "did not happen" waits, when it makes
/// a move that its marker makes or does not make it without one, when "cannot tell" or a panic leaves doubt where nothing began (operation/check.rs `answered`,
/// operation/claim.rs `interrupted`), or when the body runs all the same.
fn s26_every_end_of_a_first_check_in_every_form(world: &World) {
    for (form, call) in FORMS {
        for end in [End::Happened, End::DidNot, End::CannotTell, End::Panics] {
            let world = &world.on(&Terms::default());
            let case = &Case::new(world);
            println!("{form}, {end:?}");
            match end {
                End::Happened => {
                    case.answer(|_| Ok(Some(4711)));
                    let found = observe(|| call(case, 1));
                    assert_eq!((how(&found), found.result.unwrap()), (How::Recovered, 4711));
                    let again = observe(|| call(case, 1));
                    assert_eq!((how(&again), again.result.unwrap()), (How::Replayed, 4711));
                    assert_eq!((case.asked(), case.acts()), (1, 0));
                }
                End::DidNot => {
                    case.answer(|_| Ok(None));
                    let ran = observe(|| call(case, 1));
                    assert_eq!((how(&ran), ran.outcome.unwrap().attempt), (How::Executed, 1));
                    let again = observe(|| call(case, 1));
                    assert_eq!((how(&again), again.result.unwrap()), (How::Replayed, ran.result.unwrap()));
                    assert_eq!((case.asked(), case.acts()), (1, 1));
                    let moves = usize::from(form.starts_with("unmarked"));
                    assert_eq!(
                        world.faults.count(StoreCall::Proceed),
                        moves,
                        "a marker makes the move by itself"
                    );
                }
                End::CannotTell => {
                    case.answer(|_| Err("the portal is down".to_owned()));
                    let told = observe(|| call(case, 1));
                    assert_eq!(how(&told), How::Refused);
                    let error = refused(told.result);
                    let Error::Check(check) = &error else { panic!("the check, not {error}") };
                    assert_eq!(
                        (&*check.said, error.code(), error.is_retryable()),
                        ("the portal is down", "check", true)
                    );
                    assert!(
                        error.key().is_some() && error.to_string().contains("the portal is down"),
                        "{error}"
                    );
                    free_again(case, call);
                }
                End::Panics => {
                    case.answer(|_| panic!("the check panics"));
                    panics(|| call(case, 1));
                    free_again(case, call);
                }
            }
            assert!(world.in_doubt().is_empty());
        }
    }
}

/// Nothing was done and nothing is in doubt: the next call asks again, and runs.
fn free_again(case: &Case<'_>, call: Form) {
    case.world.drain();
    assert!(case.world.in_doubt().is_empty());
    case.answer(|_| Ok(None));
    let seen = observe(|| call(case, 1));
    assert_eq!((how(&seen), case.asked(), case.acts()), (How::Executed, 2, 1));
}

/// Red when a future that is dropped while it asks leaves doubt or a running record (operation/claim.rs `Drop`).
fn s26_a_first_check_that_is_dropped_leaves_the_key_free(world: &World) {
    for (number, marked) in [(1, true), (2, false)] {
        let case = &Case::new(world);
        case.answer(|_| Ok(None));
        let mut asks = Box::pin(pending_check(case, number, marked));
        while case.asked() == 0 {
            let polled = asks.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "it ended before it was dropped");
            std::thread::yield_now();
        }
        let acts = case.acts();
        drop(asks);
        world.drain();
        assert!(world.in_doubt().is_empty());
        case.answer(|_| Ok(None));
        assert!(ask(case, number, marked).is_ok(), "the key is free");
        assert_eq!(case.acts(), acts + 1);
    }
}

static MARKED: Operation =
    Operation::new("first.by_hand").declared_at("first", 1, 1).marker().check_after_micros(0).check_first();
static UNMARKED: Operation =
    Operation::new("first.by_hand_unmarked").declared_at("first", 2, 1).check_after_micros(0).check_first();

fn by_hand(handle: &Handle, id: u32, marked: bool) -> Call<Result<usize, Trouble>> {
    let operation = if marked { &MARKED } else { &UNMARKED };
    operation.call().key("id", &id).store(handle).returns()
}

fn ask(case: &Case<'_>, id: u32, marked: bool) -> Result<usize, Trouble> {
    let call = by_hand(&case.world.handle, id, marked);
    call.run_or_check_blocking(
        || case.find(),
        |claim| case.body(|| if marked { Ok(claim.mark_blocking()?) } else { Ok(()) }),
    )
}

/// Asks, and never comes to an answer.
async fn pending_check(case: &Case<'_>, id: u32, marked: bool) -> Result<usize, Trouble> {
    let check = async || {
        let found = case.find();
        std::future::pending::<()>().await;
        found
    };
    by_hand(&case.world.handle, id, marked).run_or_check(check, async |_| Ok(0)).await
}

/// The closure form, asynchronous: red when it does not ask first.
fn s26_the_closure_form_asks_first(world: &World) {
    let case = &Case::new(world);
    case.answer(|_| Ok(None)).answer(|_| Ok(Some(7)));
    let call = |id| {
        let check = async || case.find();
        let body = async |claim: &idempotent::Claim<Result<usize, Trouble>>| {
            claim.mark().await?;
            case.world.ledger.act("acts");
            Ok(fresh())
        };
        by_hand(&world.handle, id, true).run_or_check(check, body)
    };
    on_tokio(async {
        assert_eq!(how(&observe_async(call(1)).await), How::Executed);
        assert_eq!(how(&observe_async(call(2)).await), How::Recovered);
        assert_eq!(how(&observe_async(call(1)).await), How::Replayed);
    });
    assert_eq!((case.asked(), case.acts()), (2, 1));
}

/// Red when `first` changes what is asked and believed where there *is* doubt (operation/check.rs `answered`).
fn s26_where_there_is_doubt_first_changes_nothing(world: &World) {
    let clock = FakeClock::new();
    let world = &world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
    for (id, call) in [(1, marked as Form), (2, unmarked as Form)] {
        let case = &Case::new(world);
        let acts = world.ledger.lines().len();
        case.answer(|_| Ok(None)).script(Script::FAILS_AFTER);
        assert_eq!(call(case, id).unwrap_err().code(), "own");
        case.script(Script::WORKS).answer(|_| Err("the portal is down".to_owned()));
        let error = refused(call(case, id));
        assert_eq!(error.code(), "in_doubt", "{error}");
        case.answer(|_| Ok(None));
        let Error::InDoubt(doubt) = refused(call(case, id)) else { panic!("in doubt") };
        assert!(doubt.retry_in.is_some(), "too early to be believed");
        clock.advance(Duration::from_secs(3_600));
        case.answer(|_| Ok(None));
        let seen = observe(|| call(case, id));
        assert_eq!((how(&seen), seen.outcome.unwrap().attempt), (How::Executed, 2));
        assert_eq!((case.asked(), case.acts() - acts), (4, 2));
    }
}

/// Red when a body that a check has led to is still taken for the check (operation/check.rs `begins`): its panic after the
/// effect would leave the key free.
fn s26_s60_a_body_that_a_check_led_to_is_interrupted_like_any_other(world: &World) {
    for (id, call, marked) in [(1, marked as Form, true), (2, unmarked as Form, false)] {
        let clock = FakeClock::new();
        let world = &world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
        let case = &Case::new(world);
        // Led to by a first check; the second time by a check where there is doubt.
        for attempt in 1..=2 {
            case.answer(|_| Ok(None)).script(Script::PANICS_AFTER);
            panics(|| call(case, id));
            world.drain();
            assert_eq!((world.in_doubt().len(), case.acts(), case.asked()), (1, attempt, attempt));
            clock.advance(Duration::from_secs(3_600));
        }
        case.answer(|_| Ok(None)).script(Script::PANICS_BEFORE);
        panics(|| call(case, id));
        world.drain();
        assert_eq!((world.in_doubt().len(), case.acts()), (usize::from(!marked), 2));
    }
}

/// Red when the words of a check that cannot tell are lost to those who look (operation/check.rs `answered`), or when
/// the caller learns of another trouble than the check's while the store fails.
fn s26_what_the_check_said_stands_in_the_free_record(world: &World) {
    let case = &Case::new(world);
    let key = inspect(|| marked(case, 1)).unwrap();
    case.answer(|_| Err("the portal is down".to_owned()));
    world.faults.on(StoreCall::Settle.always(), Fault::RequestLost);
    assert_eq!(refused(marked(case, 1)).code(), "check");
    world.faults.clear();
    world.drain();
    let entry = world.handle.show(&key).wait().unwrap().entry.unwrap();
    let record = entry.record.unwrap();
    assert_eq!((entry.status, record.state), (Status::Free, State::Free));
    assert_eq!(record.last_error.as_deref(), Some("the check cannot tell: the portal is down"));
}

fn asking(handle: &Handle, id: u32, marked: bool) -> Asking<Result<usize, Trouble>> {
    match by_hand(handle, id, marked).claim_or_check_blocking() {
        Claimed::Check(asking) => asking,
        Claimed::Next(_) => panic!("the check is to be asked"),
    }
}

fn nothing() -> Found {
    Ok(None)
}

/// Red when a "did not happen" leads straight to the body although the claim was taken while the check was asked
/// (operation/check.rs `answered`, keeper/open.rs `may_be_gone`).
fn s26_a_first_none_under_a_claim_that_was_revoked_does_not_run(world: &World) {
    let world = &world.on(&Terms { lease: Duration::from_millis(100), ..Terms::default() });
    for (id, marked) in [(1, true), (2, false)] {
        let slow = asking(&world.handle, id, marked);
        let key = slow.ask_blocking(|| attempt().key());
        world.handle.operator("ada", "it hangs").revoke(&key, sight(world, &key)).wait().unwrap();
        // The keeper asks for the claim again and again; the renewal after the revoke is refused.
        let before = world.faults.count(StoreCall::Renew);
        while world.faults.count(StoreCall::Renew) < before + 3 {
            std::thread::yield_now();
        }
        match slow.answer_blocking(nothing()) {
            // Looked once more: without a marker the revoked attempt may have acted, as far as the record knows.
            Claimed::Check(again) => {
                let Claimed::Next(Next::Run(_)) = again.answer_blocking(nothing()) else {
                    panic!("a fresh claim")
                };
            }
            Claimed::Next(Next::Run(claim)) => {
                panic!("attempt {} runs under a claim that is gone", claim.attempt().number())
            }
            Claimed::Next(Next::Answer(told)) => panic!("{told:?}"),
        }
    }
}

/// The same where time decides who is alive, and nobody has taken the claim: it is asked for once more, and goes on.
fn s26_a_first_none_after_the_lease_looks_once_more(world: &World) {
    let world = &world.on(&Terms { lease: Duration::from_millis(100), ..Terms::default() });
    world.faults.on(StoreCall::Renew.always(), Fault::RequestLost);
    for marked in [true, false] {
        let slow = asking(&world.handle, u32::from(marked), marked);
        let key = slow.ask_blocking(|| attempt().key());
        if !world.handle.store().lease().is_deadline {
            continue;
        }
        let before = world.faults.count(StoreCall::Proceed);
        while world.handle.show(&key).wait().unwrap().entry.unwrap().status == Status::Live {
            std::thread::yield_now();
        }
        let Claimed::Next(Next::Run(claim)) = slow.answer_blocking(nothing()) else {
            panic!("nobody has taken it")
        };
        assert_eq!((claim.attempt().number(), world.faults.count(StoreCall::Proceed) - before), (1, 1));
    }
}

/// And where another has taken it meanwhile, without a marker: red when both run.
fn s26_a_first_none_that_comes_too_late_finds_the_result_of_another(world: &World) {
    let world = &world.on(&Terms { lease: Duration::from_millis(100), ..Terms::default() });
    if !world.handle.store().lease().is_deadline {
        return;
    }
    world.faults.on(StoreCall::Renew.always(), Fault::RequestLost);
    let slow = asking(&world.handle, 1, false);
    let key = slow.ask_blocking(|| attempt().key());
    while world.handle.show(&key).wait().unwrap().entry.unwrap().status == Status::Live {
        std::thread::yield_now();
    }
    let other = stranger(world);
    let call = by_hand(&other, 1, false);
    assert_eq!(call.run_or_check_blocking(nothing, |_| Ok(7)).unwrap(), 7);
    let Claimed::Next(Next::Answer(told)) = slow.answer_blocking(nothing()) else { panic!("it runs, too") };
    assert_eq!(told.unwrap(), 7);
}

/// What a check or a body sees of its attempt: the request ids, and which run it is.
type Sight = (uuid::Uuid, uuid::Uuid, u32);

fn look() -> Sight {
    let attempt = attempt();
    assert!(attempt.fence() > Fence(0));
    (attempt.request_id(), attempt.request_id_for("mail"), attempt.number())
}

fn find_by_id(case: &Case<'_>, id: u32, seen: &Mutex<Vec<Sight>>) -> Found {
    seen.lock().unwrap().push(look());
    // A check that calls its own operation would wait for itself.
    let inner = refused(by_id(case, id, seen));
    assert!(matches!(&inner, Error::InProgress(busy) if busy.by_itself), "{inner}");
    case.find()
}

#[idempotent(key = id, name = "first.by_id", skip(case, seen), store = case.world.handle, check(find_by_id, after = "0s", first))]
fn by_id(case: &Case<'_>, id: u32, seen: &Mutex<Vec<Sight>>) -> Result<usize, Trouble> {
    seen.lock().unwrap().push(look());
    case.body(|| Ok(()))
}

async fn find_by_id_async(case: &Case<'_>, id: u32, seen: &Mutex<Vec<Sight>>) -> Found {
    tokio::task::yield_now().await;
    seen.lock().unwrap().push(look());
    let inner = refused(Box::pin(by_id_async(case, id, seen)).await);
    assert!(matches!(&inner, Error::InProgress(busy) if busy.by_itself), "{inner}");
    case.find()
}

#[idempotent(key = id, name = "first.by_id_async", skip(case, seen), store = case.world.handle, check(find_by_id_async, after = "0s", first))]
async fn by_id_async(case: &Case<'_>, id: u32, seen: &Mutex<Vec<Sight>>) -> Result<usize, Trouble> {
    tokio::task::yield_now().await;
    seen.lock().unwrap().push(look());
    case.body(|| Ok(()))
}

/// Red when a check has no attempt to take request ids from (operation/check.rs `ask`, `ask_blocking`), another one than
/// the body, or leaves it behind.
fn a_check_sees_the_request_ids_of_the_attempt_that_it_asks_about(world: &World) {
    type Form = fn(&Case<'_>, u32, &Mutex<Vec<Sight>>) -> Result<usize, Trouble>;
    let forms: [Form; 2] = [by_id, |case, id, seen| on_tokio(by_id_async(case, id, seen))];
    for (id, call) in (1..).zip(forms) {
        let case = &Case::new(world);
        let seen = Mutex::new(Vec::new());
        case.answer(|_| Ok(None)).answer(|_| Ok(None)).script(Script::FAILS_AFTER);
        assert_eq!(call(case, id, &seen).unwrap_err().code(), "own");
        case.script(Script::WORKS);
        assert!(call(case, id, &seen).is_ok());
        assert!(Attempt::current().is_none());
        let seen = seen.into_inner().unwrap();
        assert!(seen.iter().all(|sight| (sight.0, sight.1) == (seen[0].0, seen[0].1)), "{seen:?}");
        let numbers: Vec<u32> = seen.iter().map(|sight| sight.2).collect();
        assert_eq!(numbers, [1, 1, 1, 2], "check, body; check of that attempt, next body");
    }
}

fn find_in_ledger(ledger: &Ledger, dies: bool, id: u32) -> Result<Option<u32>, Error> {
    if dies {
        point("asks");
    }
    Ok((ledger.count("acts") > 0).then_some(id))
}

#[idempotent(key = id, name = "first.killed", skip(ledger, dies), check(find_in_ledger, after = "0s", first))]
fn killed(ledger: &Ledger, dies: bool, id: u32) -> Result<u32, Error> {
    effect!(ledger.act("acts"));
    Ok(id)
}

#[idempotent(key = id, name = "first.killed_unmarked", skip(ledger, dies), check(find_in_ledger, after = "0s", first))]
fn killed_unmarked(ledger: &Ledger, dies: bool, id: u32) -> Result<u32, Error> {
    ledger.act("acts");
    Ok(id)
}

/// A process that is killed while it asks, before a first attempt. With a marker that proves that nothing began; without
/// one the record cannot tell, and the check is asked about it. Red when either runs unasked, or is stuck.
#[test]
fn s26_a_process_killed_in_a_first_check() {
    run_as_child("asks", |argument| {
        let (path, form) = argument.split_once(' ').unwrap();
        let ledger = Ledger::at(path);
        let told = match form {
            "marked" => killed(&ledger, true, 1),
            _ => killed_unmarked(&ledger, true, 1),
        };
        format!("{told:?}")
    });
    let entry = "check_first::s26_a_process_killed_in_a_first_check";
    for form in ["marked", "unmarked"] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/robot.db", folder.path().display());
        let ledger = Ledger::at(folder.path().join("ledger"));
        let argument = format!("{} {form}", ledger.path().display());
        let mut child = Child::start_with(entry, "asks", &argument, Some(&url));
        child.until("asks");
        child.kill();
        let handle = idempotent::open(&url).unwrap();
        let all = handle.list(&idempotent::Filter::default()).wait().unwrap();
        let status = if form == "marked" { Status::LapsedClean } else { Status::Doubt };
        assert_eq!(all.iter().map(|entry| entry.status).collect::<Vec<_>>(), [status], "{form}");
        let mut child = Child::start_with(entry, "asks", &argument, Some(&url));
        child.until("asks");
        child.go_on();
        assert_eq!(child.result(), "Ok(1)");
        assert_eq!(ledger.lines().len(), 1);
    }
}

on_every_store!(
    s26_every_end_of_a_first_check_in_every_form,
    s26_a_first_check_that_is_dropped_leaves_the_key_free,
    s26_the_closure_form_asks_first,
    s26_where_there_is_doubt_first_changes_nothing,
    s26_s60_a_body_that_a_check_led_to_is_interrupted_like_any_other,
    s26_what_the_check_said_stands_in_the_free_record,
    s26_a_first_none_under_a_claim_that_was_revoked_does_not_run,
    s26_a_first_none_after_the_lease_looks_once_more,
    s26_a_first_none_that_comes_too_late_finds_the_result_of_another,
    a_check_sees_the_request_ids_of_the_attempt_that_it_asks_about,
);
