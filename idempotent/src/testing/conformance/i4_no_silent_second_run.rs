//! I4: after an attempt that may have begun its effect, the body runs again only for a reason.

use std::time::Duration;

use super::bench::Bench;
use super::voice::{
    HOUR, ask, assert_doubt, assert_fenced, assert_replay, assert_settled, done, failed, free, in_doubt,
    operator, subject,
};
use crate::protocol::{Answer, Request, State, Status};
use crate::store::Which;

/// A holder that died after its marker leaves doubt: a later claim does not run.
pub(super) fn i4_death_after_the_marker_is_doubt(bench: &Bench) {
    let call = subject();
    let run = bench.dying(|voice| {
        let run = voice.run(&ask(&call));
        assert_eq!(voice.mark(&run), Answer::Ok);
        run
    });
    let voice = bench.voice();
    let Answer::InDoubt(doubt) = voice.claim(&ask(&call)) else { panic!("a silent second run") };
    assert_eq!((doubt.fence, doubt.attempt), (run.held.fence, 1));
    assert_doubt(voice.claim(&ask(&call).unmarked()));
    assert_doubt(voice.claim(&ask(&call).reruns()));
}

/// A holder without a marker that died leaves doubt, also for code which has one by now.
pub(super) fn i4_death_without_a_marker_is_doubt(bench: &Bench) {
    let call = subject();
    bench.dying(|voice| voice.run(&ask(&call).unmarked()));
    let voice = bench.voice();
    assert_doubt(voice.claim(&ask(&call)));
    assert_doubt(voice.claim(&ask(&call).unmarked()));
}

/// A holder that died before its marker leaves no doubt at all: the next claim runs.
pub(super) fn i4_death_before_the_marker_runs_again(bench: &Bench) {
    let call = subject();
    let old = bench.dying(|voice| voice.run(&ask(&call)));
    let voice = bench.voice();
    assert_eq!(voice.entry(&call).status, Status::LapsedClean);
    let new = voice.run(&ask(&call).unmarked());
    assert_eq!((new.grant.attempt, new.grant.prior), (2, false));
    assert_eq!(new.grant.generation, old.grant.generation);
    assert_eq!(voice.record(&call).generation, old.grant.generation);
}

/// An attempt that was settled in doubt stays so, with its error, until somebody knows.
pub(super) fn i4_settled_doubt_stays(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run_into_doubt(&first);
    for later in [first, ask(&call), ask(&call).unmarked(), ask(&call).reruns()] {
        let Answer::InDoubt(doubt) = voice.claim(&later) else { panic!("a silent second run") };
        assert_eq!((doubt.fence, doubt.attempt), (run.held.fence, 1));
        assert_eq!(doubt.last_error.as_deref(), Some("cut off"));
    }
    assert_eq!(voice.entry(&call).status, Status::Doubt);
    assert_eq!(voice.record(&call).owner, Some(run.held.token));
}

/// Doubt whose attempts all began under `rerun` runs again, and remembers the earlier attempt.
pub(super) fn i4_rerun_runs_over_doubt_begun_under_it(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = voice.run_into_doubt(&ask(&call).reruns());
    let second = voice.run(&ask(&call).reruns());
    assert_eq!((second.grant.attempt, second.grant.prior), (2, true));
    assert!(second.held.fence > first.held.fence);
    assert!(voice.record(&call).prior);
    assert_settled(voice.settle(&second, done("2")), State::Done);
    assert_replay(voice.claim(&ask(&call)), "2");
}

/// Doubt left by an attempt that began without `rerun` is not run again because the code has it now.
pub(super) fn i4_rerun_is_no_promise_about_older_attempts(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    assert_doubt(voice.claim(&ask(&call).reruns()));
}

/// A final failure over an earlier attempt that may have acted is doubt, and nobody is told "failed".
pub(super) fn i4_failure_over_doubt_is_doubt(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).reruns());
    let second = voice.run(&ask(&call).reruns());
    assert_settled(voice.settle(&second, failed("\"no\"")), State::InDoubt);
    assert_settled(voice.settle(&second, failed("\"no\"")), State::InDoubt);
    let Answer::InDoubt(doubt) = voice.claim(&ask(&call)) else { panic!("doubt was lost") };
    assert_eq!((doubt.attempt, doubt.last_error.as_deref()), (2, Some("\"no\"")));
}

