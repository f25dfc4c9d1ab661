//! Which clock counts for what.

use std::time::Duration;

use idempotent::Store;
use idempotent::protocol::{Answer, Request, Resolution};
use idempotent::store::Which;
use idempotent::testing::FakeClock;

use super::support::*;

const HOUR: i64 = 3_600_000_000;

/// Fails when quiet time, a lease or a fence is read from the wall clock.
#[test]
fn s35_a_jump_of_the_wall_clock_changes_nothing_but_expiry() {
    for jump in [HOUR, -HOUR, -40 * 365 * 24 * HOUR] {
        let place = Place::new();
        let clock = FakeClock::new();
        use idempotent::Clock;
        let wall = clock.wall();
        let store = place.open_at(&clock);
        let booked = subject("booked");
        let held = granted(&store, &booked, 1);
        ask(&store, &booked, mark(held));
        ask(&store, &booked, Request::Settle { held, resolution: Resolution::InDoubt { last_error: None } });
        clock.set_wall(wall + jump);
        clock.advance_steady(Duration::from_secs(1));
        let Answer::Check { quiet_left, grant } = ask(&store, &booked, check(2, Duration::from_secs(3)))
        else {
            panic!("the check is not asked")
        };
        assert_eq!(quiet_left, 2_000_000, "after a jump of {jump}");
        assert!(grant.fence > held.fence);
        let second = super::support::held(2, &grant);
        let proceed = || Request::Proceed { held: second, has_marker: true, after: 3_000_000, lease: LEASE };
        assert!(matches!(ask(&store, &booked, proceed()), Answer::Early { left: 2_000_000 }));
        clock.advance_steady(Duration::from_secs(2));
        assert_eq!(ask(&store, &booked, proceed()), Answer::Ok);
    }
}

/// Fails when a moment that another start of the machine wrote is compared with this one's clock as it is:
/// quiet time would be over at once, or never.
#[test]
fn moments_of_another_boot_are_translated() {
    let after = Duration::from_secs(600);
    // How far this boot's clock is, how far the wall clock has gone since, and what is left of ten minutes.
    let cases = [
        // Just rebooted: the attempt ended 100 s ago, by a wall clock that is trusted to a minute.
        (60_000_000, 100_000_000, Some((500_000_000 + 1, 600_000_000))),
        // Up for an hour: whatever the wall clock says, what was sent was sent before this boot.
        (HOUR, -HOUR, Some((0, 600_000_000))),
        (HOUR, 2 * HOUR, None),
        // The wall clock jumped ahead by a day across the reboot: not a minute of this boot is over.
        (60_000_000, 24 * HOUR, Some((540_000_000, 600_000_000))),
    ];
    for (now, passed, left) in cases {
        use idempotent::Clock;
        let place = Place::new();
        let clock = FakeClock::at(90 * HOUR, FakeClock::new().wall());
        let wall = clock.wall();
        let booked = subject("booked");
        let store = place.open_at(&clock);
        let held = granted(&store, &booked, 1);
        ask(&store, &booked, mark(held));
        let resolution = Resolution::InDoubt { last_error: None };
        ask(&store, &booked, Request::Settle { held, resolution });
        drop(store);
        assert_eq!(place.sql().execute("UPDATE boot SET id = 'yesterday'", []).unwrap(), 1);
        let store = place.open_at(&FakeClock::at(now, wall + passed));
        let Answer::Check { quiet_left, .. } = ask(&store, &booked, check(2, after)) else {
            panic!("the check is not asked")
        };
        match left {
            Some((least, most)) => {
                assert!((least..=most).contains(&quiet_left), "{now} {passed}: {quiet_left} left");
            }
            None => assert_eq!(quiet_left, 0, "{now} {passed}"),
        }
    }
}

/// Fails when a holder without its lock file is held for ever, or for dead at once, across a reboot.
#[test]
fn without_a_lock_file_the_lease_decides() {
    let place = Place::new();
    let clock = FakeClock::new();
    let booked = subject("booked");
    let store = place.open_at(&clock);
    granted(&store, &booked, 1);
    drop(store);
    std::fs::remove_file(&place.lock_files()[0]).unwrap();
    let store = place.open_at(&clock);
    let Answer::Busy(busy) = ask(&store, &booked, claim(2)) else { panic!("taken over at once") };
    assert_eq!(busy.left, LEASE);
    clock.advance_steady(Duration::from_secs(16));
    granted(&store, &booked, 2);
    drop(store);

    for file in place.lock_files() {
        std::fs::remove_file(file).unwrap();
    }
    place.sql().execute("UPDATE boot SET id = 'yesterday'", []).unwrap();
    use idempotent::Clock;
    let clock = FakeClock::at(1_000_000, clock.wall());
    let store = place.open_at(&clock);
    assert!(matches!(ask(&store, &booked, claim(3)), Answer::Busy(_)));
    clock.advance(Duration::from_secs(120));
    granted(&store, &booked, 3);
}

