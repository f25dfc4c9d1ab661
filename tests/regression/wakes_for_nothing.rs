//! A store may say "it may have changed" for no reason. A call that waited for another holder then asked the store
//! again at once, and was told so again: with a store whose answers are always ready it never gave its thread back
//! to the executor, until `wait` was over.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use idempotent::protocol::{Answer, Request};
use idempotent::store::{BoxFuture, Error, Subject};
use idempotent::{Handle, MemoryStore, Operation};
use idempotent_tests::{Around, Hooks};

/// A store that always has something to tell, and how often it was asked.
#[derive(Default)]
struct Restless {
    asked: AtomicUsize,
}

impl Hooks for Restless {
    fn apply(&self, _: &Subject, _: &Request) -> Option<BoxFuture<'static, Result<Answer, Error>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        None
    }

    fn changed(&self) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(std::future::ready(())))
    }
}

static OPERATION: Operation = Operation::new("regression.restless").wait_micros(500_000);

/// Fails when `wait_for_change` does not pause after a change that was none.
#[test]
fn a_caller_pauses_when_nothing_has_changed() {
    let inner = Arc::new(MemoryStore::new());
    let holder = Handle::shared(inner.clone());
    let restless = Arc::new(Restless::default());
    let asked = || restless.asked.load(Ordering::SeqCst);
    let waiting = Handle::new(Around { inner, hooks: Arc::clone(&restless) });
    let call = |handle: &Handle| {
        OPERATION.call().key("id", &1).store(handle).returns::<Result<u32, idempotent::Error>>()
    };
    let result = call(&holder).run_blocking(|_| {
        let mut waits = pin!(call(&waiting).run(async |_| Ok(2)));
        let polled = waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "it kept its thread for all of its `wait`, and asked {} times", asked());
        Ok(1)
    });
    assert_eq!(result.unwrap(), 1);
    assert!(asked() <= 3, "{} times", asked());
}
