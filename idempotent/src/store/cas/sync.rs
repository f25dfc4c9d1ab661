//! The same for engines that block.

use std::sync::Arc;

use super::aside::blocking;
use super::engine::{CompareAndSwap, Page};
use crate::key::Key;
use crate::store::{BoxFuture, Error};

/// [`CompareAndSwap`] for an engine that blocks, such as files: the same promises, in ordinary functions.
///
/// [`Blocking`] makes a [`CompareAndSwap`] of it. An engine that has a clock or sees its holders live implements that
/// trait itself, with the help of [`blocking`].
pub trait BlockingCompareAndSwap: Send + Sync + 'static {
    /// As [`CompareAndSwap::load`].
    ///
    /// # Errors
    /// As there.
    fn load(&self, key: &Key) -> Result<Option<Vec<u8>>, Error>;

    /// As [`CompareAndSwap::compare_and_swap`].
    ///
    /// # Errors
    /// As there.
    fn compare_and_swap(&self, key: &Key, expected: Option<&[u8]>, new: Option<&[u8]>)
    -> Result<bool, Error>;

    /// As [`CompareAndSwap::scan`].
    ///
    /// # Errors
    /// As there.
    fn scan(&self, after: Option<&Key>, limit: usize) -> Result<Page, Error>;
}

/// An engine that blocks, on threads of its own: no caller's executor waits for it. Of a synchronous caller it uses
/// the thread that waits anyway.
pub struct Blocking<E>(Arc<E>);

impl<E: BlockingCompareAndSwap> Blocking<E> {
    /// This engine, usable by all.
    #[must_use]
    pub fn new(engine: E) -> Blocking<E> {
        Blocking(Arc::new(engine))
    }
}

impl<E: BlockingCompareAndSwap> CompareAndSwap for Blocking<E> {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        let (engine, key) = (Arc::clone(&self.0), *key);
        blocking(move || engine.load(&key))
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        let (engine, key) = (Arc::clone(&self.0), *key);
        let (expected, new) = (expected.map(<[u8]>::to_vec), new.map(<[u8]>::to_vec));
        blocking(move || engine.compare_and_swap(&key, expected.as_deref(), new.as_deref()))
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        let (engine, after) = (Arc::clone(&self.0), after.copied());
        blocking(move || engine.scan(after.as_ref(), limit))
    }
}