/// Fails when `keep` counts on the steady clock, or expired records replay.
#[test]
fn s34_kept_results_expire_by_the_wall_clock() {
    let place = Place::new();
    let clock = FakeClock::new();
    let store = place.open_at(&clock);
    let booked = subject("booked");
    let held = granted(&store, &booked, 1);
    let resolution = Resolution::Done { value: value("1"), keep: Some(60_000_000) };
    ask(&store, &booked, Request::Settle { held, resolution });
    clock.advance_steady(Duration::from_secs(3_600));
    assert_eq!(ask(&store, &booked, claim(2)), replay("1"));
    clock.advance_wall(Duration::from_secs(61));
    let again = granted(&store, &booked, 3);
    assert!(again.fence > held.fence);
}

/// Fails when the sweep takes what runs or is in doubt, leaves what is over, or lets a key's fences restart.
#[test]
fn s36_a_sweep_takes_only_what_is_over() {
    let place = Place::new();
    let clock = FakeClock::new();
    let store = place.open_at(&clock);
    let settle = |name: &str, resolution| {
        let held = granted(&store, &subject(name), 1);
        ask(&store, &subject(name), Request::Settle { held, resolution });
        held
    };
    for number in 0..100 {
        let name = format!("expired {number}");
        settle(&name, Resolution::Done { value: value("1"), keep: Some(1_000_000) });
    }
    settle("kept", Resolution::Done { value: value("1"), keep: None });
    settle("kept a while", Resolution::Done { value: value("1"), keep: Some(HOUR) });
    settle("doubt", Resolution::InDoubt { last_error: None });
    granted(&store, &subject("running"), 1);
    let mut old = settle("free", Resolution::Free { last_error: None });
    for number in 2..7 {
        old = granted(&store, &subject("free"), number);
        ask(&store, &subject("free"), free(old));
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!(wait(store.sweep(40)).unwrap(), 40);
    assert_eq!(wait(store.sweep(1_000)).unwrap(), 61);
    assert_eq!(wait(store.sweep(1_000)).unwrap(), 0);
    let mut left: Vec<String> =
        list(&store, Which::All).iter().map(|entry| entry.subject.call.to_string()).collect();
    left.sort();
    assert_eq!(left, ["doubt", "kept", "kept a while", "running"]);
    drop(store);
    let store = place.open_at(&clock);
    let again = granted(&store, &subject("free"), 8);
    assert!(again.fence > old.fence, "{:?} after {:?}", again.fence, old.fence);
}

/// Wakes a test that polls by hand.
struct Woken(std::sync::mpsc::Sender<()>);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// Fails when a sweep removes what it saw before and does not look again: the record may have come to life.
#[test]
fn a_sweep_looks_again_before_it_removes() {
    let place = Place::new();
    let clock = FakeClock::new();
    let store = place.open_at(&clock);
    let booked = subject("booked");
    let held = granted(&store, &booked, 1);
    let resolution = Resolution::Done { value: value("1"), keep: Some(1) };
    ask(&store, &booked, Request::Settle { held, resolution });
    clock.advance(Duration::from_secs(1));
    let outside = place.sql();
    outside.execute_batch("BEGIN IMMEDIATE; UPDATE record SET expires_at = NULL").unwrap();
    let (send, woken) = std::sync::mpsc::channel();
    let waker = std::task::Waker::from(std::sync::Arc::new(Woken(send)));
    let mut context = std::task::Context::from_waker(&waker);
    let mut sweep = store.sweep(10);
    assert!(sweep.as_mut().poll(&mut context).is_pending());
    // It has read what may go: now, or within the first poll, and then nothing wakes it before the lock is given up ..
    let _ = woken.recv_timeout(Duration::from_secs(1));
    assert!(sweep.as_mut().poll(&mut context).is_pending());
    // .. which is no longer so.
    outside.execute_batch("COMMIT").unwrap();
    assert_eq!(within(sweep).unwrap(), 0);
    assert_eq!(ask(&store, &booked, claim(2)), replay("1"));
}
