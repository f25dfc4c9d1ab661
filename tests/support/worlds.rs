//! A fresh store and a fresh ledger for one test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use idempotent::store::Store;
use idempotent::{Handle, MemoryStore, SqliteStore};
use tempfile::TempDir;

use crate::Ledger;

/// A store, and the outside world beside it.
pub struct World {
    /// The store in use.
    pub handle: Handle,
    /// What really happened.
    pub ledger: Ledger,
    folder: TempDir,
}

impl World {
    /// A world on the memory store.
    pub fn memory() -> World {
        World::with(|_| Arc::new(MemoryStore::new()))
    }

    /// A world on a fresh SQLite file.
    pub fn sqlite() -> World {
        World::with(|folder| Arc::new(SqliteStore::open(folder.join("records.db")).expect("the file opens")))
    }

    /// A world whose store is made in its folder.
    pub fn with(store: impl FnOnce(&Path) -> Arc<dyn Store>) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let handle = Handle::shared(store(folder.path()));
        World { handle, ledger: Ledger::at(folder.path().join("ledger")), folder }
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
    };
}
