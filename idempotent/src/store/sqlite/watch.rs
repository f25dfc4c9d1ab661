//! Waiting for a record to change.
//!
//! One thread per store, and only while somebody waits. It asks SQLite for `data_version`, which changes when
//! any other connection of any process commits, every millisecond at first and every ten when nothing happens;
//! and every ten it looks at the records themselves, because a holder that dies commits nothing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::fault::Fault;
use super::writer::Shared;
use crate::key::Key;
use crate::protocol::Fence;
use crate::store::reply::{Reply, Sender, slot};

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(10);

struct Waiter {
    key: Key,
    fence: Fence,
    reply: Sender<()>,
}

#[derive(Default)]
struct State {
    waiters: Vec<Waiter>,
    /// A commit of ours, or a new waiter: look at once.
    poked: bool,
    closing: bool,
    running: bool,
    thread: Option<JoinHandle<()>>,
}

/// Who waits, and the thread that looks for them.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    bell: Condvar,
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reply that comes when the record may no longer be running under `fence`. It also comes, without an
    /// answer, when the thread cannot be started.
    pub(super) fn wait(shared: &Arc<Shared>, key: Key, fence: Fence) -> Reply<()> {
        let (reply, waiting) = slot();
        let watch = &shared.engine.watch;
        let mut state = watch.state();
        state.waiters.push(Waiter { key, fence, reply });
        state.poked = true;
        if !state.running {
            let shared = Arc::clone(shared);
            let spawned = thread::Builder::new()
                .name("idempotent-watch".to_owned())
                .spawn(move || look_while_wanted(&shared));
            state.running = spawned.is_ok();
            match spawned {
                Ok(thread) => state.thread = Some(thread),
                Err(_) => state.waiters.clear(),
            }
        }
        drop(state);
        watch.bell.notify_one();
        waiting
    }

    /// This store has committed something.
    pub(super) fn poke(&self) {
        let mut state = self.state();
        if !state.waiters.is_empty() {
            state.poked = true;
            drop(state);
            self.bell.notify_one();
        }
    }

    /// Ends the thread, and waits for it unless it is the one that calls: a task that it wakes may be dropped there,
    /// with the store in it.
    pub(super) fn close(&self) {
        let thread = {
            let mut state = self.state();
            state.closing = true;
            state.thread.take()
        };
        self.bell.notify_one();
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            // A panic of that thread has been told by its own message.
            let _ = thread.join();
        }
    }

    /// Sleeps for `pause` or until poked. `None` when nobody waits any more.
    fn sleep(&self, pause: Duration) -> Option<bool> {
        let mut state = self.state();
        if !state.poked && !state.closing {
            (state, _) = self.bell.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiters.retain(|waiter| !waiter.reply.is_withdrawn());
        if state.waiters.is_empty() || state.closing {
            state.running = false;
            state.waiters.clear();
            return None;
        }
        Some(std::mem::take(&mut state.poked))
    }

    /// Completes the waiters for which `ended` says so.
    fn answer(&self, mut ended: impl FnMut(&Key, Fence) -> bool) {
        // The lock is not held while the records are read.
        let asked: Vec<(Key, Fence)> = {
            let mut asked: Vec<_> =
                self.state().waiters.iter().map(|waiter| (waiter.key, waiter.fence)).collect();
            asked.sort_unstable();
            asked.dedup();
            asked
        };
        let over: Vec<(Key, Fence)> = asked.into_iter().filter(|(key, fence)| ended(key, *fence)).collect();
        let mut done = Vec::new();
        self.state().waiters.retain_mut(|waiter| {
            let is_over = over.contains(&(waiter.key, waiter.fence));
            if is_over {
                done.push(std::mem::replace(&mut waiter.reply, slot().0));
            }
            !is_over
        });
        for reply in done {
            reply.send(());
        }
    }
}

fn look_while_wanted(shared: &Shared) {
    let watch = &shared.engine.watch;
    let mut eye = None;
    let mut pause = SHORTEST;
    let mut looked = Instant::now();
    while let Some(poked) = watch.sleep(pause) {
        let changed = match version(shared, &mut eye) {
            Ok(changed) => changed,
            Err(_) => {
                // They look for themselves, and are told what is wrong.
                watch.answer(|_, _| true);
                (eye, pause) = (None, LONGEST);
                continue;
            }
        };
        pause = if changed || poked { SHORTEST } else { (pause * 3 / 2).min(LONGEST) };
        if changed || poked || looked.elapsed() >= LONGEST {
            looked = Instant::now();
            watch.answer(|key, fence| {
                let running = shared.readers.read(&shared.engine, |eyes| eyes.still_running(key, fence));
                !running.unwrap_or(false)
            });
        }
    }
}

/// Whether anybody has committed since the last time.
fn version(shared: &Shared, eye: &mut Option<(Connection, i64)>) -> Result<bool, Fault> {
    let (connection, seen) = match eye {
        Some(eye) => eye,
        none => none.insert((shared.engine.connect_reader()?, 0)),
    };
    let version = connection
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
        .map_err(|error| Fault::sqlite("watch", &shared.engine.place.database, error))?;
    let changed = *seen != version;
    *seen = version;
    Ok(changed)
}
