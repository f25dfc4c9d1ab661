//! I5: a sweep removes what is over, and nothing that anybody is at work on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{
    Tries, Voice, ask, assert_doubt, assert_replay, assert_settled, done, done_for, free, subject,
};
use crate::protocol::State;
use crate::store::Subject;

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

/// Sweeps that go on all the time take nothing from the calls beside them: no claim, no mark, no result, no doubt.
pub(super) fn i5_sweeps_beside_calls_take_nothing_from_them(bench: &Bench) {
    const CALLERS: usize = 4;
    /// How often each caller lives at least, and how often is swept meanwhile.
    const LIVES: usize = 10;
    const SWEEPS: usize = 40;
    let voice = bench.voice();
    let (over, swept) = (AtomicBool::new(false), AtomicUsize::new(0));
    let call = || {
        let mut ended: Vec<_> = (0..LIVES).map(|_| live(&voice)).collect();
        let mut tries = Tries::default();
        while swept.load(Ordering::Relaxed) < SWEEPS {
            ended.push(live(&voice));
            tries.again("a number of sweeps");
        }
        for (done, doubt) in ended {
            assert_replay(voice.claim(&ask(&done)), "1");
            assert_doubt(voice.claim(&ask(&doubt)));
        }
    };
    thread::scope(|scope| {
        let sweepers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        voice.sweep(100);
                        swept.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        let ends: Vec<_> = callers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Before anything is told: the sweepers would never be joined.
        over.store(true, Ordering::Relaxed);
        sweepers.into_iter().for_each(joined);
        for end in ends {
            if let Err(panic) = end {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// A key that is freed and claimed many times, so that a sweep sees it as free, and then has a result; and one in doubt.
fn live(voice: &Voice) -> (Arc<Subject>, Arc<Subject>) {
    let call = subject();
    let mut last = None;
    for _ in 0..5 {
        let run = voice.run(&ask(&call));
        assert!(last < Some(run.held.fence), "the fences went back");
        last = Some(run.held.fence);
        assert_settled(voice.settle(&run, free()), State::Free);
        // Lets a sweep see it so.
        thread::yield_now();
    }
    let expired = voice.run(&ask(&call));
    assert_settled(voice.settle(&expired, done_for("0", Some(0))), State::Done);
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let doubt = subject();
    voice.run_into_doubt(&ask(&doubt));
    (call, doubt)
}
