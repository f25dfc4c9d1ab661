//! `open(url)`: the one place that names every store.

use std::sync::Arc;

use super::near::nearest;
use super::{Error, ErrorKind, Store};

/// Opens the store that `url` names. Without `create` nothing is made that is not there.
pub(crate) fn open(url: &str, create: bool) -> Result<Arc<dyn Store>, Error> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" if !create => Err(Error::new(
            ErrorKind::Invalid,
            "the records of `memory:` live and end with one process: there are none to open from outside",
            "name the store that the programs use, as in `sqlite:<file>`",
        )),
        "memory" => memory(rest),
        "sqlite" => sqlite(url, create),
        "postgres" | "postgresql" | "redis" | "rediss" | "etcd" => Err(Error::new(
            ErrorKind::Invalid,
            format!("this version has no store for `{scheme}:`"),
            "use `sqlite:<file>` (many processes of one machine) or `memory:` (one process)",
        )),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            format!("`{scheme}:` names no store"),
            match nearest(scheme, &["sqlite", "memory"]) {
                Some(near) => format!("did you mean `{near}:`? Write `sqlite:<file>` or `memory:`"),
                None => "write `sqlite:<file>` or `memory:`".to_owned(),
            },
        )),
    }
}

#[cfg(feature = "memory")]
fn memory(rest: &str) -> Result<Arc<dyn Store>, Error> {
    if rest.is_empty() {
        Ok(Arc::new(super::MemoryStore::new()))
    } else {
        Err(Error::new(
            ErrorKind::Invalid,
            format!("`memory:` takes no path or option, but got `{rest}`"),
            "write `memory:`",
        ))
    }
}

#[cfg(not(feature = "memory"))]
fn memory(_: &str) -> Result<Arc<dyn Store>, Error> {
    Err(left_out("memory"))
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &str, create: bool) -> Result<Arc<dyn Store>, Error> {
    let options = super::sqlite::SqliteOptions::from_url(url)?;
    let options = if create { options } else { options.create(false) };
    Ok(Arc::new(options.open()?))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &str, _: bool) -> Result<Arc<dyn Store>, Error> {
    Err(left_out("sqlite"))
}

#[cfg(not(all(feature = "memory", feature = "sqlite")))]
fn left_out(feature: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("this program was built without the store `{feature}:`"),
        format!("switch on the feature `{feature}` of the crate `idempotent`"),
    )
}
