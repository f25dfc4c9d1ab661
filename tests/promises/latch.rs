//! A place in a body where it waits until the test lets it go on.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// Longer than any working test takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Latch {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    arrived: usize,
    open: bool,
}

impl Latch {
    /// Arrives, and waits until the latch is open.
    pub(crate) fn pass(&self) {
        self.state.lock().unwrap().arrived += 1;
        self.bell.notify_all();
        self.until(|state| state.open, "the latch was not opened");
    }

    /// Waits until `count` have arrived.
    pub(crate) fn reached(&self, count: usize) {
        self.until(|state| state.arrived >= count, "nobody arrived at the latch");
    }

    /// Lets everybody go on.
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().open = true;
        self.bell.notify_all();
    }

    fn until(&self, so: impl Fn(&State) -> bool, otherwise: &str) {
        let state = self.state.lock().unwrap();
        let (_state, waited) = self.bell.wait_timeout_while(state, PATIENCE, |state| !so(state)).unwrap();
        assert!(!waited.timed_out(), "{otherwise} within {PATIENCE:?}");
    }
}
