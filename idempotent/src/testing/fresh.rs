//! A store for one test, in the place of the installed one.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::pin;
use std::time::Duration;

use crate::handle::Handle;
use crate::install::{Stand, stand_in};
use crate::store::{MemoryStore, Store};

/// How long the end of a test waits for what its keeper holds.
const DRAIN: Duration = Duration::from_secs(5);

/// An empty memory store that is the installed one for the calls of this thread, until it is dropped.
///
/// The functions under test use the installed store, and a process can install only one. With this, each test has its
/// own, and tests that run at the same time do not see each other's records:
///
/// ```
/// # use idempotent::{Error, Filter, effect, idempotent};
/// #[idempotent(key = patient, name = "docs.fresh.book")]
/// fn book(patient: &str) -> Result<u32, Error> {
///     effect!(println!("a booking for {patient} goes out"));
///     Ok(7)
/// }
///
/// # fn main() -> Result<(), Error> {
/// let store = idempotent::testing::fresh();
/// book("ann")?;
/// book("ann")?; // replayed
/// assert_eq!(store.list(&Filter::default()).wait().unwrap().len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// It is a [`Handle`], so `list`, `show` and `operator` are at hand. When it is dropped, what its keeper still holds is
/// settled, for five seconds at most.
///
/// # What it covers
/// Calls of this thread, and futures that this thread polls: the body of a `#[tokio::test]` of either flavour, what it
/// joins and selects. Other threads do not have it, so neither do tasks that are spawned on a runtime of several
/// threads: there, [`enter`] it or put the future [`within`] it. A call that has it not takes the installed store, and
/// where there is none it ends in `not_installed`. Operations that say `store = ..` keep their own.
#[must_use = "the store is the installed one only as long as this lives"]
pub fn fresh() -> Fresh {
    fresh_with(MemoryStore::new())
}

/// [`fresh`] with a store of one's choice, such as a [`FaultyStore`](super::FaultyStore), or a memory store on a
/// [`FakeClock`](super::FakeClock).
///
/// ```
/// use std::sync::Arc;
/// use idempotent::MemoryStore;
/// use idempotent::testing::{FakeClock, fresh_with};
///
/// let clock = FakeClock::new();
/// let store = fresh_with(MemoryStore::with_clock(Arc::new(clock.clone())));
/// # let _ = store;
/// ```
#[must_use = "the store is the installed one only as long as this lives"]
pub fn fresh_with(store: impl Store) -> Fresh {
    let handle = Handle::new(store);
    Fresh { entered: enter(&handle), handle, folder: None }
}

/// [`fresh`] with an SQLite store in a folder of its own, which goes with it. For tests of what a file does:
/// [`Fresh::folder`] says where it is (`robot.db`).
///
/// # Panics
/// If the folder or the file cannot be made.
#[cfg(feature = "sqlite")]
#[must_use = "the store is the installed one only as long as this lives"]
pub fn fresh_sqlite() -> Fresh {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("a folder for the test's store cannot be made: {error}"),
    };
    let store = match crate::store::SqliteStore::open(folder.path().join("robot.db")) {
        Ok(store) => store,
        Err(error) => panic!("the test's store cannot be opened: {error}"),
    };
    let mut fresh = fresh_with(store);
    fresh.folder = Some(folder);
    fresh
}

/// A store that is the installed one for a test; see [`fresh`].
pub struct Fresh {
    entered: Entered,
    handle: Handle,
    folder: Option<tempfile::TempDir>,
}

impl Fresh {
    /// The folder of a store of [`fresh_sqlite`]; `None` for the others.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(tempfile::TempDir::path)
    }
}

impl Deref for Fresh {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl AsRef<Handle> for Fresh {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        self.entered.leave();
        // What is left then is left by a store that fails, and the test has seen that.
        let _ = self.handle.drain(DRAIN).wait();
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Makes a test's store the installed one of this thread, too, until what it gives is dropped.
///
/// ```
/// # use idempotent::testing::{enter, fresh};
/// let store = fresh();
/// std::thread::scope(|threads| {
///     threads.spawn(|| {
///         let _here = enter(&store);
///         // .. calls ..
///     });
/// });
/// ```
///
/// A thread that outlives the test's function takes a clone: `let store = Handle::clone(&store)`.
#[must_use = "the store is the installed one only as long as this lives"]
pub fn enter(store: &Handle) -> Entered {
    Entered { stand: Some(stand_in(store)), on_this_thread: PhantomData }
}

/// A test's store is the installed one of this thread; see [`enter`].
#[derive(Debug)]
pub struct Entered {
    stand: Option<Stand>,
    /// It must end where it began: it may be looked at from another thread, and not sent there.
    on_this_thread: PhantomData<dyn Sync>,
}

impl Entered {
    fn leave(&mut self) {
        self.stand = None;
    }
}

/// Makes a test's store the installed one for a future, whichever threads poll it.
///
/// ```
/// # use idempotent::testing::{fresh, within};
/// # #[tokio::main]
/// # async fn main() {
/// let store = fresh();
/// let task = tokio::spawn(within(&store, async {
///     // .. calls ..
/// }));
/// # task.await.unwrap();
/// # }
/// ```
pub fn within<F: Future>(store: &Handle, future: F) -> impl Future<Output = F::Output> + use<F> {
    let store = store.clone();
    async move {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _here = enter(&store);
            future.as_mut().poll(context)
        })
        .await
    }
}
