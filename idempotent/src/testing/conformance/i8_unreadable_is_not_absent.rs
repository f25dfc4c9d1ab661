//! I8: a record that does not decode is not absent.

use std::sync::Arc;

use super::bench::Bench;
use super::voice::{Attempt, Voice, ask, assert_replay, assert_settled, done, operator, subject, subjects};
use crate::protocol::{Answer, Request, Seen, State, Status};
use crate::store::{Subject, Which};

/// A claim of a spoiled record does not run, whatever its policy.
pub(super) fn i8_spoiled_record_does_not_run(bench: &Bench) {
    let (voice, call, _) = spoiled(bench);
    for claim in [ask(&call), ask(&call).checks(0), ask(&call).reruns(), ask(&call).payload(2)] {
        assert_unreadable(voice.claim(&claim));
    }
}

/// Holders and operators are told that a spoiled record cannot be read, and nothing is written over it.
pub(super) fn i8_spoiled_record_is_not_written_over(bench: &Bench) {
    let (voice, call, run) = spoiled(bench);
    assert_unreadable(voice.mark(&run));
    assert_unreadable(voice.settle(&run, done("2")));
    let operator =
        operator(Seen { fence: run.held.fence, state: State::Running, effect: true, prior: false });
    assert_unreadable(voice.send(&call, Request::ResolveFree { operator: operator.clone() }));
    assert_unreadable(voice.send(&call, Request::Forget { operator }));
    assert_unreadable(voice.claim(&ask(&call)));
}

/// A spoiled record is loaded and listed as one that is in doubt, under its name.
pub(super) fn i8_spoiled_record_is_listed_as_doubt(bench: &Bench) {
    let (voice, call, _) = spoiled(bench);
    let entry = voice.entry(&call);
    assert!(entry.record.is_err(), "{entry:?}");
    assert_eq!((entry.status, entry.subject.key), (Status::Doubt, call.key));
    assert_eq!(voice.listed(&call, Which::InDoubt), [call.key]);
}

/// A sweep spares a spoiled record.
pub(super) fn i8_spoiled_record_is_not_swept(bench: &Bench) {
    let (voice, call, _) = spoiled(bench);
    voice.sweep_all();
    assert!(voice.load(&call.key).is_some());
    assert_unreadable(voice.claim(&ask(&call)));
}

/// A spoiled record does not keep its neighbours from being read and listed.
pub(super) fn i8_spoiled_record_harms_no_other(bench: &Bench) {
    let calls = subjects(3);
    let voice = bench.voice();
    for call in &calls {
        let run = voice.run(&ask(call));
        assert_settled(voice.settle(&run, done("1")), State::Done);
    }
    bench.spoil(&calls[1].key);
    assert_eq!(voice.listed(&calls[0], Which::All).len(), 3);
    assert_replay(voice.claim(&ask(&calls[0])), "1");
    assert_replay(voice.claim(&ask(&calls[2])), "1");
    assert_unreadable(voice.claim(&ask(&calls[1])));
}

fn spoiled(bench: &Bench) -> (Voice, Arc<Subject>, Attempt) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    bench.spoil(&call.key);
    (voice, call, run)
}

#[track_caller]
fn assert_unreadable(answer: Answer) {
    assert!(matches!(answer, Answer::Unreadable { .. }), "expected Unreadable, got {answer:?}");
}
