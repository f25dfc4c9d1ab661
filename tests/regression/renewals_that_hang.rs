//! The keeper began a renewal of each claim three times in a lease, also while an earlier one of the same claim was
//! still under way. With a store that did not answer for a while, they piled up without bound.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use idempotent::protocol::{Answer, Fence, Request};
use idempotent::store::{BoxFuture, Error, Lease, Subject, Trail};
use idempotent::{Entry, Filter, Handle, Key, MemoryStore, Operation, Store};

/// How many renewals of each call were begun. Those of the call `"hangs"` are never answered.
#[derive(Default)]
struct Renewals {
    begun: Mutex<HashMap<Arc<str>, usize>>,
    bell: Condvar,
}

struct Hanging {
    inner: MemoryStore,
    renewals: Arc<Renewals>,
}

impl Store for Hanging {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        if let Request::Renew { .. } = request {
            *self.renewals.begun.lock().unwrap().entry(Arc::clone(&subject.call)).or_default() += 1;
            self.renewals.bell.notify_all();
            if subject.call.contains("hangs") {
                return Box::pin(std::future::pending());
            }
        }
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

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        self.inner.changed(key, fence)
    }
}

static OPERATION: Operation = Operation::new("regression.renewals").marker();

/// Fails when the keeper begins a renewal beside one that is under way.
#[test]
fn one_renewal_of_a_claim_is_under_way_at_a_time() {
    let renewals = Arc::new(Renewals::default());
    let inner = MemoryStore::new().lease_of(Duration::from_millis(60));
    let handle = Handle::new(Hanging { inner, renewals: Arc::clone(&renewals) });
    let call = |key: &str| {
        OPERATION.call().key("id", key).store(&handle).returns::<Result<u32, idempotent::Error>>()
    };
    // What these calls come to does not matter here: the lease of the one is lost.
    let _ = call("hangs").run_blocking(|_| {
        call("works").run_blocking(|_| {
            let begun = renewals.begun.lock().unwrap();
            let of = |begun: &HashMap<Arc<str>, usize>, key: &str| begun.get(key).copied().unwrap_or(0);
            let begun = renewals
                .bell
                .wait_timeout_while(begun, Duration::from_secs(60), |begun| of(begun, r#"id="works""#) < 6)
                .unwrap()
                .0;
            assert!(of(&begun, r#"id="works""#) >= 6, "{begun:?}");
            assert_eq!(of(&begun, r#"id="hangs""#), 1, "{begun:?}");
            Ok(1)
        })
    });
}
