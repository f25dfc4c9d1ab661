//! The stores that are held to the protocol, and how their processes die.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use idempotent::store::{CasStore, SqliteOptions};
use idempotent::testing::FakeClock;
use idempotent::{MemoryStore, Store};
use idempotent_tests::engine::{Disk, Engine};
use tempfile::TempDir;

use crate::script::PROCESSES;
use crate::side::Kind;

/// The store in memory: both processes are this one, and nobody sees them die but by their leases.
pub(crate) struct Memory(Arc<dyn Store>);

impl Memory {
    pub(crate) fn new(clock: &FakeClock) -> Memory {
        Memory(Arc::new(MemoryStore::with_clock(Arc::new(clock.clone()))))
    }
}

impl Kind for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn store(&self, _: usize) -> &Arc<dyn Store> {
        &self.0
    }

    fn death(&mut self, _: usize) {}

    fn lost_proof(&mut self) {}
}

/// The SQLite store, opened twice: each is a holder of its own, and dead when it is closed.
pub(crate) struct Sqlite {
    open: Vec<Option<Arc<dyn Store>>>,
    clock: FakeClock,
    folder: TempDir,
}

impl Sqlite {
    pub(crate) fn new(clock: &FakeClock) -> Sqlite {
        // Files in memory, where there is such a folder: the same code with the same settings, and a sync costs
        // nothing.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let folder = folder.expect("a folder for the test");
        let mut sqlite = Sqlite { open: vec![None; PROCESSES], clock: clock.clone(), folder };
        (0..PROCESSES).for_each(|place| sqlite.opens(place));
        sqlite
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("robot.db")
    }

    fn opens(&mut self, place: usize) {
        let options = SqliteOptions::new(self.file()).clock(Arc::new(self.clock.clone()));
        self.open[place] = Some(Arc::new(options.open().expect("the store opens")));
    }
}

impl Kind for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn store(&self, place: usize) -> &Arc<dyn Store> {
        self.open[place].as_ref().expect("a dead process is replaced at once")
    }

    fn death(&mut self, place: usize) {
        self.open[place] = None;
        self.opens(place);
    }

    fn lost_proof(&mut self) {
        self.open.fill(None);
        for entry in fs::read_dir(self.folder.path().join("robot.db-holders")).into_iter().flatten().flatten()
        {
            if entry.file_name().len() == 32 {
                fs::remove_file(entry.path()).expect("a lock file that nobody holds");
            }
        }
        (0..PROCESSES).for_each(|place| self.opens(place));
    }
}

/// The compare-and-swap adapter, opened twice on one engine.
pub(crate) struct Swapped {
    open: Vec<Option<Arc<dyn Store>>>,
    disk: Disk,
    clock: FakeClock,
    is_seen_alive: bool,
}

impl Swapped {
    /// On an engine that cannot see who lives. Both processes are one: each would count leases from its own first look.
    pub(crate) fn by_leases(clock: &FakeClock) -> Swapped {
        Swapped::new(clock, false)
    }

    /// On an engine that sees its processes live and has the one clock.
    pub(crate) fn by_holders(clock: &FakeClock) -> Swapped {
        Swapped::new(clock, true)
    }

    fn new(clock: &FakeClock, is_seen_alive: bool) -> Swapped {
        let disk = Disk::default();
        let mut swapped = Swapped { open: vec![None; PROCESSES], disk, clock: clock.clone(), is_seen_alive };
        (0..PROCESSES).for_each(|place| swapped.opens(place));
        swapped
    }

    fn opens(&mut self, place: usize) {
        let engine = Engine::new(&self.disk);
        let engine = if self.is_seen_alive { engine.seen_alive().clock(&self.clock) } else { engine };
        self.open[place] = Some(Arc::new(CasStore::new(engine).clock(Arc::new(self.clock.clone()))));
    }
}

impl Kind for Swapped {
    fn name(&self) -> &'static str {
        if self.is_seen_alive { "the adapter that sees holders" } else { "the adapter" }
    }

    fn store(&self, place: usize) -> &Arc<dyn Store> {
        let place = if self.is_seen_alive { place } else { 0 };
        self.open[place].as_ref().expect("a dead process is replaced at once")
    }

    fn death(&mut self, place: usize) {
        if self.is_seen_alive {
            self.open[place] = None;
            self.opens(place);
        }
    }

    fn lost_proof(&mut self) {
        // This engine always knows.
        (0..PROCESSES).for_each(|place| self.death(place));
    }
}
