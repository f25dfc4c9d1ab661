//! A fresh store and a fresh ledger for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use idempotent::store::{CasStore, SqliteOptions, Store};
use idempotent::testing::{Faults, FaultyStore};
use idempotent::{Clock, Handle, MemoryStore, SystemClock};
use tempfile::TempDir;

use crate::Ledger;
use crate::engine::{Disk, Engine};

/// A store, and the outside world beside it.
pub struct World {
    /// The store in use.
    pub handle: Handle,
    /// What really happened.
    pub ledger: Ledger,
    /// What goes wrong between this process and its store: nothing, until the test says so.
    pub faults: Faults,
    /// The store behind the faults.
    pub inner: Arc<dyn Store>,
    make: Make,
    folder: TempDir,
}

/// The name of the file of an SQLite store.
const FILE: &str = "records.db";

/// Makes a store in a folder.
type Make = fn(&Path, &Terms) -> Arc<dyn Store>;

/// The lease and the clock of a world's store.
#[derive(Clone)]
pub struct Terms {
    /// How long a claim lives unrenewed.
    pub lease: Duration,
    /// Where the store reads the time.
    pub clock: Arc<dyn Clock>,
}

impl Default for Terms {
    fn default() -> Self {
        Terms { lease: Duration::from_secs(15), clock: Arc::new(SystemClock) }
    }
}

impl World {
    /// A world on the memory store.
    pub fn memory() -> World {
        World::made(memory, &Terms::default())
    }

    /// A world on a fresh SQLite file.
    pub fn sqlite() -> World {
        World::made(sqlite, &Terms::default())
    }

    /// A world on an engine that compares and swaps, and can do no more: no clock, no word for those who wait.
    pub fn swapped() -> World {
        World::made(swapped, &Terms::default())
    }

    /// Another world on a store of the same kind, with a lease and a clock of the test's own.
    pub fn on(&self, terms: &Terms) -> World {
        World::made(self.make, terms)
    }

    fn made(make: Make, terms: &Terms) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inner = make(folder.path(), terms);
        let store = FaultyStore::new(Arc::clone(&inner));
        let faults = store.faults();
        let handle = Handle::new(store);
        World { handle, ledger: Ledger::at(folder.path().join("ledger")), faults, inner, make, folder }
    }

    /// The SQLite file, where there is one.
    pub fn file(&self) -> Option<PathBuf> {
        Some(self.folder().join(FILE)).filter(|file| file.exists())
    }

    /// The folder that ends with the world.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the keeper has recorded what was dropped.
    pub fn drain(&self) {
        assert_eq!(
            self.handle.drain(Duration::from_secs(20)).wait(),
            0,
            "the keeper has not settled everything"
        );
    }

    /// The keys in doubt, as an operator sees them.
    pub fn in_doubt(&self) -> Vec<idempotent::Entry> {
        let filter =
            idempotent::Filter { which: idempotent::Which::InDoubt, ..idempotent::Filter::default() };
        self.handle.list(&filter).wait().expect("the list")
    }
}

fn memory(_: &Path, terms: &Terms) -> Arc<dyn Store> {
    Arc::new(MemoryStore::with_clock(Arc::clone(&terms.clock)).lease_of(terms.lease))
}

fn sqlite(folder: &Path, terms: &Terms) -> Arc<dyn Store> {
    let options = SqliteOptions::new(folder.join(FILE));
    let store = options.lease(terms.lease).clock(Arc::clone(&terms.clock)).open();
    Arc::new(store.expect("the file opens"))
}

fn swapped(_: &Path, terms: &Terms) -> Arc<dyn Store> {
    let store = CasStore::new(Engine::new(&Disk::default()));
    Arc::new(store.lease_of(terms.lease).clock(Arc::clone(&terms.clock)))
}

/// Makes one test for each store of each function named: `on_every_store!(s12_second_call_replays, ..)`. The
/// functions take `&World`.
#[macro_export]
macro_rules! on_every_store {
    ($($(#[$meta:meta])* $test:ident),* $(,)?) => {
        mod on_memory {
            $($(#[$meta])* #[test] fn $test() { super::$test(&$crate::World::memory()); })*
        }
        mod on_sqlite {
            $($(#[$meta])* #[test] fn $test() { super::$test(&$crate::World::sqlite()); })*
        }
        mod on_swapped {
            $($(#[$meta])* #[test] fn $test() { super::$test(&$crate::World::swapped()); })*
        }
    };
}
