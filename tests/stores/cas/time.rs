//! Where the engine has no clock, each process trusts its own alone, and only as far as it has watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idempotent::Key;
use idempotent::protocol::{Answer, Claim, Micros, Policy, Request, Status};
use idempotent::store::{BoxFuture, CasStore, CompareAndSwap, Error, Filter, Page, Store, Which};
use idempotent::testing::FakeClock;
use idempotent_tests::engine::{Disk, Engine};

use crate::support::*;

/// Two machines whose clocks have nothing to do with each other.
fn machines() -> (Disk, FakeClock, FakeClock) {
    (Disk::default(), FakeClock::at(5 * SECOND, 1), FakeClock::at(9_000_000 * SECOND, 1 << 60))
}

fn left(answer: Answer) -> i64 {
    match answer {
        Answer::Busy(busy) => busy.left,
        other => panic!("expected Busy, got {other:?}"),
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// Red when a lease is counted from when it was written, by whatever clock, and not from when it was first seen.
#[test]
fn a_claim_is_taken_over_after_a_whole_lease_of_watching_and_not_before() {
    let (disk, here, there) = machines();
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("watched");
    granted(&holder, &call, 1);
    here.advance(seconds(3_600));
    assert_eq!(left(claim(&other, &call, asked(2))), LEASE, "seen for no time at all");
    there.advance(seconds(14));
    assert_eq!(left(claim(&other, &call, asked(2))), SECOND);
    there.advance(seconds(1));
    granted(&other, &call, 2);
}

/// Red when a renewal does not begin the watch anew.
#[test]
fn a_renewal_begins_the_watch_anew() {
    let (disk, here, there) = machines();
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("renewed");
    let held = granted(&holder, &call, 1);
    for _ in 0..5 {
        // The holder's clock stands: also then its renewals are other bytes.
        left(claim(&other, &call, asked(2)));
        there.advance(seconds(14));
        assert_eq!(ask(&holder, &call, renew(held)), Answer::Ok);
    }
    assert_eq!(left(claim(&other, &call, asked(2))), LEASE);
    there.advance(seconds(15));
    granted(&other, &call, 2);
    assert!(matches!(ask(&holder, &call, mark(held)), Answer::Fenced(_)));
}

/// Red when anything but expiry, fences and the audit looks at the wall clock.
#[test]
fn s35_a_client_whose_wall_clock_is_wrong_takes_nothing_over() {
    for jump in [seconds(3_600), seconds(40 * 365 * 86_400)] {
        let (disk, here, there) = machines();
        let (holder, other) = (process(&disk, &here), process(&disk, &there));
        let call = subject("jump");
        let held = granted(&holder, &call, 1);
        left(claim(&other, &call, asked(2)));
        there.advance_wall(jump);
        here.set_wall(-1);
        assert_eq!(left(claim(&other, &call, asked(2))), LEASE);
        assert_eq!(ask(&holder, &call, mark(held)), Answer::Ok);
        assert!(matches!(ask(&holder, &call, done(held, None)), Answer::Settled(_)));
        assert!(matches!(claim(&other, &call, asked(2)), Answer::Replay(_)));
    }
}

/// Red when quiet time is read on another process's clock, or a look at the record does not begin it.
#[test]
fn quiet_time_is_counted_from_the_first_look() {
    let (disk, here, there) = machines();
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("quiet");
    let first = granted(&holder, &call, 1);
    ask(&holder, &call, mark(first));
    ask(&holder, &call, in_doubt(first, "cut off"));
    here.advance(seconds(3_600));
    let checks = |number| Claim { policy: Policy::Check, after: 4 * SECOND, ..asked(number) };
    let Answer::Check { quiet_left, grant } = claim(&other, &call, checks(2)) else { panic!("no check") };
    assert_eq!(quiet_left, 4 * SECOND);
    let held = held(2, &grant);
    let proceed = Request::Proceed { held, has_marker: true, after: 4 * SECOND, lease: LEASE };
    there.advance(seconds(3));
    assert_eq!(ask(&other, &call, proceed.clone()), Answer::Early { left: SECOND });
    there.advance(seconds(1));
    assert_eq!(ask(&other, &call, proceed), Answer::Ok);
}

/// Red when a checker that takes over a claim counts quiet time from before the end of the lease that it has watched.
#[test]
fn quiet_time_of_one_who_died_begins_at_the_end_of_its_lease() {
    let (disk, here, there) = machines();
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("died");
    let first = granted(&holder, &call, 1);
    ask(&holder, &call, mark(first));
    let checks = Claim { policy: Policy::Check, after: 4 * SECOND, ..asked(2) };
    left(claim(&other, &call, checks.clone()));
    there.advance(seconds(16));
    let Answer::Check { quiet_left, .. } = claim(&other, &call, checks) else { panic!("no check") };
    assert_eq!(quiet_left, 3 * SECOND);
}

/// Red when a list or a load does not count as a look.
#[test]
fn lists_watch_too_and_show_doubt_after_a_lease() {
    let (disk, here, there) = machines();
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("listed");
    let held = granted(&holder, &call, 1);
    ask(&holder, &call, mark(held));
    let doubtful = Filter { which: Which::InDoubt, ..Filter::default() };
    assert!(pollster::block_on(other.list(&doubtful)).unwrap().is_empty());
    there.advance(seconds(15));
    assert_eq!(pollster::block_on(other.list(&doubtful)).unwrap().len(), 1);
    assert_eq!(entry(&other, &call).unwrap().status, Status::Doubt);
    assert!(matches!(claim(&other, &call, asked(2)), Answer::InDoubt(_)));
}

/// Red when an operator's program, which comes, acts and goes, is told for ever that a dead holder's claim is held.
#[test]
fn an_operator_who_has_just_come_waits_for_the_lease_and_is_heard() {
    let disk = Disk::default();
    let open = || CasStore::new(Engine::new(&disk)).lease_of(Duration::from_millis(200));
    let call = subject("operated");
    let short = Claim { lease: SECOND / 5, ..asked(1) };
    assert!(matches!(claim(&open(), &call, short), Answer::Run(_)));
    let program = open();
    let operator = operator(&open(), &call);
    assert_eq!(ask(&program, &call, Request::ResolveFree { operator }), Answer::Ok);
}

/// Red when an operator waits for the end of a claim that is being renewed, and not only for a sign of life.
#[test]
fn an_operator_who_has_just_come_is_told_of_a_holder_that_lives() {
    let (disk, looks) = (Disk::default(), Arc::new(AtomicUsize::new(0)));
    let call = subject("renewing");
    let holder = CasStore::new(Engine::new(&disk));
    let held = granted(&holder, &call, 1);
    let operator = operator(&CasStore::new(Engine::new(&disk)), &call);
    let (counted, renewed) = (Arc::clone(&looks), Arc::clone(&call));
    let renews = Box::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        assert_eq!(ask(&holder, &renewed, renew(held)), Answer::Ok);
    });
    let program = CasStore::new(Slow { inner: Engine::new(&disk), clock: FakeClock::new(), renews });
    let program = program.lease_of(Duration::from_millis(600));
    assert!(left(ask(&program, &call, Request::ResolveFree { operator })) > 0);
    assert_eq!(looks.load(Ordering::Relaxed), 2);
}

