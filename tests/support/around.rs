//! A store around another one that answers some calls itself.

use std::sync::Arc;

use idempotent::protocol::{Answer, Fence, Request};
use idempotent::store::{BoxFuture, Error, Lease, Store, Subject, Trail};
use idempotent::{Entry, Filter, Key};

/// What a store answers itself; everything else goes to the one inside.
pub trait Hooks: Send + Sync + 'static {
    /// Instead of [`Store::apply`].
    fn apply(&self, _: &Subject, _: &Request) -> Option<BoxFuture<'static, Result<Answer, Error>>> {
        None
    }

    /// Instead of [`Store::changed`].
    fn changed(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }
}

/// `inner`, where `hooks` do not answer.
pub struct Around<H> {
    /// The store that keeps the records.
    pub inner: Arc<dyn Store>,
    /// What it answers itself.
    pub hooks: Arc<H>,
}

impl<H: Hooks> Store for Around<H> {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        match self.hooks.apply(subject, &request) {
            Some(answered) => answered,
            None => self.inner.apply(subject, request),
        }
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
        self.hooks.changed().or_else(|| self.inner.changed(key, fence))
    }
}