/// A check is granted the claim and asked; its "did not happen" lets the body run as a fresh attempt.
pub(super) fn i4_check_that_says_no_runs(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let checker = ask(&call).checks(0);
    let (check, left) = voice.check(&checker);
    assert_eq!((left, check.grant.attempt, check.grant.prior), (0, 1, true));
    assert_eq!(voice.proceed(&check), Answer::Ok);
    assert_eq!(voice.proceed(&check), Answer::Ok, "a retry");
    let record = voice.record(&call);
    assert_eq!((record.attempt, record.prior, record.effect), (2, false, false));
    assert_settled(voice.settle(&check, done("2")), State::Done);
    assert_replay(voice.claim(&ask(&call)), "2");
}

/// A check that has found the effect records it, without a run of the body.
pub(super) fn i4_check_that_says_yes_is_recorded(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let (check, _) = voice.check(&ask(&call).checks(HOUR));
    assert_settled(voice.settle(&check, done("\"found\"")), State::Done);
    assert_replay(voice.claim(&ask(&call)), "\"found\"");
    assert_eq!(voice.record(&call).attempt, 1);
}

/// "Did not happen" is not believed before the quiet time is over.
pub(super) fn i4_check_within_the_quiet_time_is_early(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).checks(HOUR));
    let checker = ask(&call).checks(HOUR);
    let (check, left) = voice.check(&checker);
    assert!(0 < left && left <= HOUR, "{left}");
    let Answer::Early { left } = voice.proceed(&check) else { panic!("believed too early") };
    assert!(0 < left && left <= HOUR, "{left}");
    let (again, _) = voice.check(&checker);
    assert_eq!(again.grant, check.grant, "a retry of the claim asks again");
    assert!(voice.record(&call).prior);
}

/// The quiet time is the longer one: a deploy that shortens it counts for later attempts only.
pub(super) fn i4_the_longer_quiet_time_counts(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).checks(HOUR));
    let (check, left) = voice.check(&ask(&call).checks(0));
    assert!(left > 0, "the new code's `after` of 0 was believed");
    assert!(matches!(voice.proceed(&check), Answer::Early { .. }));
}

/// Quiet time does not start anew with each check that gives up.
pub(super) fn i4_quiet_time_goes_on_over_several_checks(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).checks(HOUR));
    let quiet_from = voice.record(&call).quiet_from;
    assert!(quiet_from.is_some());
    for _ in 0..3 {
        bench.pass_if_it_can(Duration::from_millis(1));
        let (check, _) = voice.check(&ask(&call).checks(HOUR));
        assert_settled(voice.settle(&check, free()), State::InDoubt);
        assert_eq!(voice.record(&call).quiet_from, quiet_from);
    }
}

/// When the quiet time is over, "did not happen" is believed.
pub(super) fn i4_quiet_time_ends(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).checks(HOUR));
    let (check, _) = voice.check(&ask(&call).checks(HOUR));
    bench.pass(Duration::from_secs(3_599));
    assert!(matches!(voice.proceed(&check), Answer::Early { .. }));
    bench.pass(Duration::from_secs(1));
    assert_eq!(voice.proceed(&check), Answer::Ok);
    assert_eq!(voice.record(&call).attempt, 2);
}

/// Quiet time counts from the end of a dead holder's lease or from the claim that found it dead, never from
/// its mark.
pub(super) fn i4_quiet_time_of_a_dead_holder_is_counted_from_its_end(bench: &Bench) {
    let call = subject();
    let marked_at = bench.dying(|voice| {
        let run = voice.run(&ask(&call).checks(HOUR));
        assert_eq!(voice.mark(&run), Answer::Ok);
        voice.record(&call).lease_until
    });
    let voice = bench.voice();
    let (check, left) = voice.check(&ask(&call).checks(HOUR));
    assert!(0 < left && left <= HOUR, "{left}");
    let quiet_from = voice.record(&call).quiet_from;
    assert!(quiet_from.is_some());
    if voice.store.lease().is_deadline {
        assert_eq!(quiet_from, marked_at);
    }
    assert!(matches!(voice.proceed(&check), Answer::Early { .. }));
}

/// A check that gives up, or says that it cannot tell, leaves doubt.
pub(super) fn i4_checker_that_gives_up_leaves_doubt(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let (check, _) = voice.check(&ask(&call).checks(0));
    assert_settled(voice.settle(&check, free()), State::InDoubt);
    assert_settled(voice.settle(&check, free()), State::InDoubt);
    assert_doubt(voice.claim(&ask(&call)));
    let (check, _) = voice.check(&ask(&call).checks(0));
    assert_eq!(voice.abandon(&call, check.held.token), Answer::Ok);
    assert_doubt(voice.claim(&ask(&call)));
}

