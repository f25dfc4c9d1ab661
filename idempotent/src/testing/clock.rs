//! A clock that stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::protocol::Micros;

/// A [`Clock`] in the hands of the test. Clones show the same time.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use idempotent::{Clock, MemoryStore, testing::FakeClock};
///
/// let clock = FakeClock::new();
/// let store = MemoryStore::with_clock(Arc::new(clock.clone()));
/// let before = clock.now();
/// clock.advance(Duration::from_secs(16)); // every lease of 15 seconds in `store` has lapsed
/// assert_eq!(clock.now() - before, 16_000_000);
/// # let _ = store;
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock {
    hands: Arc<Hands>,
}

#[derive(Debug)]
struct Hands {
    steady: AtomicI64,
    wall: AtomicI64,
}

impl FakeClock {
    /// A clock that shows one hour since the machine started, and 2026-01-01 00:00 UTC.
    #[must_use]
    pub fn new() -> FakeClock {
        FakeClock::at(3_600_000_000, 1_767_225_600_000_000)
    }

    /// A clock that shows these microseconds, steady and on the wall.
    #[must_use]
    pub fn at(steady: Micros, wall: Micros) -> FakeClock {
        FakeClock { hands: Arc::new(Hands { steady: steady.into(), wall: wall.into() }) }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        self.advance_steady(by);
        self.advance_wall(by);
    }

    /// Lets time pass on the steady clock alone: leases and quiet time.
    pub fn advance_steady(&self, by: Duration) {
        self.hands.steady.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Lets time pass on the wall clock alone: expiry.
    pub fn advance_wall(&self, by: Duration) {
        self.hands.wall.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Sets the steady clock. A real one never goes back; a test may want to see what happens.
    pub fn set_steady(&self, to: Micros) {
        self.hands.steady.store(to, Ordering::SeqCst);
    }

    /// Steps the wall clock by so many microseconds, forward or back.
    pub fn step_wall(&self, by: Micros) {
        self.hands.wall.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the wall clock, forward or back, as an administrator does.
    pub fn set_wall(&self, to: Micros) {
        self.hands.wall.store(to, Ordering::SeqCst);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        FakeClock::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Micros {
        self.hands.steady.load(Ordering::SeqCst)
    }

    fn wall(&self) -> Micros {
        self.hands.wall.load(Ordering::SeqCst)
    }
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when `Clone` copies the hands, or when one clock moves the other.
    #[test]
    fn clones_share_the_hands_and_the_clocks_move_apart() {
        let clock = FakeClock::at(10, 20);
        let other = clock.clone();
        other.advance_steady(Duration::from_micros(1));
        other.advance_wall(Duration::from_micros(2));
        assert_eq!((clock.now(), clock.wall()), (11, 22));
        other.advance(Duration::from_micros(5));
        assert_eq!((clock.now(), clock.wall()), (16, 27));
        other.step_wall(-7);
        assert_eq!((clock.now(), clock.wall()), (16, 20));
        other.set_wall(3);
        other.set_steady(4);
        assert_eq!((clock.now(), clock.wall()), (4, 3));
    }
}
