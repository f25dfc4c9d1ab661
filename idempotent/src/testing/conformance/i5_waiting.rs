//! I5: whoever waits for a holder is woken when there is something to see.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Wake, Waker};

use super::bench::Bench;
use super::voice::{Voice, ask, assert_settled, done, free, subject};
use crate::block_on::block_on;
use crate::key::Key;
use crate::protocol::{Answer, Fence, Request, State};
use crate::store::BoxFuture;

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
