//! `main` ends right after a future was dropped.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use idempotent::protocol::{State, Status};
use idempotent::testing::{Call, Fault, FaultyStore, Gate};
use idempotent::{Error, Handle, effect, idempotent};
use idempotent_tests::robot::{Form, Portal, Task, open};
use idempotent_tests::{Child, Ledger, Scene, run_as_child};

thread_local! {
    /// The body has come to its last line, where it stays.
    static STANDS: Cell<bool> = const { Cell::new(false) };
}

/// Never ends.
async fn stand() {
    poll_fn(|_| {
        STANDS.set(true);
        Poll::<()>::Pending
    })
    .await;
}

#[idempotent(key = job, name = "ends.before", skip(portal))]
async fn before_the_effect(portal: &Portal, job: &str) -> Result<String, Error> {
    stand().await;
    Ok(effect!(portal.book(job)))
}

#[idempotent(key = job, name = "ends.after", skip(portal))]
async fn after_the_effect(portal: &Portal, job: &str) -> Result<String, Error> {
    let booked = effect!(portal.book(job));
    stand().await;
    Ok(booked)
}

#[idempotent(key = job, name = "ends.settle", skip(portal))]
async fn in_its_settle(portal: &Portal, job: &str) -> Result<String, Error> {
    Ok(effect!(portal.book(job)))
}

/// Polls `future` until `so`, and drops it there.
fn drop_when(future: impl Future, so: impl Fn() -> bool) {
    let mut future = pin!(future);
    pollster::block_on(poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending(), "it has ended");
        if so() { Poll::Ready(()) } else { Poll::Pending }
    }));
}

/// Not a test of its own: a `main` that drops a future and ends.
#[test]
fn main() {
    run_as_child("main", |line| {
        let task = Task::read(line);
        let portal = Portal(Ledger::at(&task.ledger));
        let store = FaultyStore::new(open(&task.url));
        let faults = store.faults();
        // The settle of the call itself never arrives; nor, without a drain, does any other.
        let own = if task.job == "settle" { 1 } else { 0 };
        let held = if task.hasty { Call::Settle.always() } else { Call::Settle.first(own) };
        faults.on(held, Fault::HoldRequest(Gate::new()));
        idempotent::install(Handle::new(store)).unwrap();
        let settles = || faults.count(Call::Settle) > 0;
        match &*task.job {
            "before" => drop_when(before_the_effect(&portal, "before"), || STANDS.get()),
            "after" => drop_when(after_the_effect(&portal, "after"), || STANDS.get()),
            _ => drop_when(in_its_settle(&portal, "settle"), settles),
        }
        let patience = if task.hasty { Duration::ZERO } else { Duration::from_secs(30) };
        idempotent::drain(patience).wait().to_string()
    });
}

/// What `drain` gave, and the record that the process left.
fn left(job: &str, hasty: bool) -> (String, State, Status) {
    let scene = Scene::default();
    let task = Task { hasty, ..scene.task(Form::Marked, job) };
    let drained = Child::start("ends::main", "main", &task.line()).result();
    let entry = scene.entry(&scene.handle(), job);
    assert_eq!(scene.portal.bookings(job).len(), usize::from(job != "before"));
    (drained, entry.record.unwrap().state, entry.status)
}

/// Red when `keeper/mod.rs` lets `drain` go before its jobs are done, or `operation/claim.rs` drops a claim without
/// handing its outcome to the keeper, or hands over a made-up one where the body had ended.
#[test]
fn s77_with_drain_the_outcome_is_recorded() {
    let none_left = "0".to_owned();
    assert_eq!(left("before", false), (none_left.clone(), State::Free, Status::Free));
    assert_eq!(left("after", false), (none_left.clone(), State::InDoubt, Status::Doubt));
    assert_eq!(left("settle", false), (none_left, State::Done, Status::Ended));
}

/// Without it nothing is lost either: what may have acted is in doubt. Red when `drain` gives 0 although an outcome
/// is not recorded, or a dead holder's record is called anything but what it is.
#[test]
fn s77_without_drain_it_is_in_doubt() {
    let one_left = "1".to_owned();
    assert_eq!(left("before", true), (one_left.clone(), State::Running, Status::LapsedClean));
    assert_eq!(left("after", true), (one_left.clone(), State::Running, Status::Doubt));
    assert_eq!(left("settle", true), (one_left, State::Running, Status::Doubt));
}
