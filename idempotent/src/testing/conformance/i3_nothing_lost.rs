//! I3: what the store has answered is durable, and visible to all who open it.

use super::bench::Bench;
use super::voice::{
    Voice, ask, assert_busy, assert_doubt, assert_replay, assert_settled, done, done_for, failed, free,
    subject,
};
use crate::protocol::{Answer, Record, Request, State, Status};
use crate::store::Which;

/// Results, failures and free keys are there after the store was closed and opened again.
pub(super) fn i3_endings_survive_reopening(bench: &mut Bench) {
    let calls = [subject(), subject(), subject()];
    let voice = bench.voice();
    for (call, ending) in calls.iter().zip([done_for("{\"id\":7}", Some(1 << 50)), failed("\"no\""), free()])
    {
        let run = voice.run(&ask(call));
        assert!(matches!(voice.settle(&run, ending), Answer::Settled(_)));
    }
    let before: Vec<_> = calls.iter().map(|call| voice.record(call)).collect();
    drop(voice);
    bench.reopened();
    let voice = bench.voice();
    let after: Vec<_> = calls.iter().map(|call| voice.record(call)).collect();
    assert_eq!(before, after);
    assert_replay(voice.claim(&ask(&calls[0])), "{\"id\":7}");
}

/// A marked attempt whose store is gone is there after reopening, marked, and in doubt or still held.
pub(super) fn i3_marks_survive_reopening(bench: &mut Bench) {
    let call = subject();
    let voice = bench.voice();
    let run = voice.run(&ask(&call));
    assert_eq!(voice.mark(&run), Answer::Ok);
    drop(voice);
    bench.reopened();
    let voice = bench.voice();
    let (record, status) = (voice.record(&call), voice.entry(&call).status);
    assert_eq!((record.state, record.effect, record.fence), (State::Running, true, run.held.fence));
    assert!(matches!(status, Status::Doubt | Status::Live), "{status:?}");
    assert!(matches!(voice.claim(&ask(&call)), Answer::InDoubt(_) | Answer::Busy(_)));
}

/// Doubt, its error, and an operator's word are there after reopening, with the trail.
pub(super) fn i3_doubt_and_trail_survive_reopening(bench: &mut Bench) {
    let (doubtful, resolved) = (subject(), subject());
    let voice = bench.voice();
    voice.run_into_doubt(&ask(&doubtful));
    voice.run_into_doubt(&ask(&resolved));
    let operator = voice.operator(&resolved);
    assert_eq!(voice.send(&resolved, Request::ResolveFree { operator }), Answer::Ok);
    let quiet_from = |voice: &Voice| voice.record(&doubtful).quiet_from;
    let kept = |voice: &Voice| {
        [&doubtful, &resolved].map(|call| {
            let record = Record { quiet_from: None, ..voice.record(call) };
            (record, voice.trail(call), voice.entry(call).subject)
        })
    };
    let (before, quiet) = (kept(&voice), quiet_from(&voice));
    drop(voice);
    bench.reopened();
    let voice = bench.voice();
    assert_eq!(kept(&voice), before);
    // A store without a clock that all share may count quiet time anew, but never from an earlier moment.
    assert!(quiet_from(&voice) >= quiet, "{:?} after {quiet:?}", quiet_from(&voice));
    assert_doubt(voice.claim(&ask(&doubtful)));
    assert_eq!(voice.listed(&doubtful, Which::InDoubt), [doubtful.key]);
    assert_eq!(voice.run(&ask(&resolved)).grant.attempt, 2);
}

/// Fences go on from where they were after a record is gone and the store was opened again.
pub(super) fn i3_fences_go_on_after_reopening(bench: &mut Bench) {
    let call = subject();
    let voice = bench.voice();
    let mut last = voice.run(&ask(&call));
    for _ in 0..30 {
        assert_settled(voice.settle(&last, free()), State::Free);
        last = voice.run(&ask(&call));
    }
    assert_settled(voice.settle(&last, done("1")), State::Done);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Forget { operator }), Answer::Ok);
    drop(voice);
    bench.reopened();
    let new = bench.voice().run(&ask(&call));
    assert!(new.held.fence > last.held.fence, "{} after {}", new.held.fence, last.held.fence);
}

/// What is answered through one opened store is visible at once through another.
pub(super) fn i3_moves_are_visible_to_all_who_opened_it(bench: &Bench) {
    let (here, call) = (bench.voice(), subject());
    let there = Voice::new(bench.another("two stores at once"), bench.length());
    let run = here.run(&ask(&call));
    assert_busy(there.claim(&ask(&call)));
    assert_eq!(here.mark(&run), Answer::Ok);
    assert!(there.record(&call).effect);
    assert_settled(there.settle(&run, done("1")), State::Done);
    assert_replay(here.claim(&ask(&call)), "1");
    assert_eq!(here.record(&call), there.record(&call));
    let operator = here.operator(&call);
    assert_eq!(there.send(&call, Request::Forget { operator }), Answer::Ok);
    assert!(here.load(&call.key).is_none());
}
