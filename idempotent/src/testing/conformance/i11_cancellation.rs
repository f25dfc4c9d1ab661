//! I11: a future dropped at any moment, a lost answer and a late copy keep every promise.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{
    Attempt, Tries, Voice, ask, assert_doubt, assert_replay, assert_settled, done, failed, free, in_doubt,
    subject,
};
use crate::block_on::block_on;
use crate::protocol::{Answer, Record, Request, State};
use crate::store::Subject;

/// How often a future is polled before it is dropped.
const POLLS: std::ops::Range<usize> = 0..6;

/// Polls the future of a move at most `polls` times, then drops it.
fn dropped(voice: &Voice, subject: &Arc<Subject>, request: Request, polls: usize) {
    let mut future = pin!(voice.store.apply(subject, request));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        match future.as_mut().poll(&mut context) {
            Poll::Pending => thread::yield_now(),
            Poll::Ready(Ok(_)) => return,
            Poll::Ready(Err(error)) => panic!("the store failed: {error}"),
        }
    }
}

/// A dropped claim was granted or not: its retry is granted, and the key is never stuck.
pub(super) fn i11_dropped_claim_can_be_retried(bench: &Bench) {
    let voice = bench.voice();
    for polls in POLLS {
        let call = subject();
        let claim = ask(&call);
        dropped(&voice, &call, voice.request(&claim), polls);
        let run = voice.run(&claim);
        assert_eq!(run.grant.attempt, 1);
        assert_settled(voice.settle(&run, done("1")), State::Done);
    }
}

/// A dropped claim can be abandoned by its token, and then the key is free for others.
pub(super) fn i11_dropped_claim_can_be_abandoned(bench: &Bench) {
    let voice = bench.voice();
    for polls in POLLS {
        let call = subject();
        let claim = ask(&call);
        dropped(&voice, &call, voice.request(&claim), polls);
        // A copy of the claim may still be under way, so that one abandon does not always meet it.
        let mut tries = Tries::default();
        while !matches!(voice.claim(&ask(&call)), Answer::Run(_)) {
            tries.again("the end of the claim");
            assert_eq!(voice.abandon(&call, claim.token), Answer::Ok);
        }
    }
}

/// A dropped mark was made or not, never half: its retry is accepted, and then it stands.
pub(super) fn i11_dropped_mark_can_be_retried(bench: &Bench) {
    let voice = bench.voice();
    for polls in POLLS {
        let call = subject();
        let run = voice.run(&ask(&call));
        let lease = bench.length();
        dropped(&voice, &call, Request::Mark { held: run.held, lease }, polls);
        assert_eq!(voice.mark(&run), Answer::Ok);
        assert!(voice.record(&call).effect);
    }
}

/// A dropped settle left the record running or ended with its whole value, and its retry is accepted.
pub(super) fn i11_dropped_settle_is_whole_or_not_there(bench: &Bench) {
    let voice = bench.voice();
    for polls in POLLS {
        let call = subject();
        let run = voice.run(&ask(&call));
        let value = format!("\"{}\"", "x".repeat(10_000));
        let settle = Request::Settle { held: run.held, resolution: done(&value) };
        dropped(&voice, &call, settle, polls);
        let Record { state, value: stored, .. } = voice.record(&call);
        assert_eq!(state == State::Done, stored.is_some(), "half a settle after {polls} polls: {state:?}");
        assert_settled(voice.settle(&run, done(&value)), State::Done);
        assert_replay(voice.claim(&ask(&call)), &value);
    }
}

/// A future that was first polled on one thread can be finished on another, with no runtime on either.
pub(super) fn i11_future_moves_between_threads(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let mut future = voice.store.apply(&call, voice.request(&ask(&call)));
    let answer = match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => thread::scope(|scope| joined(scope.spawn(move || block_on(future)))),
    };
    assert!(matches!(answer, Ok(Answer::Run(_))), "{answer:?}");
}

/// Every ending is settled again when its answer was lost, and says what was stored.
pub(super) fn i11_retried_settle_is_settled(bench: &Bench) {
    let voice = bench.voice();
    for (ending, state) in [
        (done("1"), State::Done),
        (failed("1"), State::Failed),
        (free(), State::Free),
        (in_doubt("cut off"), State::InDoubt),
    ] {
        let call = subject();
        let run = voice.run(&ask(&call));
        assert_settled(voice.settle(&run, ending.clone()), state);
        let before = (voice.record(&call), voice.trail(&call));
        assert_settled(voice.settle(&run, ending), state);
        assert_eq!((voice.record(&call), voice.trail(&call)), before, "a retry wrote something");
    }
}

/// A mark, a renewal and a proceed are accepted again when their answers were lost.
pub(super) fn i11_retried_moves_of_a_holder_are_accepted(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let checker = ask(&call).checks(0);
    let (check, _) = voice.check(&checker);
    let (again, _) = voice.check(&checker);
    assert_eq!(check.grant, again.grant);
    twice(&voice, &check, Voice::proceed);
    assert_eq!(voice.record(&call).attempt, 2, "the retry counted as an attempt");
    twice(&voice, &check, Voice::renew);
    twice(&voice, &check, Voice::mark);
    assert_eq!(voice.record(&call).owner, Some(check.held.token));
}

fn twice(voice: &Voice, attempt: &Attempt, act: fn(&Voice, &Attempt) -> Answer) {
    assert_eq!(act(voice, attempt), Answer::Ok);
    assert_eq!(act(voice, attempt), Answer::Ok, "a retry");
}

/// A note is evidence only: it changes no state, also when it comes twice.
pub(super) fn i11_note_moves_nothing(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let before = voice.record(&call);
    assert_eq!(voice.note(&call, "said done"), Answer::Ok);
    assert_eq!(voice.note(&call, "said done"), Answer::Ok);
    assert_eq!(voice.record(&call), before);
    assert_doubt(voice.claim(&ask(&call)));
}
