//! I1: at most one grant per key is current, and a holder whose claim was taken learns it.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use super::bench::Bench;
use super::voice::{
    Attempt, HOUR, Tries, Voice, ask, assert_busy, assert_fenced, assert_settled, done, failed, free,
    in_doubt, random, subject,
};
use crate::protocol::{Answer, Held, Request, State, Status, Token};

/// The first claim of a key runs, as attempt 1, and begins its life.
pub(super) fn i1_first_claim_runs(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    assert!(voice.load(&call.key).is_none());
    let first = ask(&call);
    let run = voice.run(&first);
    assert_eq!((run.grant.attempt, run.grant.generation, run.grant.prior), (1, first.token, false));
    let entry = voice.entry(&call);
    assert_eq!(entry.status, Status::Live);
    let record = voice.record(&call);
    assert_eq!(
        (record.state, record.fence, record.owner),
        (State::Running, run.held.fence, Some(first.token))
    );
}

/// A claim of a key that is held is busy, and told by whom or for how long.
pub(super) fn i1_second_claim_is_busy_and_says_with_whom(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    for other in [ask(&call), ask(&call).checks(0), ask(&call).reruns()] {
        let Answer::Busy(busy) = voice.claim(&other) else { panic!("a second holder was let in") };
        assert_eq!((busy.fence, busy.attempt), (run.held.fence, 1));
        if voice.store.lease().is_deadline {
            assert!(0 < busy.left && busy.left <= bench.length(), "{} of {}", busy.left, bench.length());
        } else {
            assert!(busy.holder.is_some() && busy.named.is_some(), "the holder's process: {busy:?}");
        }
    }
}

/// A claim whose answer was lost is granted again with the same fence, and is no new attempt.
pub(super) fn i1_retried_claim_gets_the_same_grant(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run(&first);
    let again = voice.run(&first);
    assert_eq!(run.grant, again.grant);
    assert_settled(voice.settle(&again, done("1")), State::Done);
}

/// A copy of a claim that arrives after its attempt ended is stale and grants nothing.
pub(super) fn i1_late_copy_of_an_ended_claim_is_stale(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run(&first);
    assert_settled(voice.settle(&run, free()), State::Free);
    assert_eq!(voice.claim(&first), Answer::Stale);
    assert_eq!(voice.record(&call).state, State::Free);
}

/// Of eight threads that claim one key at once, one runs and seven are busy.
pub(super) fn i1_eight_threads_one_run(bench: &Bench) {
    let voice = bench.voice();
    for _ in 0..20 {
        let call = subject();
        let start = Barrier::new(8);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let claims: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let ask = ask(&call);
                        start.wait();
                        voice.claim(&ask)
                    })
                })
                .collect();
            claims.into_iter().map(joined).collect()
        });
        let runs = answers.iter().filter(|answer| matches!(answer, Answer::Run(_))).count();
        let busy = answers.iter().filter(|answer| matches!(answer, Answer::Busy(_))).count();
        assert_eq!((runs, busy), (1, 7), "{answers:?}");
    }
}

/// Threads that claim and free one key in turns never hold it at once, and no attempt is lost in the count.
pub(super) fn i1_racing_claims_take_turns(bench: &Bench) {
    const THREADS: u32 = 4;
    const TURNS: u32 = 25;
    let (voice, call) = (bench.voice(), subject());
    let fences = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut fences, mut tries) = (Vec::new(), Tries::default());
                    while fences.len() < TURNS as usize {
                        let ask = ask(&call);
                        if let Answer::Run(grant) = voice.claim(&ask) {
                            fences.push(grant.fence);
                            let held = Held { token: ask.token, fence: grant.fence };
                            let freed = Attempt { subject: call.clone(), held, grant };
                            assert_settled(voice.settle(&freed, free()), State::Free);
                        } else {
                            tries.again("a turn");
                        }
                    }
                    fences
                })
            })
            .collect();
        threads.into_iter().flat_map(joined).collect::<BTreeSet<_>>()
    });
    assert_eq!(fences.len() as u32, THREADS * TURNS, "a fence was granted twice");
    assert_eq!(voice.record(&call).attempt, THREADS * TURNS);
}

/// After another has taken over, every move of the old holder is refused.
pub(super) fn i1_late_settle_is_fenced(bench: &Bench) {
    let call = subject();
    let old = bench.dying(|voice| voice.run(&ask(&call)));
    let voice = bench.voice();
    let new = voice.run(&ask(&call));
    assert_eq!(new.grant.attempt, 2);
    for ending in [free(), in_doubt("late"), failed("\"late\""), done("\"late\"")] {
        assert_fenced(voice.settle(&old, ending));
    }
    assert_eq!(voice.record(&call).owner, Some(new.held.token));
    assert_settled(voice.settle(&new, done("\"new\"")), State::Done);
}

/// After another has taken over, the old holder cannot mark: it is stopped before its effect.
pub(super) fn i1_late_mark_is_fenced(bench: &Bench) {
    let call = subject();
    let old = bench.dying(|voice| voice.run(&ask(&call)));
    let voice = bench.voice();
    let new = voice.run(&ask(&call));
    assert_fenced(voice.mark(&old));
    assert!(!voice.record(&call).effect, "the mark of the old holder was written to the new one");
    assert_eq!(voice.mark(&new), Answer::Ok);
    assert!(voice.record(&call).effect);
}

