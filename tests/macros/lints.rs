//! Nothing in the expansion is linted in a user's crate, under the strictest lints there are.
//!
//! Fails (under clippy, which the checks of the project run with warnings denied) when expanded code trips
//! one of them.

#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]

use idempotent::{Error, Handle, OnErr, effect, idempotent};

/// A portal.
#[derive(Clone)]
struct Portal;

impl Portal {
    /// Clicks.
    ///
    /// # Errors
    /// Never.
    async fn click(&self) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(7)
    }

    /// Books by itself.
    ///
    /// # Errors
    /// As the attribute says.
    #[idempotent(key = patient, name = "lints.portal", rerun, wait = "0s", keep = "1d")]
    async fn book(&self, patient: &str) -> Result<u32, Error> {
        effect!(self.click().await?);
        Ok(patient.len().try_into().unwrap_or(0))
    }
}

async fn find(_: &Portal, _: &str, _: String, _: &Handle) -> Result<Option<u32>, Error> {
    tokio::task::yield_now().await;
    Ok(None)
}

fn older(_: u32, stored: &[u8]) -> Result<u32, std::num::TryFromIntError> {
    stored.len().try_into()
}

const fn judge(_: &Error) -> OnErr {
    OnErr::Doubt
}

/// Books.
///
/// # Errors
/// As the attribute says.
#[idempotent(
    key = (patient, date),
    skip(portal, handle),
    store = handle,
    check(find, after = "2s", first),
    value(version = 2, upgrade = older),
    on_err = judge
)]
async fn book(portal: &Portal, patient: &str, date: String, handle: &Handle) -> Result<u32, Error> {
    let done = effect!(portal.click().await?);
    async {
        effect!(portal.click().await)?;
        Ok::<_, Error>(())
    }
    .await?;
    Ok(done)
}

/// Books at once.
///
/// # Errors
/// As the attribute says.
#[idempotent(key = (_patient, (a, *b)), skip(handle), store = handle, on_err = release)]
#[must_use]
fn plain(
    _patient: &str,
    (a, b): (u8, &u8),
    mut list: Vec<u8>,
    handle: &Handle,
    _unused: bool,
) -> Result<u8, Error> {
    list.push(a);
    let act = |by: u8| effect!(by + 1);
    if list.len() > 3 {
        return Ok(act(a));
    }
    Ok(act(*b))
}

/// Finds nothing.
///
/// # Errors
/// As the attribute says.
#[idempotent(key = all, skip(handle), store = handle)]
fn unit(n: u8, handle: &Handle) -> Result<(), Error> {
    effect!(assert_ne!(n, 0));
    Ok(())
}

/// Doubles, in one line.
///
/// # Errors
/// As the attribute says.
#[rustfmt::skip]
#[idempotent(key = n, skip(handle), store = handle)]
fn one_line(n: u8, handle: &Handle) -> Result<u8, Error> { effect!(Ok(n * 2)) }

/// Doubles later, in one line.
///
/// # Errors
/// As the attribute says.
#[rustfmt::skip]
#[idempotent(key = n, skip(handle), store = handle)]
async fn one_line_async(n: u8, handle: &Handle) -> Result<u8, Error> { Ok(std::future::ready(n * 2).await) }

#[tokio::test]
async fn nothing_is_linted() {
    let handle = Handle::new(idempotent::MemoryStore::new());
    assert_eq!(book(&Portal, "ann", String::new(), &handle).await.unwrap(), 7);
    assert_eq!(plain("ann", (1, &2), vec![], &handle, true).unwrap(), 3);
    unit(1, &handle).unwrap();
    assert_eq!(one_line(1, &handle).unwrap(), 2);
    assert_eq!(one_line_async(1, &handle).await.unwrap(), 2);
    assert!(Portal.book("ann").await.is_err(), "no store is installed");
}
