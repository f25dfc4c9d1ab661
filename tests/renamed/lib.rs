//! A crate that knows `idempotent` under another name: expanded code goes where `crate = ..` says.
//!
//! Fails, as a compile error, when anything in the expansion or in `effect!` names `::idempotent`.

#![deny(warnings)]
#![cfg(test)]

use std::sync::atomic::{AtomicU32, Ordering};

use other::{Error, Handle, How, MemoryStore, OnErr, observe, observe_async};

/// What a facade does.
mod facade {
    pub(crate) use other as idempotent;
}

static RUNS: AtomicU32 = AtomicU32::new(0);

fn act() -> u32 {
    RUNS.fetch_add(1, Ordering::SeqCst)
}

fn find(_: &Handle, _: u32) -> Result<Option<u32>, Error> {
    Ok(None)
}

fn judge(_: &Error) -> OnErr {
    OnErr::Doubt
}

#[other::idempotent(key = id, skip(store), store = store, check(find, after = "0s"), on_err = judge, crate = other)]
fn plain(store: &Handle, id: u32) -> Result<u32, Error> {
    use other::effect as mark;
    mark!(act());
    Ok(id)
}

#[facade::idempotent::idempotent(
    key = ("{tenant}:{id}", id),
    scope = tenant,
    secret(pin),
    skip(store),
    store = store,
    on_err = release,
    map_err = std::convert::identity,
    crate = facade::idempotent
)]
async fn through_a_facade<T: serde::Serialize + serde::de::DeserializeOwned>(
    store: &Handle,
    tenant: &str,
    id: u32,
    pin: u16,
    of: T,
) -> Result<T, Error> {
    async { facade::idempotent::effect!(act()) }.await;
    Ok(of)
}

mod inside {
    #[other::idempotent(key = id, skip(store), store = store, on_err = store, crate = super::facade::idempotent)]
    pub(super) fn relative(store: &other::Handle, id: u32) -> Result<u32, Told> {
        let act = || other::effect!(super::act());
        act();
        Err(Told(id))
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub(super) struct Told(pub(super) u32);

    impl From<other::Error> for Told {
        fn from(_: other::Error) -> Told {
            Told(0)
        }
    }
}

/// A macro of a facade writes annotated functions where only the facade is known.
#[rustfmt::skip] // each run of it would move the attribute further to the right
macro_rules! operation {
    ($name:ident, $named:literal, $value:expr) => {
        #[$crate::facade::idempotent::idempotent(
            key = id, skip(store), store = store, name = $named, crate = $crate::facade::idempotent
        )]
        fn $name(store: &Handle, id: u32) -> Result<u32, Error> {
            $crate::facade::idempotent::effect!(act());
            Ok(id + $value)
        }
    };
}

#[tokio::test]
async fn a_renamed_dependency_works() {
    let store = &Handle::new(MemoryStore::new());
    for how in [How::Executed, How::Replayed] {
        let seen = observe(|| plain(store, 1));
        assert_eq!((seen.result.unwrap(), seen.outcome.unwrap().how), (1, how));
        let seen = observe_async(through_a_facade(store, "north", 1, 2, 3)).await;
        assert_eq!((seen.result.unwrap(), seen.outcome.unwrap().how), (3, how));
        let seen = observe(|| inside::relative(store, 1));
        assert_eq!((seen.result.unwrap_err(), seen.outcome.unwrap().how), (inside::Told(1), how));
        let seen = observe(|| written(store, 1));
        assert_eq!((seen.result.unwrap(), seen.outcome.unwrap().how), (11, how));
    }
    assert_eq!(RUNS.load(Ordering::SeqCst), 4);
}

operation!(written, "renamed.written", 10);
