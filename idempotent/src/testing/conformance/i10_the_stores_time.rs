//! I10: only the store decides who is alive and what time it is.

use std::time::Duration;

use super::bench::Bench;
use super::voice::{Attempt, Voice, ask, assert_busy, subject};
use crate::protocol::{Answer, Status};

/// The store's lease has a length, and a claim that was just granted has not lapsed.
pub(super) fn i10_fresh_claim_is_alive(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    assert!(voice.store.lease().length > Duration::ZERO);
    voice.run(&ask(&call));
    assert_eq!(voice.entry(&call).status, Status::Live);
    assert_busy(voice.claim(&ask(&call)));
}

/// A holder lives as long as its lease says or, where the store sees its process, as long as that lives.
pub(super) fn i10_holder_lives_as_long_as_the_store_says(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let lease = voice.store.lease();
    voice.run(&ask(&call));
    bench.pass(lease.length - Duration::from_millis(1));
    assert_busy(voice.claim(&ask(&call)));
    bench.pass(Duration::from_millis(1));
    if lease.is_deadline {
        voice.run(&ask(&call));
    } else {
        bench.pass(100 * lease.length);
        assert_busy(voice.claim(&ask(&call)));
    }
}

/// A renewed claim lives for a whole lease from then.
pub(super) fn i10_renewal_prolongs_the_claim(bench: &Bench) {
    prolongs(bench, |voice, run| assert_eq!(voice.renew(run), Answer::Ok));
}

/// A mark renews the claim, too.
pub(super) fn i10_mark_prolongs_the_claim(bench: &Bench) {
    prolongs(bench, |voice, run| assert_eq!(voice.mark(run), Answer::Ok));
}

fn prolongs(bench: &Bench, act: fn(&Voice, &Attempt)) {
    let (voice, call) = (bench.voice(), subject());
    let lease = voice.store.lease().length;
    let run = voice.run(&ask(&call));
    for _ in 0..3 {
        bench.pass(lease * 2 / 3);
        act(&voice, &run);
    }
    bench.pass(lease * 2 / 3);
    assert_busy(voice.claim(&ask(&call)));
}

/// A holder whose lease has passed, and that nobody has taken over, may go on.
pub(super) fn i10_lapsed_holder_that_nobody_took_over_goes_on(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    bench.pass(2 * voice.store.lease().length);
    assert_eq!(voice.mark(&run), Answer::Ok);
    assert_busy(voice.claim(&ask(&call)));
}
