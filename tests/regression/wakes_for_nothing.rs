//! A store may say "it may have changed" for no reason. A call that waited for another holder then asked the store
//! again at once, and was told so again: with a store whose answers are always ready it never gave its thread back
//! to the executor, until `wait` was over.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use idempotent::protocol::{Answer, Fence, Request};
use idempotent::store::{BoxFuture, Error, Lease, Subject, Trail};
use idempotent::{Entry, Filter, Handle, Key, MemoryStore, Operation, Store};

/// A store in memory that always has something to tell.
struct Restless {
    inner: Arc<MemoryStore>,
    asked: Arc<AtomicUsize>,
}

impl Store for Restless {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.apply(subject, request)
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.inner.load(key)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        self.inner.list(filter)
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        self.inner.trail(key)
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        self.inner.sweep(limit)
    }

    fn changed<'a>(&'a self, _: &'a Key, _: Fence) -> Option<BoxFuture<'a, ()>> {
        Some(Box::pin(std::future::ready(())))
    }
}

static OPERATION: Operation = Operation::new("regression.restless").wait_micros(500_000);

/// Fails when `wait_for_change` does not pause after a change that was none.
#[test]
fn a_caller_pauses_when_nothing_has_changed() {
    let inner = Arc::new(MemoryStore::new());
    let holder = Handle::shared(inner.clone());
    let asked = Arc::new(AtomicUsize::new(0));
    let waiting = Handle::new(Restless { inner, asked: Arc::clone(&asked) });
    let call = |handle: &Handle| {
        OPERATION.call().key("id", &1).store(handle).returns::<Result<u32, idempotent::Error>>()
    };
    let result = call(&holder).run_blocking(|_| {
        let mut waits = pin!(call(&waiting).run(async |_| Ok(2)));
        let polled = waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "it kept its thread for all of its `wait`, and asked {asked:?} times");
        Ok(1)
    });
    assert_eq!(result.unwrap(), 1);
    assert!(asked.load(Ordering::SeqCst) <= 3, "{asked:?}");
}
