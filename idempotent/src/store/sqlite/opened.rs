//! What the stores of this process have open.
//!
//! Within a process SQLite shares the index of a log between all connections to a database, also after its name is gone.
//! A second store that is opened then would have the old one, while it sees the new one that other programs have.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::place::Identity;

/// A database, and the index of its log.
type Pair = (Identity, Option<Identity>);

static OPENED: Mutex<Vec<Pair>> = Mutex::new(Vec::new());

/// What one store has open. Forgotten when it is dropped, which must be before its connections are closed.
#[derive(Debug)]
pub(super) struct Opened(Pair);

impl Opened {
    /// Remembers what a store has opened; `None` if another store of this process has another index open.
    pub(super) fn remember(database: Identity, index: Option<Identity>) -> Option<Opened> {
        let pair = (database, index);
        let mut all = lock();
        if all.iter().any(|other| other.0 == database && *other != pair) {
            return None;
        }
        all.push(pair);
        Some(Opened(pair))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut all = lock();
        if let Some(at) = all.iter().position(|other| *other == self.0) {
            all.swap_remove(at);
        }
    }
}

/// Each change is a single push or removal, so a poisoned lock holds nothing half done.
fn lock() -> MutexGuard<'static, Vec<Pair>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}
