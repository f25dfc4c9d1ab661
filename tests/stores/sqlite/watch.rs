//! Waiting for a record to change.

use std::task::{Context, Waker};

use idempotent::Store;
use idempotent::protocol::{Answer, Fence};

use super::robot::Robot;
use super::support::*;

/// Fails when a settle of this process, or one of another, is not seen by who waits.
#[test]
fn a_settle_ends_the_wait() {
    let place = Place::new();
    let (here, there) = (place.open(), place.open());
    for (number, settles) in [(1, &here), (2, &there)] {
        let booked = subject("booked");
        let held = granted(settles, &booked, number);
        let mut wait = here.changed(&booked.key, held.fence).expect("this store can tell");
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        ask(settles, &booked, free(held));
        within(wait);
    }
}

/// Fails when only commits are watched: a holder that is killed commits nothing.
#[test]
fn a_death_ends_the_wait() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let store = place.open();
    let booked = subject("booked");
    assert!(robot.ask("claim booked 1").starts_with("run"));
    let Answer::Busy(busy) = ask(&store, &booked, claim(2)) else { panic!("not busy") };
    let mut wait = store.changed(&booked.key, busy.fence).expect("this store can tell");
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // A wait that ends when the thread has looked: what it sees from here on is the death alone.
    within(store.changed(&subject("nothing").key, Fence(1)).expect("this store can tell"));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    robot.kill();
    within(wait);
    assert!(matches!(ask(&store, &booked, claim(2)), Answer::Run(_)));
}

/// Fails when a wait for what has already changed never ends, or a dropped one keeps the store open.
#[test]
fn a_wait_for_what_is_over_ends_at_once() {
    let place = Place::new();
    let store = place.open();
    let booked = subject("booked");
    within(store.changed(&booked.key, Fence(1)).unwrap());
    let held = granted(&store, &booked, 1);
    within(store.changed(&booked.key, Fence(held.fence.0 + 1)).unwrap());
    let mut dropped = store.changed(&booked.key, held.fence).unwrap();
    assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(dropped);
    drop(store);
    // The last connection is closed with the store, and takes the log away.
    assert!(!place.file().with_extension("db-wal").exists());
}
