//! I11: a future that is dropped at any await point, and a panic anywhere, keep all other promises.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use idempotent::testing::{Call, Fault, Gate};
use idempotent::{Error, How, OnErr, effect, idempotent, observe_async};
use idempotent_tests::{World, on_every_store};
use serde::{Deserialize, Serialize};

use crate::script::{Script, fresh, panics};
use crate::{Trouble, how, on_tokio, refused};

#[idempotent(key = id, name = "cancelled.plain", skip(world, script), store = world.handle)]
fn plain(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

/// Red when the keeper sleeps with its own lock held (keeper/mod.rs `rest`): the next call then waits for ever.
fn the_keeper_outlives_a_storm_of_interrupted_calls(world: &World) {
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for id in 0..50 {
                    panics(|| plain(world, thread * 100 + id, Script::PANICS_BEFORE));
                    plain(world, thread * 100 + id, Script::WORKS).unwrap();
                }
            });
        }
    });
    world.drain();
    assert_eq!(world.ledger.lines().len(), 200);
}

/// How far a body came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Phase {
    Called,
    Began,
    BeforeEffect,
    InEffect,
    Acted,
    AfterEffect,
    Returned,
}

struct Path(Mutex<Phase>);

impl Path {
    fn new() -> Path {
        Path(Mutex::new(Phase::Called))
    }

    fn at(&self, phase: Phase) {
        *self.0.lock().unwrap() = phase;
    }

    fn phase(&self) -> Phase {
        *self.0.lock().unwrap()
    }
}

/// The effect: it begins, waits for the other side, and has happened.
async fn submit(world: &World, id: u32, path: &Path) {
    path.at(Phase::InEffect);
    tokio::task::yield_now().await;
    world.ledger.act(&id.to_string());
    path.at(Phase::Acted);
    tokio::task::yield_now().await;
}