/// An engine whose answers are slow: while one is under way, time passes and the holder renews.
struct Slow {
    inner: Engine,
    clock: FakeClock,
    renews: Box<dyn Fn() + Send + Sync>,
}

impl CompareAndSwap for Slow {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move {
            let found = self.inner.load(key).await;
            self.clock.advance(seconds(16));
            (self.renews)();
            found
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.inner.compare_and_swap(key, expected, new)
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        self.inner.scan(after, limit)
    }

    fn now(&self) -> Option<BoxFuture<'_, Result<Micros, Error>>> {
        self.inner.now()
    }
}

/// Red when the time is read after the record: a slow answer makes a holder look dead that has renewed meanwhile.
#[test]
fn what_an_answer_tells_is_no_older_than_the_time_it_is_held_against() {
    for has_clock in [true, false] {
        let (disk, clock) = (Disk::default(), FakeClock::new());
        let engine = move |disk: &Disk, clock: &FakeClock| {
            let engine = Engine::new(disk);
            if has_clock { engine.clock(clock) } else { engine }
        };
        let call = subject("slow");
        let holder = CasStore::new(engine(&disk, &clock)).clock(Arc::new(clock.clone()));
        let held = granted(&holder, &call, 1);
        ask(&holder, &call, mark(held));
        let (inner, at, renewed) = (engine(&disk, &clock), clock.clone(), Arc::clone(&call));
        let renews = Box::new(move || assert_eq!(ask(&holder, &renewed, renew(held)), Answer::Ok));
        let slow = CasStore::new(Slow { inner, clock: at, renews }).clock(Arc::new(clock));
        for number in 2..5 {
            left(claim(&slow, &call, asked(number)));
        }
    }
}

/// Red when the end of a holder's session proves nothing, or the end of its lease does not while the session lasts.
#[test]
fn a_claim_ends_with_its_session_or_its_lease() {
    let (disk, here, there) = machines();
    let sessions = FakeClock::new();
    let open = |clock: &FakeClock| {
        CasStore::new(Engine::new(&disk).in_sessions(&sessions)).clock(Arc::new(clock.clone()))
    };
    let call = subject("session");
    let holder = open(&here);
    granted(&holder, &call, 1);
    sessions.advance(seconds(14));
    assert_eq!(left(claim(&open(&there), &call, asked(2))), LEASE);
    sessions.advance(seconds(1));
    let other = open(&there);
    granted(&other, &call, 2); // at its first look
    assert_eq!(left(claim(&holder, &call, asked(3))), LEASE);
    here.advance(seconds(15));
    granted(&holder, &call, 3); // the session of the second lives
}

/// Red when a process without a clock to share takes the moments of one that had it for its own.
#[test]
fn an_engine_may_gain_and_lose_its_clock() {
    let (disk, here, there) = machines();
    let with = CasStore::new(Engine::new(&disk).clock(&here));
    let without = process(&disk, &there);
    let call = subject("gained");
    granted(&with, &call, 1);
    assert_eq!(left(claim(&without, &call, asked(2))), LEASE);
    there.advance(seconds(15));
    granted(&without, &call, 2);
    assert_eq!(left(claim(&with, &call, asked(3))), LEASE);
    here.advance(seconds(15));
    granted(&with, &call, 3);
}
