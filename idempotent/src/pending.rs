//! A question to a store that is either awaited or waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::block_on::block_on;
use crate::store::BoxFuture;

/// The answer of a store, to be awaited in asynchronous code (`.await`) or waited for on this thread
/// ([`wait`](Pending::wait)). Nothing happens before that.
#[must_use = "nothing happens before it is awaited or waited for"]
pub struct Pending<'a, T>(BoxFuture<'a, T>);

impl<'a, T> Pending<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Pending(Box::pin(future))
    }

    /// Blocks this thread until the answer is there. In asynchronous code, `.await` it instead.
    pub fn wait(self) -> T {
        block_on(self.0)
    }
}

impl<T> Future for Pending<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.0.as_mut().poll(context)
    }
}
