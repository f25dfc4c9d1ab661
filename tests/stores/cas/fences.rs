//! Fences never restart, and what keeps them from it does not stay for ever.

use std::time::Duration;

use idempotent::protocol::{Answer, Request};
use idempotent::testing::FakeClock;
use idempotent_tests::engine::Disk;

use crate::support::*;

const DAY: Duration = Duration::from_secs(86_400);

/// Red when a removed record leaves nothing behind: a machine whose clock is years late would begin below its fence.
#[test]
fn fences_go_on_after_a_removal_whatever_the_clocks_say() {
    let disk = Disk::default();
    let (early, late) = (FakeClock::at(0, 1 << 60), FakeClock::at(0, 5));
    let (one, other) = (process(&disk, &early), process(&disk, &late));
    let call = subject("removed");
    let held = granted(&one, &call, 1);
    ask(&one, &call, free(held));
    assert_eq!(sweep(&one), 1);
    assert!(entry(&one, &call).is_none());
    let second = granted(&other, &call, 2);
    assert!(second.fence > held.fence, "{} after {}", second.fence, held.fence);
    ask(&other, &call, done(second, None));
    let operator = operator(&other, &call);
    assert_eq!(ask(&other, &call, Request::Forget { operator }), Answer::Ok);
    assert!(granted(&other, &call, 3).fence > second.fence);
}

/// Red when what is left of removed records stays for ever, or goes too soon.
#[test]
fn what_is_left_of_a_record_goes_after_its_time() {
    let disk = Disk::default();
    let clock = FakeClock::new();
    let store = process(&disk, &clock).remember_for(10 * DAY);
    let call = subject("left");
    let held = granted(&store, &call, 1);
    ask(&store, &call, free(held));
    assert_eq!((sweep(&store), disk.len()), (1, 1));
    clock.advance(9 * DAY);
    assert_eq!((sweep(&store), disk.len()), (0, 1));
    clock.advance(DAY + Duration::from_secs(1));
    assert_eq!((sweep(&store), disk.len()), (0, 0));
    let again = granted(&store, &call, 2);
    assert!(again.fence > held.fence, "the clock has gone on meanwhile");
}

/// Red when only the age of what is left counts: a fence that is ahead of the clock would come again.
#[test]
fn a_fence_ahead_of_the_clock_is_not_forgotten() {
    let disk = Disk::default();
    let (ahead, right) = (FakeClock::at(0, 1 << 60), FakeClock::at(0, SECOND));
    let call = subject("ahead");
    let held = granted(&process(&disk, &ahead), &call, 1);
    let store = process(&disk, &right).remember_for(10 * DAY);
    ask(&store, &call, free(held));
    assert_eq!((sweep(&store), disk.len()), (1, 1));
    right.advance(1_000 * DAY);
    assert_eq!((sweep(&store), disk.len()), (0, 1));
    assert!(granted(&store, &call, 2).fence > held.fence);
}

/// Red when a forgotten key still says what it was about, or when what is left of it grows with what it was.
#[test]
fn what_is_left_of_a_record_is_small_and_does_not_name_it() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = process(&disk, &clock);
    let call = subject("patient Åsa Öberg");
    let held = granted(&store, &call, 1);
    ask(&store, &call, done(held, None));
    let whole = disk.bytes(&call.key).unwrap();
    assert!(contains(&whole, "Åsa") && contains(&whole, "clinic 7"));
    let operator = operator(&store, &call);
    ask(&store, &call, Request::Forget { operator });
    let left = disk.bytes(&call.key).unwrap();
    assert!(!contains(&left, "Åsa") && !contains(&left, "clinic 7"));
    assert!(left.len() < 250, "{} bytes", left.len());
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
