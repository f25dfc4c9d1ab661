//! A store in use: the store itself, its keeper, and those who wait for keys of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Codecs;
use crate::keeper::Keeper;
use crate::pending::Pending;
use crate::slots::Slots;
use crate::store::{Lease, Store};

/// A store in use, with the keeper that renews its claims and settles what was dropped. Clones are cheap and
/// share all of it.
///
/// The keeper's thread lets go of the store a moment after the last handle is dropped: a program that copies or
/// moves a database file at its end should [`drain`](Handle::drain) first, and expect the file to be open until then.
///
/// ```
/// use idempotent::{Handle, MemoryStore};
/// let handle = Handle::new(MemoryStore::new());
/// let same = handle.clone();
/// # let _ = same;
/// ```
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
    codecs: Codecs,
}

struct Inner {
    store: Arc<dyn Store>,
    lease: Lease,
    slots: Arc<Slots>,
    keeper: Keeper,
}

impl Handle {
    /// Takes a store into use.
    pub fn new(store: impl Store) -> Handle {
        Handle::shared(Arc::new(store))
    }

    /// Takes a store into use that others hold, too.
    #[must_use]
    pub fn shared(store: Arc<dyn Store>) -> Handle {
        let lease = store.lease();
        let keeper = Keeper::new(Arc::clone(&store), lease);
        let inner = Arc::new(Inner { store, lease, slots: Arc::default(), keeper });
        Handle { inner, codecs: Codecs::default() }
    }

    /// The same store in use, whose results are written by `codec` from now on and not as JSON. Records are read by the
    /// codec that has written them: by this one, by those given before, and by the built-in ones.
    ///
    /// Clones made before keep theirs.
    ///
    /// ```
    /// # use idempotent::{Handle, MemoryStore, codec::Json};
    /// # let (old, new) = (Json, Json);
    /// let handle = Handle::new(MemoryStore::new()).with_codec(old).with_codec(new); // reads both, writes the new one
    /// # let _ = handle;
    /// ```
    #[cfg(feature = "codec")]
    #[must_use]
    pub fn with_codec(self, codec: impl crate::codec::Codec) -> Handle {
        Handle { codecs: self.codecs.with(codec), ..self }
    }

    /// The same store in use, with these codecs.
    pub(crate) fn coded(self, codecs: Codecs) -> Handle {
        Handle { codecs, ..self }
    }

    pub(crate) fn codecs(&self) -> &Codecs {
        &self.codecs
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Waits, at the end of `main` or on a signal to stop, until the keeper has settled what it holds, at most
    /// for `deadline`. Gives the number of outcomes that are still not recorded: 0 is success.
    pub fn drain(&self, deadline: Duration) -> Pending<'_, usize> {
        Pending::new(self.inner.keeper.drain(deadline))
    }

    pub(crate) fn lease(&self) -> Lease {
        self.inner.lease
    }

    pub(crate) fn slots(&self) -> &Arc<Slots> {
        &self.inner.slots
    }

    pub(crate) fn keeper(&self) -> &Keeper {
        &self.inner.keeper
    }

    /// Tells this store from others in the process.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.inner) as usize
    }
}

impl AsRef<Handle> for Handle {
    fn as_ref(&self) -> &Handle {
        self
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("lease", &self.inner.lease).finish_non_exhaustive()
    }
}
