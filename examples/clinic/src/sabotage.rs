//! A store that does not write the mark and says that it did.
//!
//! It is there to show that the run can fail: with it, a robot that has clicked is taken for one that has not,
//! and our own rows book twice. It also shows how little a wrapper around a store is.

use std::sync::Arc;

use idempotent::key::Key;
use idempotent::protocol::{Answer, Fence, Request};
use idempotent::store::{BoxFuture, Entry, Error, Filter, Lease, Store, Subject, Trail};

/// Swallows every mark on its way to the store inside.
pub(crate) struct Unmarking(pub(crate) Arc<dyn Store>);

impl Store for Unmarking {
    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        match request {
            Request::Mark { .. } => Box::pin(async { Ok(Answer::Ok) }),
            other => self.0.apply(subject, other),
        }
    }

    fn lease(&self) -> Lease {
        self.0.lease()
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.0.load(key)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        self.0.list(filter)
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        self.0.trail(key)
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        self.0.sweep(limit)
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        self.0.changed(key, fence)
    }
}
