//! Annotated functions of every form. No lint that a user may turn on speaks of what the attribute writes.
//!
//! Fails under clippy, which the checks of the project run over all editions, when expanded code trips one of them. There
//! is no `allow` in here: a user would need it, too.

#![deny(warnings)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(missing_docs, unreachable_pub, unused, nonstandard_style, future_incompatible, keyword_idents)]
#![deny(rust_2018_idioms, rust_2021_compatibility, rust_2024_compatibility)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    missing_debug_implementations
)]
#![deny(redundant_lifetimes, single_use_lifetimes, trivial_casts, trivial_numeric_casts, unused_lifetimes)]
#![deny(unused_import_braces, unused_qualifications, unused_results, variant_size_differences)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]
#![deny(clippy::shadow_reuse, clippy::shadow_unrelated, clippy::same_name_method, clippy::allow_attributes)]
#![deny(
    clippy::allow_attributes_without_reason,
    clippy::absolute_paths,
    clippy::missing_docs_in_private_items
)]
#![deny(clippy::arithmetic_side_effects, clippy::let_underscore_must_use, clippy::wildcard_enum_match_arm)]
#![forbid(unsafe_code)]

use std::fmt;
use std::future::{Future, ready};
use std::result;
use std::sync::Arc;

use async_trait::async_trait;
use idempotent::{Error, OnErr, effect, idempotent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a booking gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Its number.
    pub number: u64,
}

/// An error of the clinic's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClinicError {
    /// The portal says no.
    Refused(String),
    /// The library says no.
    Ours(String),
}

impl fmt::Display for ClinicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) | Self::Ours(text) => f.write_str(text),
        }
    }
}

impl From<Error> for ClinicError {
    fn from(error: Error) -> Self {
        Self::Ours(error.to_string())
    }
}

/// An alias, as many crates have one.
pub type Result<T, E = ClinicError> = result::Result<T, E>;

/// Clicks on the portal.
///
/// # Errors
/// If nobody is called so.
pub fn click(patient: &str) -> Result<u64> {
    if patient.is_empty() {
        return Err(ClinicError::Refused("nobody".to_owned()));
    }
    Ok(7)
}

/// [`click`], later.
///
/// # Errors
/// As [`click`].
pub async fn click_later(patient: &str) -> Result<u64> {
    ready(()).await;
    click(patient)
}

/// A synchronous function.
///
/// # Errors
/// As the attribute says; so for all that follow.
#[idempotent(key = patient)]
pub fn plain(patient: &str) -> Result<Booking> {
    let number = effect!(click(patient)?);
    Ok(Booking { number })
}

/// An asynchronous function.
///
/// # Errors
/// As above.
#[idempotent(key = (patient, day))]
pub async fn later(patient: &str, day: u8) -> Result<Booking> {
    if day > 31 {
        return Err(ClinicError::Refused(format!("there is no day {day}")));
    }
    let number = effect!(click_later(patient).await?);
    Ok(Booking { number })
}

/// Finds nothing.
///
/// # Errors
/// Never.
pub async fn find(_patient: &str, _day: String) -> Result<Option<Booking>> {
    ready(Ok(None)).await
}

/// A function with a check, and all that says how long.
///
/// # Errors
/// As above.
#[idempotent(key = (patient, day), check(find, after = "2s"), wait = "1s", keep = "30d")]
pub async fn checked(patient: &str, day: String) -> Result<Booking> {
    let number = effect!(click_later(patient).await?);
    drop(day);
    Ok(Booking { number })
}

/// Says what an error means.
const fn judge(error: &ClinicError) -> OnErr {
    match error {
        ClinicError::Refused(_) => OnErr::Store,
        ClinicError::Ours(_) => OnErr::Doubt,
    }
}

/// A function that says what an error means, with attributes above and below.
///
/// # Errors
/// As above.
#[must_use = "it says whether it is booked"]
#[idempotent(key = patient, on_err = judge)]
#[tracing::instrument]
pub fn judged(patient: &str) -> Result<u64> {
    effect!(click(patient))
}

/// A function whose errors are final, with attributes in another order.
///
/// # Errors
/// As above.
#[tracing::instrument(skip_all)]
#[idempotent(key = all, on_err = store, rerun)]
pub async fn stored(patient: &str, day: u8) -> Result<u64> {
    Ok(effect!(click_later(patient).await)?.saturating_add(day.into()))
}

/// A room.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its number.
    pub number: u16,
}

/// A function with a format string, a scope, secrets and another name for the marker.
///
/// # Errors
/// As above.
#[idempotent(key = "{clinic}/{room.number}:{_day}{{}}", scope = clinic, secret(pin, _hidden), skip(room))]
pub fn in_a_scope(clinic: &str, room: &Room, _day: String, pin: u16, _hidden: &[u8]) -> Result<u64> {
    use idempotent::effect as mark;
    let clicked = mark!(click(clinic)?);
    Ok(clicked.saturating_add(pin.into()))
}

