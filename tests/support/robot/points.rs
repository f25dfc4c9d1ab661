//! Where a process can be stopped: before and after each move of a store, and wherever a body says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use idempotent::Key;
use idempotent::protocol::{Answer, Fence, Request};
use idempotent::store::{BoxFuture, Entry, Error, Filter, Lease, Store, Subject, Trail};
use serde::{Deserialize, Serialize};

use crate::point;

/// Where a robot waits for its parent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stops {
    /// Nowhere.
    Nowhere,
    /// At every point that it passes.
    Everywhere,
    /// Only where it passes this point for the n-th time, from 1.
    At(String, usize),
}

/// Stops the process at points: before and after each kind of move, and in the body.
#[derive(Clone)]
pub struct Points {
    stops: Stops,
    passed: Arc<AtomicUsize>,
}

impl Points {
    /// Points that stop where `stops` says.
    pub fn new(stops: Stops) -> Points {
        Points { stops, passed: Arc::default() }
    }

    /// Passes the point `name`.
    pub fn pass(&self, name: &str) {
        let stops = match &self.stops {
            Stops::Nowhere => false,
            Stops::Everywhere => true,
            Stops::At(wanted, nth) => {
                wanted == name && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == *nth
            }
        };
        if stops {
            point(name);
        }
    }
}

/// A store around a store: passes a point before and after each move that is made, whoever makes it, and where a call
/// begins to wait for another process. Renewals, notes and reads pass none.
pub struct Pointed {
    inner: Arc<dyn Store>,
    points: Points,
}

impl Pointed {
    /// The store `inner`, seen through `points`.
    pub fn new(inner: Arc<dyn Store>, points: Points) -> Pointed {
        Pointed { inner, points }
    }

    fn pass(&self, side: &str, request: &Request) {
        let what = match request {
            Request::Claim(_) => "claim",
            Request::Proceed { .. } => "proceed",
            Request::Mark { .. } => "mark",
            Request::Settle { .. } => "settle",
            Request::Abandon { .. } => "abandon",
            Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. } => "act",
            Request::Renew { .. } | Request::Note { .. } | Request::Sweep { .. } => return,
        };
        self.points.pass(&format!("{side} {what}"));
    }
}

impl Store for Pointed {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move {
            self.pass("before", &request);
            let answer = self.inner.apply(subject, request.clone()).await;
            self.pass("after", &request);
            answer
        })
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        self.pass("before", &request);
        let answer = self.inner.apply_blocking(subject, request.clone());
        self.pass("after", &request);
        answer
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
        Box::pin(async move {
            self.points.pass("before sweep");
            let removed = self.inner.sweep(limit).await;
            self.points.pass("after sweep");
            removed
        })
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        self.points.pass("waiting");
        self.inner.changed(key, fence)
    }
}
