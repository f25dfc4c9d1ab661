//! Since when this process has seen the very same bytes under a key: how old a claim is where no clock is shared.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::stored::Stamp;
use crate::key::Key;
use crate::protocol::Micros;

/// How many keys are watched at a time. One that gives way is merely watched anew.
const MOST: usize = 65_536;

/// When each entry was first seen, on this process's steady clock.
#[derive(Default)]
pub(super) struct Watched(Mutex<HashMap<Key, (Stamp, Micros)>>);

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Stamp, Micros)>> {
        // Each change is one insert or remove, so a poisoned lock holds nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the entry was first seen, and whether that is `now`.
    pub(super) fn since(&self, key: &Key, stamp: Stamp, now: Micros) -> (Micros, bool) {
        let mut seen = self.lock();
        match seen.get(key) {
            Some((known, since)) if *known == stamp => (*since, false),
            Some(_) | None => {
                make_room(&mut seen, key);
                seen.insert(*key, (stamp, now));
                (now, true)
            }
        }
    }

    /// This process has written the entry itself.
    pub(super) fn wrote(&self, key: &Key, stamp: Stamp, now: Micros) {
        let mut seen = self.lock();
        make_room(&mut seen, key);
        seen.insert(*key, (stamp, now));
    }

    /// Nothing of the entry depends on the time any more.
    pub(super) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }
}

fn make_room(seen: &mut HashMap<Key, (Stamp, Micros)>, key: &Key) {
    if seen.len() >= MOST
        && !seen.contains_key(key)
        && let Some(any) = seen.keys().next().copied()
    {
        seen.remove(&any);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when an entry that has changed keeps its age, or one that has not loses it.
    #[test]
    fn another_stamp_begins_anew() {
        let (watched, key) = (Watched::default(), Key::from_bytes([7; 32]));
        let (one, other) = (Stamp::new().unwrap(), Stamp::new().unwrap());
        assert_eq!(watched.since(&key, one, 10), (10, true));
        assert_eq!(watched.since(&key, one, 20), (10, false));
        assert_eq!(watched.since(&key, other, 30), (30, true));
        assert_eq!(watched.since(&key, one, 40), (40, true));
        watched.wrote(&key, other, 35);
        assert_eq!(watched.since(&key, other, 50), (35, false));
    }

    /// Red when the memory of what was seen grows without a bound.
    #[test]
    fn no_more_than_so_many_are_watched() {
        let watched = Watched::default();
        let stamp = Stamp::new().unwrap();
        for number in 0..MOST as u64 + 10 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            watched.since(&Key::from_bytes(key), stamp, 1);
        }
        assert_eq!(watched.lock().len(), MOST);
    }
}
