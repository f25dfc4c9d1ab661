//! I10: a step of the wall clock moves no lease, no quiet time and no fence; only `keep` may notice it.

use super::bench::Bench;
use super::voice::{
    HOUR, ask, assert_busy, assert_doubt, assert_replay, assert_settled, done, free, subject,
};
use crate::protocol::{Answer, Request, State};

/// A year, and back two: further than any two machines disagree.
const STEPS: [i64; 2] = [365 * 24 * HOUR, -2 * 365 * 24 * HOUR];

/// A holder lives as long after a step of the wall clock as before.
pub(super) fn i10_wall_clock_ends_no_lease(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    for step in STEPS {
        bench.step(step);
        assert_busy(voice.claim(&ask(&call)));
    }
    assert_eq!(voice.mark(&run), Answer::Ok);
    assert_settled(voice.settle(&run, done("1")), State::Done);
    // Recorded without an end, so that no clock ends it.
    for step in STEPS {
        bench.step(-step);
        assert_replay(voice.claim(&ask(&call)), "1");
    }
}

/// A holder that died is dead, whatever the wall clock says since.
pub(super) fn i10_wall_clock_keeps_no_dead_holder_alive(bench: &Bench) {
    let call = subject();
    bench.dying(|voice| voice.run(&ask(&call)));
    bench.step(STEPS[1]);
    bench.voice().run(&ask(&call));
}

/// Quiet time is as long after a step of the wall clock as before, and doubt stays.
pub(super) fn i10_wall_clock_ends_no_quiet_time(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).checks(HOUR));
    for step in STEPS {
        bench.step(step);
        assert_doubt(voice.claim(&ask(&call)));
        let (check, left) = voice.check(&ask(&call).checks(HOUR));
        assert!(left <= HOUR, "the quiet time has grown: {left}");
        assert!(matches!(voice.proceed(&check), Answer::Early { .. }));
        assert_settled(voice.settle(&check, free()), State::InDoubt);
    }
}

/// Fences go on where they were, also for keys that were removed meanwhile.
pub(super) fn i10_wall_clock_turns_no_fence_back(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let mut last = None;
    for step in STEPS {
        for removes in [false, true, true] {
            let run = voice.run(&ask(&call));
            assert!(last < Some(run.held.fence), "{} after {last:?}", run.held.fence);
            last = Some(run.held.fence);
            assert_settled(voice.settle(&run, free()), State::Free);
            if removes {
                let operator = voice.operator(&call);
                assert_eq!(voice.send(&call, Request::Forget { operator }), Answer::Ok);
            }
            bench.step(step);
        }
    }
}

/// The trail tells what came first, also when the clock said otherwise.
pub(super) fn i10_wall_clock_does_not_turn_the_trail_round(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    bench.step(STEPS[1]);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    assert_eq!(voice.events(&call), ["in_doubt", "resolved_not_done"]);
}
