//! I5: an operator ends doubt, and acts on nothing but what he has seen.

use std::sync::Arc;
use std::thread;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{
    Tries, Voice, ask, assert_busy, assert_doubt, assert_replay, assert_settled, done, json, operator,
    subject,
};
use crate::protocol::{Answer, Operator, Request, State, Value};
use crate::store::{Subject, Which};

/// An operator's "done" ends doubt with the value given, which later calls get.
pub(super) fn i5_operator_ends_doubt_as_done(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let operator = voice.operator(&call);
    let resolve = Request::ResolveDone { operator: operator.clone(), value: json("\"A-7\"") };
    assert_eq!(voice.send(&call, resolve.clone()), Answer::Ok);
    assert_replay(voice.claim(&ask(&call)), "\"A-7\"");
    let record = voice.record(&call);
    assert_eq!((record.resolved_by, record.why), (Some(operator.by), Some(operator.why)));
    assert_eq!(voice.send(&call, resolve), Answer::Stale, "the fence of the first look is over");
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveDone { operator, value: json("\"A-8\"") }), Answer::Ok);
    assert_replay(voice.claim(&ask(&call)), "\"A-8\"");
}

/// An operator's "not done" ends doubt: the next call runs, without memory of the doubt.
pub(super) fn i5_operator_ends_doubt_as_not_done(bench: &Bench) {
    let call = subject();
    bench.dying(|voice| voice.run(&ask(&call).unmarked()));
    let voice = bench.voice();
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    let run = voice.run(&ask(&call));
    assert_eq!((run.grant.attempt, run.grant.prior), (2, false));
    assert_settled(voice.settle(&run, super::voice::failed("1")), State::Failed);
}

/// An operator's word about an attempt that is over is stale and changes nothing.
pub(super) fn i5_operator_with_an_old_fence_is_stale(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call).reruns());
    let old = voice.operator(&call);
    let second = voice.run(&ask(&call).reruns());
    assert_settled(voice.settle(&second, super::voice::in_doubt("again")), State::InDoubt);
    let before = voice.record(&call);
    for request in [
        Request::ResolveFree { operator: old.clone() },
        Request::ResolveDone { operator: old.clone(), value: json("1") },
        Request::Revoke { operator: old.clone() },
        Request::Forget { operator: old },
    ] {
        assert_eq!(voice.send(&call, request), Answer::Stale);
    }
    assert_eq!(voice.record(&call), before);
}

/// A live attempt is not resolved or forgotten under its holder: the operator is told who holds it.
pub(super) fn i5_operators_do_not_resolve_a_live_attempt(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    let operator = voice.operator(&call);
    for request in [
        Request::ResolveFree { operator: operator.clone() },
        Request::ResolveDone { operator: operator.clone(), value: json("1") },
        Request::Forget { operator },
    ] {
        assert_busy(voice.send(&call, request));
    }
    assert_settled(voice.settle(&run, done("1")), State::Done);
}

/// What an operator forgets is gone: the next call begins a new life.
pub(super) fn i5_forgotten_key_begins_anew(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Forget { operator: operator.clone() }), Answer::Ok);
    assert_eq!(voice.send(&call, Request::Forget { operator }), Answer::Ok, "a retry");
    assert!(voice.load(&call.key).is_none() && voice.listed(&call, Which::All).is_empty());
    let again = ask(&call).payload(9);
    let run = voice.run(&again);
    assert_eq!((run.grant.attempt, run.grant.generation), (1, again.token));
}

/// Racing operators who each read, add one and resolve by the fence they saw lose no addition.
pub(super) fn i5_racing_operators_lose_no_correction(bench: &Bench) {
    const THREADS: u64 = 4;
    const ADDED: u64 = 10;
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveDone { operator, value: json("0") }), Answer::Ok);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| (0..ADDED).for_each(|_| add(&voice, &call)))).collect();
        threads.into_iter().for_each(joined);
    });
    assert_replay(voice.claim(&ask(&call)), &(THREADS * ADDED).to_string());
    let lines = voice.events(&call).iter().filter(|what| *what == "resolved_done").count() as u64;
    assert_eq!(lines, THREADS * ADDED + 1, "one line of the trail for each correction");
}

/// Adds one by compare-and-set, again until it is in time.
fn add(voice: &Voice, call: &Arc<Subject>) {
    let mut tries = Tries::default();
    while !added(voice, call) {
        tries.again("a correction");
    }
}

/// One compare-and-set by an operator; whether it was in time.
fn added(voice: &Voice, call: &Arc<Subject>) -> bool {
    let record = voice.record(call);
    let Some(Value::Bytes { bytes, .. }) = &record.value else { panic!("no value") };
    let Ok(sum) = String::from_utf8_lossy(bytes).parse::<u64>() else { panic!("another value") };
    let value = json(&(sum + 1).to_string());
    match voice.send(call, Request::ResolveDone { operator: operator(record.seen()), value }) {
        Answer::Ok => true,
        Answer::Stale => false,
        other => panic!("expected Ok or Stale, got {other:?}"),
    }
}

/// "Not done" is stale for an attempt that has marked since the operator looked, although the fence is the same: it
/// had not been taken over, went on and may have acted.
pub(super) fn i5_not_done_is_stale_once_the_attempt_has_marked(bench: &Bench) {
    let call = subject();
    let looked = bench.dying(|voice| {
        let run = voice.run(&ask(&call));
        let looked = voice.operator(&call);
        assert_eq!(voice.mark(&run), Answer::Ok);
        looked
    });
    stale_until_looked_again(bench, &call, looked);
}

/// "Not done", said about an earlier attempt that a check held then, is stale once the check has said so itself and
/// the attempt that followed may have acted.
pub(super) fn i5_not_done_is_stale_once_the_check_has_said_no(bench: &Bench) {
    let call = subject();
    let looked = bench.dying(|voice| {
        voice.run_into_doubt(&ask(&call));
        let (check, _) = voice.check(&ask(&call).checks(0));
        let looked = voice.operator(&call);
        assert_eq!(voice.proceed(&check), Answer::Ok);
        assert_eq!(voice.send(&call, Request::ResolveFree { operator: looked.clone() }), Answer::Stale);
        assert_eq!(voice.mark(&check), Answer::Ok);
        looked
    });
    stale_until_looked_again(bench, &call, looked);
}

fn stale_until_looked_again(bench: &Bench, call: &Arc<Subject>, looked: Operator) {
    let voice = bench.voice();
    assert_eq!(voice.record(call).fence, looked.seen.fence, "nobody has taken the claim");
    let before = voice.record(call);
    assert_eq!(voice.send(call, Request::ResolveFree { operator: looked }), Answer::Stale);
    assert_eq!(voice.record(call), before);
    assert_doubt(voice.claim(&ask(call)));
    let operator = voice.operator(call);
    assert_eq!(voice.send(call, Request::ResolveFree { operator }), Answer::Ok);
    voice.run(&ask(call));
}