/// A function with a format string among other parts, and a crate that is elsewhere.
///
/// # Errors
/// As above.
#[idempotent(key = ("{room.number}", "v1", pin), scope = room.number, secret(pin), skip(room), crate = ::idempotent)]
pub async fn in_a_scope_later(room: Room, pin: u16) -> Result<u64> {
    let clicked = effect!(click_later("room").await?);
    Ok(clicked.saturating_add(room.number.into()))
}

/// An error without `From`.
#[derive(Debug)]
pub enum Told {
    /// The library says no.
    Ours(Error),
    /// The clinic says no.
    Clinic(ClinicError),
}

/// A function whose error has no `From`.
///
/// # Errors
/// As above.
#[idempotent(key = patient, map_err = Told::Ours, on_err = release)]
pub fn mapped(patient: String) -> Result<u64, Told> {
    effect!(click(&patient)).map_err(Told::Clinic)
}

/// Reads an older result.
///
/// # Errors
/// If there is nothing to read.
fn upgrade(from: u32, stored: &[u8]) -> Result<u64, &'static str> {
    stored.first().map(|byte| u64::from(*byte).saturating_add(from.into())).ok_or("nothing is stored")
}

/// A format string, a scope, a secret, and an older result.
///
/// # Errors
/// As above.
#[idempotent(
    key = "{day}:{patient}",
    scope = clinic,
    secret(code),
    value(version = 2, upgrade = upgrade),
    crate = ::idempotent
)]
pub async fn sent(clinic: &str, day: u8, patient: &str, code: &str) -> Result<u64> {
    tracing::debug!(clinic, day);
    effect!(click_later(&format!("{patient}{code}")).await)
}

/// A check that is asked first.
///
/// # Errors
/// As above.
#[idempotent(key = patient, check(find_now, after = "0s", first))]
pub fn first(patient: &str) -> Result<u64> {
    effect!(click(patient))
}

/// Finds nothing.
fn find_now(patient: &str) -> Result<Option<u64>> {
    click(patient).map(|_| None)
}

/// Patterns, arguments that change, and arguments that nothing uses.
///
/// # Errors
/// As above.
#[idempotent(key = (_patient, (a, *b)), skip(_portal))]
pub fn patterns(
    _patient: &str,
    (a, b): (u8, &u8),
    mut list: Vec<u8>,
    _portal: &Booking,
    _rest: bool,
) -> Result<u8> {
    list.push(a);
    let act = |by: u8| effect!(by.saturating_add(1));
    if list.len() > 3 {
        return Ok(act(a));
    }
    Ok(act(*b))
}

/// Type parameters, `impl Trait` and lifetimes.
///
/// # Errors
/// As above.
#[idempotent(key = (text, id.as_ref()))]
pub async fn generic<'a, T>(
    text: &'a str,
    id: impl AsRef<str> + Send + Serialize,
    value: T,
) -> Result<(String, T)>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'a,
{
    ready(()).await;
    effect!(click(id.as_ref())?);
    Ok((text.to_owned(), value))
}

/// At most `N` numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<const N: usize> {
    /// The numbers.
    pub numbers: Vec<u64>,
}

/// A constant parameter.
///
/// # Errors
/// As above.
#[idempotent(key = day)]
pub fn constant<const N: usize>(day: u8) -> Result<Page<N>> {
    effect!(click("ann")?);
    Ok(Page { numbers: (0..).take(N).map(|number: u64| number.saturating_add(day.into())).collect() })
}

/// The portal of a clinic.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Its number.
    pub id: u32,
    /// How often it was asked.
    pub asked: u32,
}

impl Portal {
    /// A method.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = (self.id, patient), name = "portal.book")]
    pub fn book(&self, patient: &str) -> Result<Booking> {
        effect!(self.click(patient))
    }

    /// What the methods do.
    fn click(&self, patient: &str) -> Result<Booking> {
        click(patient).map(|number| Booking { number: number.saturating_add(self.id.into()) })
    }

    /// An asynchronous method that changes its receiver.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = (self.id, patient), name = "portal.ask")]
    pub async fn ask(&mut self, patient: &str) -> Result<Booking> {
        self.asked = self.asked.saturating_add(1);
        ready(()).await;
        effect!(self.click(patient))
    }

    /// A method that takes its receiver.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = self.id, name = "portal.close")]
    pub fn close(self) -> Result<()> {
        effect!(self.click("ann")).map(drop)
    }

    /// A method of a shared receiver.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = (self.id, patient), name = "portal.share")]
    pub async fn share(self: Arc<Self>, patient: String) -> Result<Booking> {
        ready(()).await;
        effect!(self.click(&patient))
    }

    /// A function of the type.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = id, name = "portal.open")]
    pub fn open(id: u32) -> Result<u32> {
        effect!(click("ann")?);
        Ok(id)
    }
}

/// What every clinic can do.
pub trait Clinic {
    /// Cancels.
    ///
    /// # Errors
    /// As above.
    fn cancel(&self, number: u64) -> Result<()>;

    /// Cancels later.
    ///
    /// # Errors
    /// As above.
    fn cancel_later(&self, number: u64) -> impl Future<Output = Result<u64>> + Send;

