//! The published suite on every store of this crate.
//!
//! Red when a store breaks one rule of its contract; `wrong` shows for each case a store that it turns red.

use std::path::Path;
use std::sync::Arc;

use idempotent::key::Key;
use idempotent::store::{CasStore, SqliteOptions};
use idempotent::testing::{Bench, FakeClock, FaultyStore, store_conformance};
use idempotent::{MemoryStore, SqliteStore};
use idempotent_tests::engine::{Disk, Engine};
use tempfile::TempDir;

store_conformance! {
    mod memory {
        build: || {
            let clock = FakeClock::new();
            timed(Bench::new(MemoryStore::with_clock(Arc::new(clock.clone()))), &clock)
        },
        lacks: {
            reopen: "its records die with it",
            corrupt: "it keeps records, not bytes",
        },
    }
}

store_conformance! {
    mod memory_on_the_clock_of_the_machine {
        build_async: || async { Bench::new(MemoryStore::new()) },
        lacks: {
            advance: "this clock is not in our hands",
            wall: "nor is this one",
            reopen: "its records die with it",
            corrupt: "it keeps records, not bytes",
        },
    }
}

store_conformance! {
    mod shared {
        build: || {
            let store: Arc<dyn idempotent::Store> = Arc::new(MemoryStore::new());
            Bench::new(Arc::clone(&store)).reopen(move || Arc::clone(&store))
        },
        lacks: {
            advance: "this clock is not in our hands",
            wall: "nor is this one",
            corrupt: "it keeps records, not bytes",
        },
    }
}

store_conformance! {
    mod faulty_without_faults {
        build: || {
            let clock = FakeClock::new();
            let store = MemoryStore::with_clock(Arc::new(clock.clone()));
            timed(Bench::new(FaultyStore::new(store)), &clock)
        },
        lacks: {
            reopen: "its records die with it",
            corrupt: "it keeps records, not bytes",
            many: "the store inside has shown it",
        },
    }
}

store_conformance! {
    mod sqlite {
        build: || {
            let clock = FakeClock::new();
            let (folder, at) = (TempDir::new().unwrap(), clock.clone());
            let file = folder.path().join("robot.db");
            let (beside, open) = (file.clone(), move || opened(&file, &at));
            timed(Bench::new(open()), &clock)
                .reopen(open)
                .corrupt(move |key| spoil(&beside, key))
                .guard(folder)
        },
    }
}

store_conformance! {
    mod faulty_without_faults_around_sqlite {
        build: || {
            let clock = FakeClock::new();
            let (folder, at) = (TempDir::new().unwrap(), clock.clone());
            let file = folder.path().join("robot.db");
            let open = move || FaultyStore::new(opened(&file, &at));
            timed(Bench::new(open()), &clock).reopen(open).guard(folder)
        },
        lacks: {
            corrupt: "the store inside has shown it",
            many: "and this, too",
        },
    }
}

store_conformance! {
    mod swapped_on_the_engines_clock {
        build: || {
            let (disk, clock) = (Disk::default(), FakeClock::new());
            let (spoiled, at) = (disk.clone(), clock.clone());
            let open = move || CasStore::new(Engine::new(&disk).clock(&at).watching());
            Bench::new(open())
                .reopen(open)
                .advance(move |by| clock.advance(by))
                .corrupt(move |key| spoiled.spoil(key))
        },
        lacks: { wall: "the engine has one clock for all" },
    }
}

store_conformance! {
    mod swapped_without_a_clock {
        build: || {
            let (disk, clock) = (Disk::default(), FakeClock::new());
            let (spoiled, at) = (disk.clone(), clock.clone());
            let open = move || CasStore::new(Engine::new(&disk)).clock(Arc::new(at.clone()));
            timed(Bench::new(open()), &clock)
                .reopen(open)
                .corrupt(move |key| spoiled.spoil(key))
        },
        lacks: { changed: "this engine cannot watch", many: "shown on the engine's clock" },
    }
}

store_conformance! {
    mod swapped_on_the_clock_of_the_machine {
        build: || {
            let disk = Disk::default();
            let spoiled = disk.clone();
            let open = move || CasStore::new(Engine::new(&disk).watching());
            Bench::new(open()).reopen(open).corrupt(move |key| spoiled.spoil(key))
        },
        lacks: { advance: "this clock is not in our hands", wall: "nor is this one", many: "shown on the engine's clock" },
    }
}

store_conformance! {
    mod swapped_among_holders_seen_alive {
        build: || {
            let (disk, clock) = (Disk::default(), FakeClock::new());
            let (spoiled, at) = (disk.clone(), clock.clone());
            let open = move || {
                CasStore::new(Engine::new(&disk).seen_alive().watching()).clock(Arc::new(at.clone()))
            };
            timed(Bench::new(open()), &clock)
                .reopen(open)
                .corrupt(move |key| spoiled.spoil(key))
        },
        lacks: { many: "shown on the engine's clock" },
    }
}

store_conformance! {
    mod swapped_among_holders_with_sessions {
        build: || {
            let (disk, clock) = (Disk::default(), FakeClock::new());
            let (spoiled, at) = (disk.clone(), clock.clone());
            let open = move || {
                CasStore::new(Engine::new(&disk).in_sessions(&at).watching()).clock(Arc::new(at.clone()))
            };
            timed(Bench::new(open()), &clock).reopen(open).corrupt(move |key| spoiled.spoil(key))
        },
        lacks: { many: "shown on the engine's clock" },
    }
}

/// A bench whose store reads the time from `clock`.
fn timed(bench: Bench, clock: &FakeClock) -> Bench {
    let (steady, wall) = (clock.clone(), clock.clone());
    bench.advance(move |by| steady.advance(by)).step_wall(move |by| wall.step_wall(by))
}

fn opened(file: &Path, clock: &FakeClock) -> SqliteStore {
    SqliteOptions::new(file).clock(Arc::new(clock.clone())).open().unwrap()
}

/// Writes a state from the future into the row, as another program could.
fn spoil(file: &Path, key: &Key) {
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("PRAGMA ignore_check_constraints = 1").unwrap();
    let spoiled = other.execute("UPDATE record SET state = 'paused' WHERE key = ?1", [key.as_bytes()]);
    assert_eq!(spoiled.unwrap(), 1);
}
