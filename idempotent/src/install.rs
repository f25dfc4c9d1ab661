//! The store of the process: installed once, or named by the environment.

use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::error::{Error, NotInstalled, StoreFailed};
use crate::handle::Handle;
use crate::pending::Pending;
use crate::store::{self, ErrorKind};

static INSTALLED: OnceCell<Handle> = OnceCell::new();

/// The environment variable that names the store when none is installed.
pub(crate) const VARIABLE: &str = "IDEMPOTENT_URL";

/// Makes `handle` the store of every operation of this process that names no other.
///
/// ```
/// # let url = "memory:";
/// idempotent::install(idempotent::open(url)?)?; // sqlite:robot.db
/// // .. calls ..
/// let left = idempotent::drain(std::time::Duration::from_secs(5)).wait();
/// assert_eq!(left, 0);
/// # Ok::<(), idempotent::Error>(())
/// ```
///
/// # Errors
/// [`Error::Store`] if a store is installed already, also one that a call has opened from `IDEMPOTENT_URL`.
pub fn install(handle: Handle) -> Result<(), Error> {
    INSTALLED.set(handle).map_err(|_| {
        failed(store::Error::new(
            ErrorKind::Invalid,
            "a store is installed already",
            "call `install` once, at the start of `main`, before the first idempotent call; pass `store = ..` to \
             operations that live elsewhere",
        ))
    })
}

/// Takes the store into use that `url` names: `sqlite:robot.db` (with its options) or `memory:`.
///
/// # Errors
/// [`Error::Store`] if the scheme is unknown or not built in, or the store cannot be opened.
pub fn open(url: &str) -> Result<Handle, Error> {
    store::open(url).map(Handle::shared).map_err(failed)
}

/// Waits until the installed store's keeper has settled what it holds; see [`Handle::drain`]. 0 at once if
/// there is no store.
pub fn drain(deadline: Duration) -> Pending<'static, usize> {
    match INSTALLED.get() {
        Some(handle) => handle.drain(deadline),
        None => Pending::new(std::future::ready(0)),
    }
}

/// The store of the process. A URL that cannot be opened now is tried again at the next call.
pub(crate) fn installed(operation: &str) -> Result<Handle, Error> {
    INSTALLED
        .get_or_try_init(|| match std::env::var(VARIABLE) {
            Ok(url) if !url.is_empty() => open(&url),
            Ok(_) | Err(_) => {
                Err(Error::NotInstalled(Box::new(NotInstalled { operation: operation.into() })))
            }
        })
        .cloned()
}

fn failed(source: store::Error) -> Error {
    Error::Store(Box::new(StoreFailed { site: None, source, unrecorded: None }))
}
