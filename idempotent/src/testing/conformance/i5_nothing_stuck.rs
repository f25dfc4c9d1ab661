//! I5: from every state a later call or an operator makes progress, and all doubt is listed.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Wake, Waker};
use std::thread;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{
    Tries, Voice, ask, assert_busy, assert_doubt, assert_replay, assert_settled, done, done_for, free, json,
    operator, random, subject, subjects,
};
use crate::block_on::block_on;
use crate::key::Key;
use crate::protocol::{Answer, Fence, Request, Resolution, Seen, State, Status, Token, Value};
use crate::store::{BoxFuture, Filter, Subject, Which};

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

/// A record whose holder died after its marker is listed as in doubt although nobody has called since.
pub(super) fn i5_list_shows_derived_doubt(bench: &Bench) {
    let calls = subjects(3);
    bench.dying(|voice| {
        let run = voice.run(&ask(&calls[0]));
        assert_eq!(voice.mark(&run), Answer::Ok);
        voice.run(&ask(&calls[1]).unmarked());
        voice.run(&ask(&calls[2]));
    });
    let voice = bench.voice();
    assert_eq!(voice.listed(&calls[0], Which::InDoubt), [calls[0].key, calls[1].key]);
    assert_eq!(voice.entry(&calls[0]).status, Status::Doubt);
    assert_eq!(voice.record(&calls[0]).state, State::Running, "doubt is derived, nobody has written it");
    assert_eq!(voice.listed(&calls[0], Which::Unfinished), [calls[2].key]);
}

/// What began and neither happened nor is in doubt is listed as unfinished.
pub(super) fn i5_list_shows_what_is_unfinished(bench: &Bench) {
    let calls = subjects(4);
    let voice = bench.voice();
    voice.run(&ask(&calls[0]));
    let run = voice.run(&ask(&calls[1]));
    assert_settled(voice.settle(&run, free()), State::Free);
    let run = voice.run(&ask(&calls[2]));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    voice.run_into_doubt(&ask(&calls[3]));
    assert_eq!(voice.listed(&calls[0], Which::Unfinished), [calls[0].key, calls[1].key]);
    assert_eq!(voice.listed(&calls[0], Which::InDoubt), [calls[3].key]);
    assert_eq!(voice.listed(&calls[0], Which::All).len(), 4);
}

/// A list has at most `limit` entries, in key order, and goes on after the last key of the page before.
pub(super) fn i5_list_pages_in_key_order(bench: &Bench) {
    let calls = subjects(8);
    let voice = bench.voice();
    for call in [5, 0, 7, 2, 3, 1, 6, 4].map(|i: usize| &calls[i]) {
        voice.run(&ask(call));
    }
    let mut filter = Filter { limit: 3, operation: Some(calls[0].operation.clone()), ..Filter::default() };
    let mut found = Vec::new();
    for size in [3, 3, 2, 0] {
        let page = voice.list(&filter);
        assert_eq!(page.len(), size);
        found.extend(page.iter().map(|entry| entry.subject.key));
        filter.after = found.last().copied();
    }
    assert_eq!(found, calls.iter().map(|call| call.key).collect::<Vec<_>>());
}

/// A list of one operation shows no other, and what it shows is what `load` shows.
pub(super) fn i5_list_of_an_operation_shows_no_other(bench: &Bench) {
    let (one, other) = (subject(), subject());
    let voice = bench.voice();
    for call in [&one, &other] {
        let run = voice.run(&ask(call));
        assert_settled(voice.settle(&run, done("1")), State::Done);
    }
    let filter = Filter { operation: Some(one.operation.clone()), ..Filter::default() };
    assert_eq!(voice.list(&filter), [voice.entry(&one)]);
    let all = Filter { limit: usize::MAX, ..Filter::default() };
    let keys: Vec<_> = voice.list(&all).iter().map(|entry| entry.subject.key).collect();
    assert!(keys.contains(&one.key) && keys.contains(&other.key));
}

/// A list of one scope shows no other.
pub(super) fn i5_list_of_a_scope_shows_no_other(bench: &Bench) {
    let one = subject();
    let mut other = subject();
    Arc::make_mut(&mut other).operation = Arc::clone(&one.operation);
    let voice = bench.voice();
    for call in [&one, &other] {
        voice.run(&ask(call));
    }
    let filter = Filter { scope: Some(one.scope.clone()), ..Filter::default() };
    assert_eq!(voice.list(&filter), [voice.entry(&one)]);
}

/// A list of what is running shows an attempt whose holder lives, and not one that has ended.
pub(super) fn i5_list_shows_what_is_running(bench: &Bench) {
    let calls = subjects(2);
    let voice = bench.voice();
    voice.run(&ask(&calls[0]));
    let over = voice.run(&ask(&calls[1]));
    assert_settled(voice.settle(&over, done("1")), State::Done);
    assert_eq!(voice.listed(&calls[0], Which::Running), [calls[0].key]);
}

/// A list of what began before a time shows what began then, whatever happened to it since, and nothing younger.
pub(super) fn i5_list_shows_what_began_before(bench: &Bench) {
    let call = subject();
    let voice = bench.voice();
    let run = voice.run(&ask(&call));
    let began = voice.record(&call).began_at;
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let before = |time| Filter {
        began_before: Some(time),
        operation: Some(call.operation.clone()),
        ..Filter::default()
    };
    assert_eq!(voice.list(&before(began)), []);
    assert_eq!(voice.list(&before(began + 1)), [voice.entry(&call)]);
}

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

