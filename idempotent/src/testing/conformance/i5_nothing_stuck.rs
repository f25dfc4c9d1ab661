//! I5: from every state a later call or an operator makes progress.

use super::bench::Bench;
use super::voice::{ask, assert_busy, assert_settled, done, json, operator, random, subject};
use crate::protocol::{Answer, Fence, Request, Resolution, Seen, State, Token};
use crate::store::Which;

/// A freed key runs again as the next attempt of the same life, with the last error in its grant.
pub(super) fn i5_freed_key_runs_again(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = voice.run(&ask(&call));
    let freed = Resolution::Free { last_error: Some("portal \"down\" \0 é".into()) };
    assert_settled(voice.settle(&first, freed.clone()), State::Free);
    assert_settled(voice.settle(&first, freed), State::Free);
    let second = voice.run(&ask(&call));
    assert_eq!((second.grant.attempt, second.grant.generation), (2, first.grant.generation));
    assert_eq!(second.grant.last_error.as_deref(), Some("portal \"down\" \0 é"));
}

/// A claim whose answer nobody waits for is given back by its token alone.
pub(super) fn i5_abandoned_claim_frees_the_key(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let lost = ask(&call);
    voice.run(&lost);
    assert_eq!(voice.abandon(&call, Token(random())), Answer::Ok);
    assert_busy(voice.claim(&ask(&call)));
    assert_eq!(voice.abandon(&call, lost.token), Answer::Ok);
    assert_eq!(voice.abandon(&call, lost.token), Answer::Ok, "a retry");
    let run = voice.run(&ask(&call));
    assert_eq!(voice.abandon(&call, lost.token), Answer::Ok, "a late copy");
    assert_settled(voice.settle(&run, done("1")), State::Done);
}

/// What was never claimed can be abandoned, settled, noted and swept without a trace.
pub(super) fn i5_requests_on_an_absent_key_leave_no_trace(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    assert_eq!(voice.abandon(&call, Token(random())), Answer::Ok);
    assert_eq!(voice.note(&call, "nobody"), Answer::Ok);
    let operator = operator(Seen { fence: Fence(1), state: State::InDoubt, effect: true, prior: false });
    let value = json("1");
    for (request, answer) in [
        (Request::Sweep { fence: Fence(1) }, Answer::Ok),
        (Request::Forget { operator: operator.clone() }, Answer::Ok),
        (Request::ResolveFree { operator: operator.clone() }, Answer::NotFound),
        (Request::ResolveDone { operator: operator.clone(), value }, Answer::NotFound),
        (Request::Revoke { operator }, Answer::NotFound),
    ] {
        assert_eq!(voice.send(&call, request), answer);
    }
    assert!(voice.load(&call.key).is_none());
    assert!(voice.trail(&call).is_empty());
    assert!(voice.listed(&call, Which::All).is_empty());
}
