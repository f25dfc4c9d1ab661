//! The store of the process: installed once, or named by the environment.

use std::env::VarError;
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::codec::{Codecs, NoCodec};
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

/// Takes the store into use that `url` names: `sqlite:robot.db` (with its options) or `memory:`. In both,
/// `?codec=msgpack` says how results become bytes, which without it is `json`.
///
/// ```
/// let store = idempotent::open("memory:")?; // or sqlite:/var/lib/robot/robot.db?lease=30s
/// let error = idempotent::open("memroy:").unwrap_err();
/// assert_eq!(error.code(), "store");
/// # let _ = store;
/// # Ok::<(), idempotent::Error>(())
/// ```
///
/// The options of a file are those of [`SqliteOptions::from_url`](crate::store::SqliteOptions::from_url).
///
/// # Errors
/// [`Error::Store`] if the scheme or the codec is unknown or not built in, or the store cannot be opened.
pub fn open(url: &str) -> Result<Handle, Error> {
    opened(url, true).map_err(failed)
}

/// [`open`], for those who look at the records of others: nothing is made that is not there, whatever the URL says.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// # let folder = tempfile::tempdir().unwrap();
/// # let url = format!("sqlite:{}", folder.path().join("robto.db").display());
/// let error = idempotent::open_existing(&url).unwrap_err(); // sqlite:robto.db, a slip of the pen
/// assert!(error.to_string().contains("there is no such file"), "{error}");
/// # }
/// ```
///
/// # Errors
/// As [`open`]; and [`Error::Store`] if there is no such database, or the records would live in this process alone
/// (`memory:`).
pub fn open_existing(url: &str) -> Result<Handle, Error> {
    opened(url, false).map_err(failed)
}

fn opened(url: &str, may_create: bool) -> Result<Handle, store::Error> {
    let (url, codecs) = without_codec(url)?;
    Ok(Handle::shared(store::open(&url, may_create)?).coded(codecs))
}

/// Takes the parameter `codec` out of a URL: it is the handle's, and the others are the store's.
fn without_codec(url: &str) -> Result<(String, Codecs), store::Error> {
    let Some((place, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), Codecs::default()));
    };
    let invalid = |message: String, advice: &str| store::Error::new(ErrorKind::Invalid, message, advice);
    let is_codec = |pair: &&str| *pair == "codec" || pair.starts_with("codec=");
    let (ours, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_codec);
    let name = match ours.as_slice() {
        [] => return Ok((url.to_owned(), Codecs::default())),
        [one] => one.trim_start_matches("codec").trim_start_matches('='),
        [..] => return Err(invalid("the parameter `codec` is given twice".to_owned(), "leave one out")),
    };
    let codecs = Codecs::named(name).map_err(|NoCodec { message, advice }| invalid(message, advice))?;
    let question = if others.is_empty() { "" } else { "?" };
    Ok((format!("{place}{question}{}", others.join("&")), codecs))
}

/// Waits until the installed store's keeper has settled what it holds; see [`Handle::drain`]. 0 at once if
/// there is no store.
pub fn drain(deadline: Duration) -> Pending<'static, usize> {
    #[cfg(feature = "testing")]
    if let Some(handle) = stands_in() {
        return Pending::new(async move { handle.drain(deadline).await });
    }
    match INSTALLED.get() {
        Some(handle) => handle.drain(deadline),
        None => Pending::new(std::future::ready(0)),
    }
}

/// The store of the process. A URL that cannot be opened now is tried again at the next call.
pub(crate) fn installed(operation: &str) -> Result<Handle, Error> {
    #[cfg(feature = "testing")]
    if let Some(handle) = stands_in() {
        return Ok(handle);
    }
    INSTALLED
        .get_or_try_init(|| match std::env::var(VARIABLE) {
            Ok(url) if !url.is_empty() => open(&url),
            Err(VarError::NotUnicode(text)) => Err(failed(store::Error::new(
                ErrorKind::Invalid,
                format!("the environment variable `{VARIABLE}` is not UTF-8: `{}`", text.display()),
                "give a URL in UTF-8; a file whose name is not is opened by `SqliteOptions::new(path)` and `install`",
            ))),
            Ok(_) | Err(VarError::NotPresent) => {
                Err(Error::NotInstalled(Box::new(NotInstalled { operation: operation.into() })))
            }
        })
        .cloned()
}

#[cfg(feature = "testing")]
thread_local! {
    /// The stores that stand in for the installed one on this thread; the last one does.
    static STAND_INS: std::cell::RefCell<Vec<(usize, Handle)>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// A store stands in for the installed one, on this thread, as long as this lives.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub(crate) struct Stand(usize);

/// Lets a store stand in for the installed one on this thread.
#[cfg(feature = "testing")]
pub(crate) fn stand_in(handle: &Handle) -> Stand {
    STAND_INS.with_borrow_mut(|stores| {
        let number = stores.last().map_or(0, |(last, _)| last + 1);
        stores.push((number, handle.clone()));
        Stand(number)
    })
}

#[cfg(feature = "testing")]
fn stands_in() -> Option<Handle> {
    STAND_INS.with_borrow(|stores| stores.last().map(|(_, handle)| handle.clone()))
}

#[cfg(feature = "testing")]
impl Drop for Stand {
    fn drop(&mut self) {
        // Guards can end in any order, and after the thread's own variables. The store goes when nothing is borrowed.
        let gone = STAND_INS.try_with(|stores| {
            let mut stores = stores.borrow_mut();
            let at = stores.iter().position(|(number, _)| *number == self.0)?;
            Some(stores.remove(at))
        });
        drop(gone);
    }
}

fn failed(source: store::Error) -> Error {
    Error::Store(Box::new(StoreFailed { site: None, source, unrecorded: None }))
}
