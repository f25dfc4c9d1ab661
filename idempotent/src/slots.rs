//! Callers in one process that want the same key wait on each other, without touching the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use event_listener::{Event, EventListener};

use crate::key::Key;
use crate::protocol::Ending;

const SHARDS: usize = 16;

/// Who is at work on which key in this process.
#[derive(Default)]
pub(crate) struct Slots {
    shards: [Mutex<HashMap<Key, Arc<Slot>>>; SHARDS],
}

/// One key that somebody in this process is at work on.
pub(crate) struct Slot {
    fingerprint: [u8; 64],
    /// Set once, when that work is over: the ending to share, or `None` to look for oneself.
    over: OnceLock<Option<Ending>>,
    /// The attempt has ended without a word, and the keeper is about to record that.
    ending: AtomicBool,
    bell: Event,
}

/// What a caller finds.
pub(crate) enum Found {
    /// Nobody: the caller is at work on the key until its turn is dropped.
    Mine(Turn),
    /// Another call with the same arguments.
    Same(Arc<Slot>),
    /// A call with other arguments that is still under way: only the store can judge.
    Other,
    /// A call with other arguments that has ended, which is about to be recorded: it may leave the key free.
    Ending(Arc<Slot>),
}

/// The right to be the only one of this process that asks the store about a key.
pub(crate) struct Turn {
    slots: Arc<Slots>,
    key: Key,
    slot: Arc<Slot>,
}

impl Slots {
    fn shard(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Arc<Slot>>> {
        // Each change is one insert or remove, so a poisoned lock holds nothing half done.
        self.shards[usize::from(key.as_bytes()[1]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(self: &Arc<Self>, key: Key, fingerprint: [u8; 64]) -> Found {
        let mut shard = self.shard(&key);
        match shard.get(&key) {
            Some(slot) if slot.fingerprint == fingerprint => Found::Same(Arc::clone(slot)),
            Some(slot) if slot.ending.load(Ordering::Relaxed) => Found::Ending(Arc::clone(slot)),
            Some(_) => Found::Other,
            None => {
                let slot = Arc::new(Slot {
                    fingerprint,
                    over: OnceLock::new(),
                    ending: AtomicBool::new(false),
                    bell: Event::new(),
                });
                shard.insert(key, Arc::clone(&slot));
                Found::Mine(Turn { slots: Arc::clone(self), key, slot })
            }
        }
    }
}

impl Slot {
    /// The ending to share, `Some(None)` if there is none, `None` while the work goes on.
    pub(crate) fn over(&self) -> Option<Option<Ending>> {
        self.over.get().cloned()
    }

    pub(crate) fn listen(&self) -> EventListener {
        self.bell.listen()
    }
}

impl Turn {
    /// Says that the work is over but for recording that it is.
    pub(crate) fn ends(&self) {
        self.slot.ending.store(true, Ordering::Relaxed);
    }

    /// Shares a recorded ending with those who wait.
    pub(crate) fn share(self, ending: Ending) {
        // Nobody else sets it: a slot has one turn, and it is consumed here.
        let _ = self.slot.over.set(Some(ending));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.slots.shard(&self.key).remove(&self.key);
        self.slot.over.get_or_init(|| None);
        self.slot.bell.notify(usize::MAX);
    }
}
