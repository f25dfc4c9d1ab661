//! Turns between processes that write.
//!
//! Two lock files: a writer waits in `queue`, takes `turn`, lets the next one into `queue`, and only then
//! takes its batch. Without them a busy process starves the others on SQLite's own lock. They are skipped
//! while no other process holds a lock file of its own: a new one changes the folder's time, and so is noticed
//! with the next batch; a dead one within a second.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::fault::Fault;
use super::holders::Holders;
use super::place::{Place, lock_file};

/// How long the belief to be alone lasts.
const BELIEVED: Duration = Duration::from_secs(1);

pub(super) struct Turn {
    place: Place,
    queue: File,
    turn: Arc<File>,
    alone: bool,
    looked: Option<Look>,
}

/// When the folder of lock files was looked through, and how old its entries were then.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    changed: Option<SystemTime>,
}

/// Ends the turn when it is dropped.
pub(super) struct Taken(Option<Arc<File>>);

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(turn) = &self.0 {
            // Closing the file would free it, too; there is nobody to tell.
            let _ = turn.unlock();
        }
    }
}

impl Turn {
    pub(super) fn open(place: &Place) -> Result<Turn, Fault> {
        let open = |name| {
            let path = place.holders.join(name);
            lock_file(&path).map_err(|error| Fault::io("open", &path, error))
        };
        let (queue, turn) = (open("queue")?, Arc::new(open("turn")?));
        Ok(Turn { place: place.clone(), queue, turn, alone: false, looked: None })
    }

    /// Whether no other process writes, as of the last look.
    pub(super) fn alone(&self) -> bool {
        self.alone
    }

    /// Somebody else holds the write lock: look again at once.
    pub(super) fn doubt(&mut self) {
        self.looked = None;
    }

    fn look(&mut self, holders: &Holders) {
        // Read before the files are: whoever comes in between is seen the next time.
        let changed = fs::metadata(&self.place.holders).and_then(|found| found.modified()).ok();
        let stale = |look: Look| look.changed != changed || look.at.elapsed() >= BELIEVED;
        if self.looked.is_none_or(stale) {
            self.alone = !holders.others_alive();
            self.looked = Some(Look { at: Instant::now(), changed });
        }
    }

    /// Waits for this process's turn. The lock has no timeout: whoever waits for an answer bounds the wait.
    pub(super) fn take(&mut self, holders: &Holders) -> Result<Taken, Fault> {
        self.look(holders);
        if self.alone {
            return Ok(Taken(None));
        }
        let failed = |error| Fault::io("take turns in", &self.place.holders, error);
        self.queue.lock().map_err(failed)?;
        let turn = self.turn.lock().map(|()| Taken(Some(Arc::clone(&self.turn))));
        self.queue.unlock().map_err(failed)?;
        turn.map_err(failed)
    }

    /// Takes the turn if nobody is in it and nobody waits for it.
    pub(super) fn try_take(&mut self, holders: &Holders) -> Option<Taken> {
        self.look(holders);
        if self.alone {
            return Some(Taken(None));
        }
        self.queue.try_lock().ok()?;
        let turn = self.turn.try_lock().map(|()| Taken(Some(Arc::clone(&self.turn))));
        let _ = self.queue.unlock();
        turn.ok()
    }
}
