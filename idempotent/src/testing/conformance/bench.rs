//! What a store's author hands to the suite: the store, and what can be done to it from outside.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::voice::Voice;
use crate::key::Key;
use crate::protocol::{Fence, Micros};
use crate::store::Store;

type Open = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;
type Advance = Box<dyn Fn(Duration) + Send + Sync>;
type Step = Box<dyn Fn(Micros) + Send + Sync>;
type Corrupt = Box<dyn Fn(&Key) + Send + Sync>;

/// A store on the bench: a fresh one for each case, with what a case may do to it from outside.
///
/// ```
/// use std::sync::Arc;
/// use idempotent::{MemoryStore, testing::{Bench, FakeClock}};
///
/// let clock = FakeClock::new();
/// let bench = Bench::new(MemoryStore::with_clock(Arc::new(clock.clone())))
///     .advance(move |by| clock.advance(by));
/// # let _ = bench;
/// ```
pub struct Bench {
    // Dropped in this order: the store before what it lives in.
    store: Option<Arc<dyn Store>>,
    open: Option<Open>,
    advance: Option<Advance>,
    step: Option<Step>,
    corrupt: Option<Corrupt>,
    guards: Vec<Box<dyn Any + Send + Sync>>,
}

impl Bench {
    /// A bench with this store. The suite never clears it and uses keys, scopes and operations of its own, so
    /// it may hold other records.
    pub fn new(store: impl Store) -> Bench {
        Bench {
            store: Some(Arc::new(store)),
            open: None,
            advance: None,
            step: None,
            corrupt: None,
            guards: Vec::new(),
        }
    }

    /// Keeps `guard`, a temporary folder for instance, until the store is gone.
    #[must_use]
    pub fn guard(mut self, guard: impl Any + Send + Sync) -> Bench {
        self.guards.push(Box::new(guard));
        self
    }

    /// The capability `reopen`: `open` opens the same records once more, as another process would.
    ///
    /// Where the store sees its holders live (its lease is no deadline), a store opened by this is also the
    /// way in which a case has a holder die: it claims through a second store and drops it, so that each
    /// opened store must be a holder of its own and dead when it has been dropped.
    #[must_use]
    pub fn reopen<S: Store>(mut self, open: impl Fn() -> S + Send + Sync + 'static) -> Bench {
        self.open = Some(Box::new(move || Arc::new(open())));
        self
    }

    /// The capability `advance`: lets time pass on the clocks of the store.
    ///
    /// Without it a case has a holder die by a claim whose lease is 0.
    #[must_use]
    pub fn advance(mut self, advance: impl Fn(Duration) + Send + Sync + 'static) -> Bench {
        self.advance = Some(Box::new(advance));
        self
    }

    /// The capability `wall`: sets the wall clock of the store forward by so many microseconds, or back, and leaves
    /// alone the clock that leases run on.
    #[must_use]
    pub fn step_wall(mut self, step: impl Fn(Micros) + Send + Sync + 'static) -> Bench {
        self.step = Some(Box::new(step));
        self
    }

    /// The capability `corrupt`: spoils what is stored under a key so that it does not decode any more.
    #[must_use]
    pub fn corrupt(mut self, corrupt: impl Fn(&Key) + Send + Sync + 'static) -> Bench {
        self.corrupt = Some(Box::new(corrupt));
        self
    }

    /// The store under test.
    pub(super) fn store(&self) -> &Arc<dyn Store> {
        let Some(store) = &self.store else {
            panic!("this case has closed its store and not opened it again");
        };
        store
    }

    /// Someone who speaks to the store under test.
    pub(super) fn voice(&self) -> Voice {
        Voice::new(Arc::clone(self.store()), self.length())
    }

    /// Does `act` through a holder which is dead on return.
    pub(super) fn dying<T>(&self, act: impl FnOnce(&Voice) -> T) -> T {
        let lease = self.store().lease();
        if !lease.is_deadline {
            let another = self.another("dying holders");
            return act(&Voice::new(another, self.length()));
        }
        if let Some(advance) = &self.advance {
            let done = act(&self.voice());
            advance(lease.length + Duration::from_secs(1));
            done
        } else {
            act(&Voice::new(Arc::clone(self.store()), 0))
        }
    }

    /// Opens the same records once more, beside the store under test.
    pub(super) fn another(&self, wanted: &str) -> Arc<dyn Store> {
        let Some(open) = &self.open else {
            panic!("{wanted} need `Bench::reopen`; or declare `lacks {{ reopen: \"why\", kill: \"why\" }}`");
        };
        open()
    }

    /// Closes the store under test and opens it again.
    pub(super) fn reopened(&mut self) {
        self.store = None;
        self.store = Some(self.another("reopened stores"));
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        let Some(advance) = &self.advance else {
            panic!("passing time needs `Bench::advance`; or declare `lacks {{ advance: \"why\" }}`");
        };
        advance(time);
    }

    /// Lets a little time pass where that can be had, for cases that show more then.
    pub(super) fn pass_if_it_can(&self, time: Duration) {
        if let Some(advance) = &self.advance {
            advance(time);
        }
    }

    /// Sets the wall clock forward or back.
    pub(super) fn step(&self, by: Micros) {
        let Some(step) = &self.step else {
            panic!(
                "a wall clock that is set needs `Bench::step_wall`; or declare `lacks {{ wall: \"why\" }}`"
            );
        };
        step(by);
    }

    /// Panics if one of these capabilities is offered all the same, is declared twice or without a reason.
    pub(super) fn lacks(&self, declared: &[(&str, &str)]) {
        for (place, (lack, why)) in declared.iter().enumerate() {
            assert!(!why.trim().is_empty(), "`lacks` gives no reason for `{lack}`");
            let again = declared[..place].iter().any(|(other, _)| other == lack);
            assert!(!again, "`lacks` names `{lack}` twice");
            let offered = match *lack {
                "reopen" => self.open.is_some(),
                "advance" => self.advance.is_some(),
                "wall" => self.step.is_some(),
                "corrupt" => self.corrupt.is_some(),
                "kill" => self.store().lease().is_deadline || self.open.is_some(),
                "changed" => self.store().changed(&Key::from_bytes([0; 32]), Fence(0)).is_some(),
                // Only the author knows how fast it is.
                "many" => false,
                other => panic!("`{other}` is no capability"),
            };
            assert!(
                !offered,
                "`lacks` names `{lack}`, which is offered: take it out, and its cases will run"
            );
        }
    }

    /// Spoils the record under `key`.
    pub(super) fn spoil(&self, key: &Key) {
        let Some(corrupt) = &self.corrupt else {
            panic!("spoiled records need `Bench::corrupt`; or declare `lacks {{ corrupt: \"why\" }}`");
        };
        corrupt(key);
    }

    /// The length of a lease.
    pub(super) fn length(&self) -> Micros {
        super::voice::micros(self.store().lease().length)
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("reopen", &self.open.is_some())
            .field("advance", &self.advance.is_some())
            .field("wall", &self.step.is_some())
            .field("corrupt", &self.corrupt.is_some())
            .finish_non_exhaustive()
    }
}
