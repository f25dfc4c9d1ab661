//! Callers of one process that write under one key take turns, so that they do not spoil each other's swaps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;

use crate::key::Key;

/// Whose turn it is, key by key.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<Key, Queue>>);

#[derive(Default)]
struct Queue {
    taken: bool,
    waiting: usize,
    bell: Arc<Event>,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Queue>> {
        // Flag, count and entry change together under the lock, without a call that could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn under `key`. Whether it had to be waited for.
    pub(super) async fn take(&self, key: Key) -> (Turn<'_>, bool) {
        let mut waiting: Option<Waiting<'_>> = None;
        loop {
            let rung = {
                let mut queues = self.lock();
                let queue = queues.entry(key).or_default();
                if !queue.taken {
                    queue.taken = true;
                    drop(queues);
                    return (Turn { turns: self, key }, waiting.is_some());
                }
                if waiting.is_none() {
                    queue.waiting += 1;
                    waiting = Some(Waiting { turns: self, key });
                }
                queue.bell.listen()
            };
            rung.await;
        }
    }
}

/// One who waits. Dropped with the future, too.
struct Waiting<'t> {
    turns: &'t Turns,
    key: Key,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.lock();
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.waiting -= 1;
            if queue.waiting == 0 && !queue.taken {
                queues.remove(&self.key);
            }
        }
    }
}

/// The right to be the only one of this process that writes under a key.
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    key: Key,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let bell = {
            let mut queues = self.turns.lock();
            match queues.get_mut(&self.key) {
                Some(queue) if queue.waiting > 0 => {
                    queue.taken = false;
                    Some(Arc::clone(&queue.bell))
                }
                Some(_) | None => {
                    queues.remove(&self.key);
                    None
                }
            }
        };
        if let Some(bell) = bell {
            bell.notify(1);
        }
    }
}