/// A sweep removes what is free, lapsed and expired, counts it, and keeps to its limit.
pub(super) fn i5_sweep_removes_what_is_over(bench: &Bench) {
    let (freed, lapsed, expired) = (subject(), subject(), subject());
    bench.dying(|voice| voice.run(&ask(&lapsed)));
    let voice = bench.voice();
    let run = voice.run(&ask(&freed));
    assert_settled(voice.settle(&run, free()), State::Free);
    let run = voice.run(&ask(&expired));
    assert_settled(voice.settle(&run, done_for("1", Some(0))), State::Done);
    assert_eq!(voice.sweep(0), 0);
    assert_eq!(voice.sweep(1), 1);
    assert!(voice.sweep_all() >= 2);
    for gone in [freed, lapsed, expired] {
        assert!(voice.load(&gone.key).is_none());
        assert_eq!(voice.run(&ask(&gone)).grant.attempt, 1);
    }
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

/// An ordinary claim and settle write no line to the trail.
pub(super) fn i5_ordinary_calls_leave_no_trail(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_eq!(voice.mark(&run), Answer::Ok);
    assert_settled(voice.settle(&run, done("1")), State::Done);
    assert!(voice.trail(&call).is_empty());
}

/// The trail tells of errors, checks, late evidence and operators, oldest first, with who and why.
pub(super) fn i5_trail_tells_what_was_exceptional(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let (check, _) = voice.check(&ask(&call).checks(0));
    assert_eq!(voice.proceed(&check), Answer::Ok);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Revoke { operator: operator.clone() }), Answer::Ok);
    assert_eq!(voice.note(&call, "said \"done\" \0 é"), Answer::Ok);
    let events = voice.events(&call);
    assert_eq!(events, ["in_doubt", "taken_over", "check_did_not_happen", "revoked", "late_evidence"]);
    let trail = voice.trail(&call);
    assert_eq!(trail[0].why.as_deref(), Some("cut off"));
    assert_eq!((trail[0].before, trail[0].after), (Some(State::Running), Some(State::InDoubt)));
    assert_eq!((&trail[3].by, &trail[3].why), (&Some(operator.by), &Some(operator.why)));
    assert_eq!((trail[3].before, trail[3].after), (Some(State::Running), Some(State::Free)));
    assert_eq!(trail[4].why.as_deref(), Some("said \"done\" \0 é"));
    assert!(trail.is_sorted_by_key(|line| line.at) && trail.is_sorted_by_key(|line| line.fence));
    assert_eq!(trail[3].fence, voice.record(&call).fence);
}

/// The trail of a key is still there when its record has been forgotten or swept.
pub(super) fn i5_trail_outlives_the_record(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Forget { operator }), Answer::Ok);
    assert!(voice.load(&call.key).is_none());
    assert_eq!(voice.events(&call), ["in_doubt", "resolved_not_done", "forgotten"]);
    assert_eq!(voice.trail(&call)[2].after, None);
    assert_doubt_free(&voice, &call);
}

fn assert_doubt_free(voice: &Voice, call: &Arc<Subject>) {
    voice.run_into_doubt(&ask(call));
    assert_doubt(voice.claim(&ask(call)));
    assert_eq!(voice.events(call).len(), 4);
}

/// Whoever waits for a change is woken when the holder settles, frees, parks or is revoked.
pub(super) fn i5_changed_wakes_when_the_attempt_ends(bench: &Bench) {
    let voice = bench.voice();
    for end in 0..4 {
        let call = subject();
        let run = voice.run(&ask(&call));
        let (bell, rung) = channel();
        let bell = Waker::from(Arc::new(Bell(bell)));
        let mut context = Context::from_waker(&bell);
        let mut changed = changed(&voice, &call.key, run.held.fence);
        // Waits already when the attempt ends; it may have completed for no reason, then there is no need.
        if changed.as_mut().poll(&mut context).is_ready() {
            continue;
        }
        match end {
            0 => assert_settled(voice.settle(&run, done("1")), State::Done),
            1 => assert_settled(voice.settle(&run, free()), State::Free),
            2 => assert_settled(voice.settle(&run, super::voice::in_doubt("x")), State::InDoubt),
            _ => {
                let operator = voice.operator(&call);
                assert_eq!(voice.send(&call, Request::Revoke { operator }), Answer::Ok);
            }
        }
        while rung.recv().is_ok() && changed.as_mut().poll(&mut context).is_pending() {}
    }
}

/// Nobody waits for a change that has already come: another fence, an ended record, none at all.
pub(super) fn i5_changed_completes_for_what_is_over(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    wait(&voice, &call.key, Fence(1));
    let run = voice.run(&ask(&call));
    wait(&voice, &call.key, Fence(run.held.fence.0 ^ 1));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    wait(&voice, &call.key, run.held.fence);
}

/// Nobody waits for a holder that is dead.
pub(super) fn i5_changed_completes_for_a_dead_holder(bench: &Bench) {
    let call = subject();
    let run = bench.dying(|voice| voice.run(&ask(&call)));
    wait(&bench.voice(), &call.key, run.held.fence);
}

/// Sends a word when it is woken.
struct Bell(Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more once the wait is over.
        let _ = self.0.send(());
    }
}

fn wait(voice: &Voice, key: &Key, fence: Fence) {
    block_on(changed(voice, key, fence));
}

fn changed<'v>(voice: &'v Voice, key: &'v Key, fence: Fence) -> BoxFuture<'v, ()> {
    match voice.store.changed(key, fence) {
        Some(changed) => changed,
        None => panic!("the store cannot tell; declare `lacks {{ changed: \"why\" }}`"),
    }
}
