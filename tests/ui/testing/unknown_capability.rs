use idempotent::MemoryStore;
use idempotent::testing::{Bench, store_conformance};

store_conformance! {
    mod memory {
        build: || Bench::new(MemoryStore::new()),
        lacks: {
            advance: "this clock is not in our hands",
            restart: "its records die with it",
        },
    }
}

fn main() {}