#[idempotent(key = id, name = "cancelled.phases", skip(world, path), store = world.handle)]
async fn phases(world: &World, id: u32, path: &Path) -> Result<u32, Error> {
    path.at(Phase::Began);
    tokio::task::yield_now().await;
    path.at(Phase::BeforeEffect);
    tokio::task::yield_now().await;
    effect!(submit(world, id, path).await);
    path.at(Phase::AfterEffect);
    tokio::task::yield_now().await;
    path.at(Phase::Returned);
    Ok(id)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls `future` at most `polls` times, each time when it asked for it, and drops it. Whether it completed.
fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    for poll in 0..polls {
        if poll > 0 {
            thread::park();
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

/// Red when a dropped future's claim is not settled by the keeper, or not by what is known of its body
/// (operation/claim.rs `Drop`, operation/run.rs `Unanswered`). The calls of the store are await points, too.
fn s23_a_future_dropped_at_each_of_its_await_points(world: &World) {
    for call in [Call::Claim, Call::Mark, Call::Settle] {
        world.faults.on(call.always(), Fault::Delay(Duration::from_millis(1)));
    }
    let mut seen = BTreeSet::new();
    let (mut id, mut total) = (0, 0);
    // A delay may be over before it is asked for, so a round may miss a phase.
    for _ in 0..50 {
        for polls in 1.. {
            id += 1;
            let path = Path::new();
            let completed = dropped_after(polls, phases(world, id, &path)).is_some();
            world.drain();
            let (phase, acted) = (path.phase(), world.ledger.count(&id.to_string()));
            seen.insert(phase);
            let next = on_tokio(observe_async(phases(world, id, &Path::new())));
            let now = world.ledger.count(&id.to_string());
            match phase {
                Phase::Called | Phase::Began | Phase::BeforeEffect => {
                    assert_eq!((acted, how(&next), now), (0, How::Executed, 1), "poll {polls}, {phase:?}");
                }
                Phase::InEffect | Phase::Acted | Phase::AfterEffect => {
                    assert!(!completed);
                    assert_eq!((how(&next), now), (How::InDoubt, acted), "poll {polls}, {phase:?}");
                    assert_eq!(refused(next.result).code(), "in_doubt");
                }
                // The body has ended: its outcome is recorded, whoever waits for it or not.
                Phase::Returned => {
                    assert_eq!((acted, how(&next), now), (1, How::Replayed, 1), "poll {polls}, {phase:?}");
                }
            }
            if completed {
                total = total.max(polls);
                break;
            }
        }
        if seen.len() == 7 {
            break;
        }
    }
    println!("{total} polls, {seen:?}");
    assert_eq!(seen.len(), 7, "every phase was left by a dropped future: {seen:?}");
    assert!(total > 5, "5 pauses, the end, and most calls of the store: {total}");
}

/// The same at each call of the store, before its request is sent and before its answer arrives.
fn s62_a_future_dropped_inside_each_call_of_the_store(world: &World) {
    type Hold = fn(Gate) -> Fault;
    let holds: [(&str, Hold); 2] = [("request", Fault::HoldRequest), ("answer", Fault::HoldAnswer)];
    let mut id = 0;
    for call in [Call::Claim, Call::Mark, Call::Settle] {
        for (what, hold) in holds {
            id += 1;
            let gate = Gate::new();
            world.faults.clear();
            world.faults.on(call.nth(1), hold(gate.clone()));
            on_tokio(async {
                let path = Path::new();
                tokio::select! {
                    biased;
                    _ = phases(world, id, &path) => panic!("{call:?} is held"),
                    () = gate.reached(1) => {}
                }
            });
            gate.open();
            world.drain();
            let acted = world.ledger.count(&id.to_string());
            let next = on_tokio(observe_async(phases(world, id, &Path::new())));
            let expected = if call == Call::Settle { (1, How::Replayed, 1) } else { (0, How::Executed, 1) };
            let now = world.ledger.count(&id.to_string());
            assert_eq!((acted, how(&next), now), expected, "{call:?}, {what}");
        }
    }
}

/// Panics where it is serialized, read or shown.
#[derive(Clone, Debug)]
struct Bomb(&'static str);

impl Serialize for Bomb {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == "serialize" {
            resume_unwind(Box::new("serialize"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        resume_unwind(Box::new("deserialize"))
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == "display" {
            resume_unwind(Box::new("display"));
        }
        f.write_str(self.0)
    }
}

impl From<Error> for Bomb {
    fn from(error: Error) -> Bomb {
        Bomb(error.code())
    }
}

fn explodes(_: &Bomb) -> OnErr {
    resume_unwind(Box::new("on_err"))
}

#[idempotent(key = { if id == 0 { resume_unwind(Box::new("key")) } id }, name = "bomb.key", skip(world), store = world.handle)]
fn key_explodes(world: &World, id: u32) -> Result<u32, Error> {
    effect!(world.ledger.act("key"));
    Ok(id)
}

#[idempotent(key = bomb, name = "bomb.part", skip(world), store = world.handle)]
fn part_explodes(world: &World, bomb: &Bomb) -> Result<u32, Error> {
    effect!(world.ledger.act("part"));
    Ok(1)
}

#[idempotent(key = id, name = "bomb.value", skip(world, value), store = world.handle)]
fn value_explodes(world: &World, id: u32, value: &Bomb) -> Result<Bomb, Bomb> {
    effect!(world.ledger.act("value"));
    Ok(value.clone())
}

#[idempotent(key = id, name = "bomb.error", skip(world, error), store = world.handle)]
fn error_explodes(world: &World, id: u32, error: &Bomb) -> Result<u32, Bomb> {
    effect!(world.ledger.act("error"));
    Err(error.clone())
}

#[idempotent(key = id, name = "bomb.judge", skip(world, error), store = world.handle, on_err = explodes)]
fn judge_explodes(world: &World, id: u32, error: &Bomb) -> Result<u32, Bomb> {
    effect!(world.ledger.act("judge"));
    Err(error.clone())
}

fn cannot_tell(_: &World, _: u32, error: &Bomb) -> Result<Option<u32>, Bomb> {
    Err(error.clone())
}

#[idempotent(key = id, name = "bomb.check", skip(world, error), store = world.handle, check(cannot_tell, after = "0s"))]
fn check_explodes(world: &World, id: u32, error: &Bomb) -> Result<u32, Bomb> {
    effect!(world.ledger.act("check"));
    Err(error.clone())
}

/// Red when a lock is held while the user's code runs, or when the outcome is fixed before it has run: a panic in
/// it is an interruption like any other.
fn s76_a_panic_in_the_users_own_code_is_an_interruption(world: &World) {
    panics(|| key_explodes(world, 0));
    assert_eq!(key_explodes(world, 1).unwrap(), 1);
    panics(|| part_explodes(world, &Bomb("serialize")));
    assert_eq!(part_explodes(world, &Bomb("fine")).unwrap(), 1);
    assert_eq!(world.in_doubt().len(), 0);

    panics(|| value_explodes(world, 1, &Bomb("serialize")));
    panics(|| error_explodes(world, 1, &Bomb("display")));
    panics(|| judge_explodes(world, 1, &Bomb("fine")));
    assert_eq!(check_explodes(world, 1, &Bomb("fine")).unwrap_err().0, "fine");
    world.drain();
    assert_eq!(world.in_doubt().len(), 4);
    panics(|| check_explodes(world, 1, &Bomb("display")));
    world.drain();
    assert_eq!(value_explodes(world, 1, &Bomb("fine")).unwrap_err().0, "in_doubt");
    assert_eq!(error_explodes(world, 1, &Bomb("fine")).unwrap_err().0, "in_doubt");
    assert_eq!(judge_explodes(world, 1, &Bomb("fine")).unwrap_err().0, "in_doubt");
    assert_eq!(check_explodes(world, 1, &Bomb("fine")).unwrap_err().0, "in_doubt");
    assert_eq!(world.in_doubt().len(), 4);

    // Recorded, and unreadable for this code: it panics at every reading and is never run again.
    assert_eq!(value_explodes(world, 2, &Bomb("fine")).unwrap().0, "fine");
    for _ in 0..2 {
        panics(|| value_explodes(world, 2, &Bomb("fine")));
    }
    let lines = world.ledger.lines();
    assert_eq!(lines, ["key", "part", "value", "error", "judge", "check", "value"]);
}

/// The body gives up on its effect, as by a time-out: when it has acted, or when its mark is under way.
#[idempotent(key = id, name = "cancelled.gives_up", skip(world, marking), store = world.handle)]
async fn gives_up(world: &World, id: u32, marking: Option<&Gate>) -> Result<u32, Trouble> {
    let (acted, hears) = tokio::sync::oneshot::channel();
    let acting = async {
        effect!(world.ledger.act("acts"));
        let _ = acted.send(());
        std::future::pending::<()>().await;
    };
    let time_out = async {
        match marking {
            Some(gate) => gate.reached(1).await,
            None => drop(hears.await),
        }
    };
    tokio::select! {
        () = acting => Ok(id),
        () = time_out => Err(Trouble::own("timed out")),
    }
}

/// Red when `begun` is forgotten with the future that marked, or is set before the mark was answered.
fn a_time_out_around_the_effect_is_doubt_only_if_it_was_marked(world: &World) {
    on_tokio(async {
        assert_eq!(gives_up(world, 1, None).await.unwrap_err().code(), "own");
        assert_eq!(refused(gives_up(world, 1, None).await).code(), "in_doubt");
        let gate = Gate::new();
        world.faults.on(Call::Mark.nth(1), Fault::HoldRequest(gate.clone()));
        assert_eq!(gives_up(world, 2, Some(&gate)).await.unwrap_err().code(), "own");
        gate.open();
        assert_eq!(gives_up(world, 2, None).await.unwrap_err().code(), "own", "the key was free");
    });
    assert_eq!((world.ledger.lines().len(), world.in_doubt().len()), (2, 2));
}

on_every_store!(
    the_keeper_outlives_a_storm_of_interrupted_calls,
    s23_a_future_dropped_at_each_of_its_await_points,
    s62_a_future_dropped_inside_each_call_of_the_store,
    s76_a_panic_in_the_users_own_code_is_an_interruption,
    a_time_out_around_the_effect_is_doubt_only_if_it_was_marked,
);