    /// A default method.
    ///
    /// # Errors
    /// As above.
    #[idempotent(key = (clinic, number), name = "clinic.move")]
    fn move_to(&self, clinic: u32, number: u64) -> Result<u64> {
        effect!(self.cancel(number)?);
        Ok(number)
    }
}

impl Clinic for Portal {
    #[idempotent(key = (self.id, number), name = "portal.cancel")]
    fn cancel(&self, number: u64) -> Result<()> {
        effect!(click("ann").map(drop))?;
        tracing::debug!(number);
        Ok(())
    }

    #[idempotent(key = (self.id, number), name = "portal.cancel_later")]
    async fn cancel_later(&self, number: u64) -> Result<u64> {
        effect!(click_later("ann").await?);
        Ok(number)
    }
}

/// What a clinic can do behind a pointer.
#[async_trait]
pub trait Remote {
    /// Calls.
    ///
    /// # Errors
    /// As above.
    async fn call(&self, patient: &str) -> Result<u64>;
}

#[async_trait]
impl Remote for Portal {
    #[idempotent(key = (self.id, patient), name = "portal.call")]
    async fn call(&self, patient: &str) -> Result<u64> {
        effect!(click_later(patient).await)
    }
}

/// Writes a function.
macro_rules! written {
    ($(#[$about:meta])* $name:ident, $key:expr_2021, $id:ident, $argument:ident: $ty:ty) => {
        $(#[$about])*
        #[idempotent(key = $key, skip($argument))]
        pub fn $name($id: u64, $argument: $ty) -> Result<u64> {
            effect!(click("ann")).map(|number| number.saturating_add($id).saturating_add($argument.into()))
        }
    };
}

written! {
    /// A function that a macro writes.
    ///
    /// # Errors
    /// As above.
    written, id, id, by: u8
}

/// A function in a function, in one line.
///
/// # Errors
/// As above.
pub fn outer(id: u64) -> Result<u64> {
    /// The inner one.
    #[rustfmt::skip]
    #[idempotent(key = id)]
    fn inner(id: u64) -> Result<u64> { effect!(Ok(id)) }

    inner(id)
}

#[cfg(test)]
mod tests {
    use idempotent::testing::fresh;

    use super::*;

    /// Red when a form is not listed, or is listed otherwise than before.
    #[test]
    fn every_form_is_listed() {
        idempotent::testing::assert_keys_locked!("idempotent.lock");
    }

    /// Red when a form does not run, or runs again.
    #[test]
    fn every_form_is_replayed() {
        let store = fresh();
        let mut portal = Portal { id: 1, asked: 0 };
        let shared = Arc::new(portal.clone());
        for _ in 0..2 {
            assert_eq!(plain("ann"), Ok(Booking { number: 7 }));
            assert_eq!(judged("ann"), Ok(7));
            assert_eq!(first("ann"), Ok(7));
            assert_eq!(judged(""), Err(ClinicError::Refused("nobody".to_owned())));
            assert_eq!(mapped("ann".to_owned()).ok(), Some(7));
            assert_eq!(in_a_scope("north", &Room { number: 1 }, String::new(), 2, &[]), Ok(9));
            assert_eq!(patterns("ann", (1, &2), Vec::new(), &Booking { number: 1 }, true), Ok(3));
            assert_eq!(constant::<2>(1).map(|page| page.numbers), Ok(vec![1, 2]));
            assert_eq!(constant::<3>(1).map(|page| page.numbers), Ok(vec![1, 2, 3]));
            assert_eq!(portal.book("ann"), Ok(Booking { number: 8 }));
            assert_eq!(portal.clone().close(), Ok(()));
            assert_eq!(Portal::open(1), Ok(1));
            assert_eq!(portal.cancel(1), Ok(()));
            assert_eq!(portal.move_to(2, 3), Ok(3));
            assert_eq!(written(1, 2), Ok(10));
            assert_eq!(outer(1), Ok(1));
            pollster::block_on(async {
                assert_eq!(later("ann", 1).await, Ok(Booking { number: 7 }));
                assert_eq!(checked("ann", String::new()).await, Ok(Booking { number: 7 }));
                assert_eq!(sent("graz", 1, "ann", "secret").await, Ok(7));
                assert_eq!(stored("ann", 1).await, Ok(8));
                assert_eq!(in_a_scope_later(Room { number: 1 }, 2).await, Ok(8));
                assert_eq!(generic("a", "b", 1_u8).await, Ok(("a".to_owned(), 1)));
                assert_eq!(portal.ask("ann").await, Ok(Booking { number: 8 }));
                assert_eq!(Arc::clone(&shared).share("ann".to_owned()).await, Ok(Booking { number: 8 }));
                assert_eq!(portal.cancel_later(1).await, Ok(1));
                assert_eq!(portal.call("ann").await, Ok(7));
            });
        }
        assert_eq!(portal.asked, 1, "a replayed call has changed its receiver");
        let listed = store.list(&idempotent::Filter::default()).wait().map(|entries| entries.len());
        assert_eq!(listed.ok(), Some(27));
    }
}
