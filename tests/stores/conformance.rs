//! The published suite on every store of this crate.
//!
//! Red when a store breaks one rule of its contract; `conformance_self.rs` shows, for each case, a store which
//! it turns red.

use std::sync::Arc;

use idempotent::MemoryStore;
use idempotent::testing::{Bench, FakeClock, FaultyStore, store_conformance};

store_conformance! {
    mod memory {
        build: || {
            let clock = FakeClock::new();
            Bench::new(MemoryStore::with_clock(Arc::new(clock.clone()))).advance(move |by| clock.advance(by))
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
            corrupt: "it keeps records, not bytes",
        },
    }
}

store_conformance! {
    mod faulty_without_faults {
        build: || {
            let clock = FakeClock::new();
            let store = MemoryStore::with_clock(Arc::new(clock.clone()));
            Bench::new(FaultyStore::new(store)).advance(move |by| clock.advance(by))
        },
        lacks: {
            reopen: "its records die with it",
            corrupt: "it keeps records, not bytes",
        },
    }
}