/// A checker that dies before its own marker leaves the doubt that it came to clear.
pub(super) fn i4_checker_that_dies_leaves_doubt(bench: &Bench) {
    let call = subject();
    bench.voice().run_into_doubt(&ask(&call));
    bench.dying(|voice| voice.check(&ask(&call).checks(0)));
    let voice = bench.voice();
    assert_doubt(voice.claim(&ask(&call)));
    assert_eq!(voice.listed(&call, Which::InDoubt), [call.key]);
}

/// A checker that has marked cannot be sent back to before its mark by a late copy of its proceed.
pub(super) fn i4_proceed_is_refused_once_marked(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).reruns());
    let rerun = voice.run(&ask(&call).reruns());
    assert_eq!(voice.mark(&rerun), Answer::Ok);
    assert_fenced(voice.proceed(&rerun));
    assert!(voice.record(&call).effect && voice.record(&call).prior);
}

/// "Done" from the interrupted attempt is accepted while the checker cannot have acted, and then the checker
/// is refused.
pub(super) fn i4_late_truth_is_accepted(bench: &Bench) {
    let call = subject();
    let old = bench.dying(|voice| {
        let run = voice.run(&ask(&call));
        assert_eq!(voice.mark(&run), Answer::Ok);
        run
    });
    let voice = bench.voice();
    let (check, _) = voice.check(&ask(&call).checks(HOUR));
    assert_fenced(voice.settle(&old, failed("\"late\"")));
    assert_fenced(voice.settle(&old, free()));
    assert_settled(voice.settle(&old, done("\"late\"")), State::Done);
    assert_settled(voice.settle(&old, done("\"late\"")), State::Done);
    assert_fenced(voice.mark(&check));
    assert_fenced(voice.proceed(&check));
    assert_replay(voice.claim(&ask(&call)), "\"late\"");
}

/// "Done" after the holder itself said "in doubt" is accepted.
pub(super) fn i4_doubt_may_end_by_its_own_late_truth(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run_into_doubt(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    assert_replay(voice.claim(&ask(&call)), "1");
}

/// A mark that was accepted is in the record before its answer, and renews nothing else.
pub(super) fn i4_mark_is_in_the_record(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert!(!voice.record(&call).effect);
    assert_eq!(voice.mark(&run), Answer::Ok);
    let record = voice.record(&call);
    assert_eq!((record.effect, record.state, record.fence), (true, State::Running, run.held.fence));
    assert_eq!(voice.mark(&run), Answer::Ok, "a retry");
}

/// A sweep never takes a record that is in doubt, held or recorded for longer, however it came to be so.
pub(super) fn i4_sweep_spares_doubt_holders_and_results(bench: &Bench) {
    let (settled, dead, live, ended) = (subject(), subject(), subject(), subject());
    bench.dying(|voice| voice.run(&ask(&dead).unmarked()));
    let voice = bench.voice();
    voice.run_into_doubt(&ask(&settled));
    voice.run(&ask(&live));
    let run = voice.run(&ask(&ended));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    voice.sweep_all();
    for spared in [&settled, &dead, &live, &ended] {
        let fence = voice.record(spared).fence;
        assert_eq!(voice.send(spared, Request::Sweep { fence }), Answer::Ok);
        assert!(voice.load(&spared.key).is_some());
    }
    assert_doubt(voice.claim(&ask(&settled)));
    assert_doubt(voice.claim(&ask(&dead)));
}

/// Doubt cannot be forgotten, whether it was settled or its holder died.
pub(super) fn i4_doubt_is_not_forgotten(bench: &Bench) {
    let (settled, dead) = (subject(), subject());
    bench.dying(|voice| voice.run(&ask(&dead).unmarked()));
    let voice = bench.voice();
    voice.run_into_doubt(&ask(&settled));
    for call in [settled, dead] {
        let operator = operator(voice.record(&call).seen());
        assert_doubt(voice.send(&call, Request::Forget { operator }));
        assert_doubt(voice.claim(&ask(&call)));
    }
}

/// Doubt does not expire.
pub(super) fn i4_doubt_does_not_expire(bench: &Bench) {
    let call = subject();
    let voice = bench.voice();
    voice.run_into_doubt(&ask(&call));
    bench.pass(Duration::from_secs(3_000_000_000));
    voice.sweep_all();
    assert_doubt(voice.claim(&ask(&call)));
}

/// An attempt revoked after its marker is in doubt, and its quiet time begins with the revocation.
pub(super) fn i4_revoked_after_the_marker_is_doubt(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_eq!(voice.mark(&run), Answer::Ok);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Revoke { operator }), Answer::Ok);
    assert_doubt(voice.claim(&ask(&call)));
    assert_fenced(voice.settle(&run, in_doubt("late")));
    assert_fenced(voice.settle(&run, done("1")));
    assert!(voice.record(&call).quiet_from.is_some());
}