/// After another has taken over, the old holder can neither renew nor proceed.
pub(super) fn i1_late_renew_and_proceed_are_fenced(bench: &Bench) {
    let call = subject();
    let old = bench.dying(|voice| voice.run(&ask(&call)));
    let voice = bench.voice();
    voice.run(&ask(&call));
    assert_fenced(voice.renew(&old));
    assert_fenced(voice.proceed(&old));
}

/// A holder whose claim an operator has revoked is refused whatever it sends, and so is its claim's retry.
pub(super) fn i1_revoked_holder_is_fenced(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run(&first);
    let revoked = voice.send(&call, Request::Revoke { operator: voice.operator(&call) });
    assert_eq!(revoked, Answer::Ok);
    assert_eq!(voice.record(&call).state, State::Free);
    assert_fenced(voice.mark(&run));
    assert_fenced(voice.renew(&run));
    for ending in [done("1"), failed("1"), in_doubt("hung")] {
        assert_fenced(voice.settle(&run, ending));
    }
    assert_eq!(voice.run(&ask(&call)).grant.attempt, 2);
}

/// The right fence with another token moves nothing.
pub(super) fn i1_fence_alone_is_not_enough(bench: &Bench) {
    nothing_moves(bench, |held| Held { token: Token(random()), ..held });
}

/// The right token with another fence moves nothing.
pub(super) fn i1_token_alone_is_not_enough(bench: &Bench) {
    nothing_moves(bench, |mut held| {
        held.fence.0 ^= 1;
        held
    });
}

fn nothing_moves(bench: &Bench, forge: fn(Held) -> Held) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    let before = voice.record(&call);
    let forged = Attempt { held: forge(run.held), ..run.clone() };
    assert_fenced(voice.mark(&forged));
    assert_fenced(voice.renew(&forged));
    assert_fenced(voice.proceed(&forged));
    for ending in [free(), in_doubt("forged"), failed("1"), done("1")] {
        assert_fenced(voice.settle(&forged, ending));
    }
    assert_eq!(voice.record(&call), before);
}

/// A grant over a dead holder, and one after a free key, has a higher fence than the one before.
pub(super) fn i1_fences_grow_with_every_grant(bench: &Bench) {
    let call = subject();
    let mut last = bench.dying(|voice| voice.run(&ask(&call))).held.fence;
    let voice = bench.voice();
    for _ in 0..50 {
        let run = voice.run(&ask(&call));
        assert!(run.held.fence > last, "{} after {last}", run.held.fence);
        last = run.held.fence;
        assert_settled(voice.settle(&run, free()), State::Free);
    }
}

/// An operator's write takes the next fence, so that holders and other operators learn of it.
pub(super) fn i1_fences_grow_with_an_operators_write(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run_into_doubt(&ask(&call));
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    let resolved = voice.record(&call).fence;
    assert!(resolved > run.held.fence);
    assert!(voice.run(&ask(&call)).held.fence > resolved);
}

/// A key that was swept does not begin again at an old fence.
pub(super) fn i1_fences_never_restart_after_a_sweep(bench: &Bench) {
    fences_go_on(bench, |voice, last| {
        assert_settled(voice.settle(last, free()), State::Free);
        voice.sweep_all();
        assert!(voice.load(&last.subject.key).is_none(), "a free record is not swept");
    });
}

/// A key that was forgotten does not begin again at an old fence.
pub(super) fn i1_fences_never_restart_after_forget(bench: &Bench) {
    fences_go_on(bench, |voice, last| {
        assert_settled(voice.settle(last, done("1")), State::Done);
        let operator = voice.operator(&last.subject);
        assert_eq!(voice.send(&last.subject, Request::Forget { operator }), Answer::Ok);
        assert!(voice.load(&last.subject.key).is_none());
    });
}

/// A key whose result has expired does not begin again at an old fence.
pub(super) fn i1_fences_never_restart_after_expiry(bench: &Bench) {
    fences_go_on(bench, |voice, last| {
        assert_settled(voice.settle(last, super::voice::done_for("1", Some(0))), State::Done);
    });
}

/// Many grants on one key, then `end`, then one more.
fn fences_go_on(bench: &Bench, end: impl Fn(&Voice, &Attempt)) {
    let (voice, call) = (bench.voice(), subject());
    let mut last = voice.run(&ask(&call));
    for _ in 0..30 {
        assert_settled(voice.settle(&last, free()), State::Free);
        last = voice.run(&ask(&call));
    }
    end(&voice, &last);
    let new = voice.run(&ask(&call));
    assert!(new.held.fence > last.held.fence, "{} after {}", new.held.fence, last.held.fence);
    assert_fenced(voice.settle(&last, in_doubt("late")));
}

/// A holder that is not dead stays the holder, whatever policy the others call with.
pub(super) fn i1_doubt_policies_do_not_touch_a_live_holder(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call).unmarked());
    for other in [ask(&call).unmarked(), ask(&call).checks(HOUR), ask(&call).reruns()] {
        assert_busy(voice.claim(&other));
    }
    assert_settled(voice.settle(&run, done("1")), State::Done);
}

pub(super) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
