//! The keeper began a renewal of each claim three times in a lease, also while an earlier one of the same claim was
//! still under way. With a store that did not answer for a while, they piled up without bound.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use idempotent::protocol::{Answer, Request};
use idempotent::store::{BoxFuture, Error, Subject};
use idempotent::{Handle, MemoryStore, Operation};
use idempotent_tests::{Around, Hooks};

/// How many renewals of each call were begun. Those of the call `"hangs"` are never answered.
#[derive(Default)]
struct Renewals {
    begun: Mutex<HashMap<Arc<str>, usize>>,
    bell: Condvar,
}

impl Hooks for Renewals {
    fn apply(
        &self,
        subject: &Subject,
        request: &Request,
    ) -> Option<BoxFuture<'static, Result<Answer, Error>>> {
        let Request::Renew { .. } = request else { return None };
        *self.begun.lock().unwrap().entry(Arc::clone(&subject.call)).or_default() += 1;
        self.bell.notify_all();
        subject.call.contains("hangs").then(|| Box::pin(std::future::pending()) as BoxFuture<'_, _>)
    }
}

static OPERATION: Operation = Operation::new("regression.renewals").marker();

/// Fails when the keeper begins a renewal beside one that is under way.
#[test]
fn one_renewal_of_a_claim_is_under_way_at_a_time() {
    let renewals = Arc::new(Renewals::default());
    let inner = Arc::new(MemoryStore::new().lease_of(Duration::from_millis(60)));
    let handle = Handle::new(Around { inner, hooks: Arc::clone(&renewals) });
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
