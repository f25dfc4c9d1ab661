//! I4: with `first` the check is asked before a first attempt, too, and asking leaves no doubt behind.

use super::bench::Bench;
use super::voice::{
    ask, assert_busy, assert_doubt, assert_replay, assert_settled, done, free, in_doubt, subject,
};
use crate::protocol::{Answer, State};

/// A first claim is told to check, without quiet time; its retry, too; and after "no" it is attempt 1 that runs.
pub(super) fn i4_first_attempt_is_checked_first(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call).checks(super::voice::HOUR).first();
    let (check, left) = voice.check(&first);
    assert_eq!(
        (check.grant.attempt, check.grant.generation, check.grant.prior, left),
        (1, first.token, false, 0)
    );
    assert_eq!(voice.check(&first).0.grant, check.grant, "a retry is the same grant");
    assert_busy(voice.claim(&ask(&call).checks(0).first()));
    assert_eq!(voice.proceed(&check), Answer::Ok);
    assert_eq!(voice.proceed(&check), Answer::Ok, "a retry");
    assert_eq!(voice.mark(&check), Answer::Ok);
    assert_settled(voice.settle(&check, done("1")), State::Done);
    assert_eq!(voice.record(&call).attempt, 1);
    assert_replay(voice.claim(&ask(&call).checks(0).first()), "1");
}

/// What the first check has found is recorded without any attempt.
pub(super) fn i4_first_check_that_says_yes_is_recorded(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let (check, _) = voice.check(&ask(&call).checks(0).first());
    assert_settled(voice.settle(&check, done("\"found\"")), State::Done);
    assert_replay(voice.claim(&ask(&call)), "\"found\"");
}

/// A first check that gives up leaves the key free, and the next call checks first again, as the next attempt.
pub(super) fn i4_first_check_that_gives_up_leaves_no_doubt(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let (check, _) = voice.check(&ask(&call).checks(0).first());
    assert_settled(voice.settle(&check, free()), State::Free);
    let (again, left) = voice.check(&ask(&call).checks(0).first());
    assert_eq!((again.grant.attempt, again.grant.prior, left), (2, false, 0));
}

/// A first check that dies leaves no doubt, unless its code has no marker: then the body may have begun.
pub(super) fn i4_first_check_that_dies_leaves_no_doubt(bench: &Bench) {
    let (marked, unmarked) = (subject(), subject());
    bench.dying(|voice| {
        voice.check(&ask(&marked).checks(0).first());
        voice.check(&ask(&unmarked).unmarked().checks(0).first());
    });
    let voice = bench.voice();
    assert_eq!(voice.run(&ask(&marked)).grant.attempt, 2);
    assert_doubt(voice.claim(&ask(&unmarked)));
}

/// Doubt is doubt to a claim with `first`, too: the quiet time counts, and nothing runs before the check.
pub(super) fn i4_first_does_not_shorten_the_quiet_time(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let begun = ask(&call).checks(super::voice::HOUR).first();
    let (check, _) = voice.check(&begun);
    assert_eq!(voice.proceed(&check), Answer::Ok);
    assert_eq!(voice.mark(&check), Answer::Ok);
    assert_settled(voice.settle(&check, in_doubt("cut off")), State::InDoubt);
    let (check, left) = voice.check(&ask(&call).checks(0).first());
    assert!(left > 0, "the quiet time of the attempt in doubt is gone");
    assert!(matches!(voice.proceed(&check), Answer::Early { .. }));
}
