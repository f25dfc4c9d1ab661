//! A place where calls wait until the test lets them go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, Listener};

/// How long a test waits for a call to arrive at a gate before it is called broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds calls back until it is opened: a delay that the test ends, not the clock. Clones are the same gate.
///
/// ```
/// use idempotent::testing::{Call, Fault, FaultyStore, Gate};
/// use idempotent::MemoryStore;
///
/// let gate = Gate::new();
/// let store = FaultyStore::new(MemoryStore::new()).on(Call::Settle.nth(1), Fault::HoldAnswer(gate.clone()));
/// // .. in another thread a call settles: the record is written, its caller does not know it yet ..
/// // gate.reached_blocking(1);
/// gate.open();
/// # let _ = store;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: AtomicBool,
    arrived: AtomicUsize,
    /// Rings when a call arrives and when the gate opens.
    bell: Event,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Lets all calls through, those that wait and those to come.
    pub fn open(&self) {
        self.inner.open.store(true, Ordering::SeqCst);
        self.inner.bell.notify(usize::MAX);
    }

    /// How many calls have arrived so far, whether they still wait or not.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.inner.arrived.load(Ordering::SeqCst)
    }

    /// Completes when `count` calls have arrived.
    pub async fn reached(&self, count: usize) {
        while let Some(bell) = self.unless(|inner| inner.arrived.load(Ordering::SeqCst) >= count) {
            bell.await;
        }
    }

    /// Blocks this thread until `count` calls have arrived.
    ///
    /// # Panics
    /// If they have not after a minute, which no working test takes.
    pub fn reached_blocking(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(bell) = self.unless(|inner| inner.arrived.load(Ordering::SeqCst) >= count) {
            assert!(
                bell.wait_deadline(deadline).is_some(),
                "{} of {count} calls arrived at the gate within {PATIENCE:?}",
                self.arrived()
            );
        }
    }

    /// Arrives, and waits for the gate to open.
    pub(super) async fn pass(&self) {
        self.inner.arrived.fetch_add(1, Ordering::SeqCst);
        self.inner.bell.notify(usize::MAX);
        while let Some(bell) = self.unless(|inner| inner.open.load(Ordering::SeqCst)) {
            bell.await;
        }
    }

    /// What to wait on, unless it is so already. Listens before it looks, so that no ring is missed.
    fn unless(&self, so: impl Fn(&Inner) -> bool) -> Option<EventListener> {
        if so(&self.inner) {
            return None;
        }
        let listener = self.inner.bell.listen();
        (!so(&self.inner)).then_some(listener)
    }
}
