//! The one public error: what happened, to which operation and key, and what to do next.

mod soon;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use self::soon::Soon;
use crate::key::Key;
use crate::protocol::Fence;
use crate::store;

/// Why a call did not give the result of its function.
///
/// Every variant says what happened ([`Display`](fmt::Display)), to which operation and [key](Error::key),
/// and what to do next ([`advice`](Error::advice)); [`code`](Error::code) is stable, for machines.
///
/// ```
/// fn on_call(error: &idempotent::Error) {
///     eprintln!("{error}\n  {}", error.advice());
///     if error.is_retryable() { /* call again, with backon or the like */ }
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// Another attempt holds the key, and did not end within `wait`.
    InProgress(Box<InProgress>),
    /// An attempt ended otherwise than by `Ok` after its effect may have begun, and nothing proves what
    /// happened. The body was not run.
    InDoubt(Box<InDoubt>),
    /// The key is recorded for a call with other arguments. Neither run nor replayed.
    KeyReused(Box<KeyReused>),
    /// The store failed. Where it failed before the body, the body did not run.
    Store(Box<StoreFailed>),
    /// The record is there, but no value can be read from it. Never an invitation to run again.
    StoredValue(Box<StoredValue>),
    /// The check that is asked before a first attempt could not tell whether one is needed. Nothing was done, and
    /// the key is free.
    Check(Box<CheckFailed>),
    /// The claim was taken over, resolved or revoked before this call could act or record.
    LeaseLost(Box<LeaseLost>),
    /// No store is installed and `IDEMPOTENT_URL` does not name one.
    NotInstalled(Box<NotInstalled>),
    /// No key could be made for this call, or its operation's name belongs to another one.
    Key(Box<BadKey>),
    #[doc(hidden)]
    /// Only [`inspect`](crate::inspect) sees it.
    Inspected(Box<Site>),
}

/// Which call an error is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The operation's name.
    pub operation: Arc<str>,
    /// The tenant; empty if there is none.
    pub scope: Arc<str>,
    /// The key of the call.
    pub key: Key,
    /// The key parts as a person reads them.
    pub call: Arc<str>,
}

impl Site {
    pub(crate) fn of(subject: &store::Subject) -> Site {
        Site {
            operation: Arc::clone(&subject.operation),
            scope: Arc::clone(&subject.scope),
            key: subject.key,
            call: Arc::clone(&subject.call),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}; ", Brief(&self.operation), self.call)?;
        if !self.scope.is_empty() {
            write!(f, "scope `{}`; ", Brief(&self.scope))?;
        }
        write!(f, "key {})", short(&self.key))
    }
}

/// The name of an operation or a scope, cut to what a line can hold and free of control characters.
struct Brief<'a>(&'a str);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 120;
        let mut rest = self.0.chars();
        for part in rest.by_ref().take(LONGEST) {
            if part.is_control() { write!(f, "{}", part.escape_default())? } else { write!(f, "{part}")? }
        }
        if rest.next().is_some() { f.write_str("\u{2026}") } else { Ok(()) }
    }
}

fn short(key: &Key) -> String {
    key.as_bytes()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The details of [`Error::InProgress`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InProgress {
    /// Which call.
    pub site: Site,
    /// The holder's process, where the store knows it.
    pub holder: Option<Arc<str>>,
    /// When to come back.
    pub retry_in: Duration,
    /// The body or check of this very operation asked for the key that it holds itself.
    pub by_itself: bool,
}

/// The details of [`Error::InDoubt`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InDoubt {
    /// Which call.
    pub site: Site,
    /// The record's fence. To resolve it, `show` it and act by what it says then.
    pub fence: Fence,
    /// Which run of the body ended so.
    pub attempt: u32,
    /// The last error of the body or of its check.
    pub last_error: Option<Arc<str>>,
    /// When to ask again, if quiet time is all that is missing.
    pub retry_in: Option<Duration>,
    /// Whether the code announces its effect with `effect!`.
    pub has_marker: bool,
}

/// The details of [`Error::KeyReused`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyReused {
    /// Which call.
    pub site: Site,
    /// The list of arguments differs from the one that the record was made with: the code has changed, not
    /// only the payload.
    pub arguments_changed: bool,
}

/// The details of [`Error::Store`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreFailed {
    /// Which call; `None` for a store that could not be opened.
    pub site: Option<Site>,
    /// What the store said.
    pub source: store::Error,
    /// The encoded result of a body that ended with `Ok` and whose record could not be confirmed. The keeper
    /// goes on settling it.
    pub unrecorded: Option<Arc<str>>,
}

/// The details of [`Error::StoredValue`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredValue {
    /// Which call.
    pub site: Site,
    /// What is wrong with the stored value or record.
    pub why: Arc<str>,
}

/// The details of [`Error::Check`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckFailed {
    /// Which call.
    pub site: Site,
    /// The text of the check's error.
    pub said: Arc<str>,
}

/// The details of [`Error::LeaseLost`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LeaseLost {
    /// Which call.
    pub site: Site,
    /// Whether the effect of this attempt may have begun.
    pub effect_begun: bool,
    /// The encoded result, or the text of the error, that could not be recorded. It lies in the record's trail.
    pub unrecorded: Option<Arc<str>>,
}

/// The details of [`Error::NotInstalled`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotInstalled {
    /// The operation that was called.
    pub operation: Arc<str>,
}

/// The details of [`Error::Key`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BadKey {
    /// The operation that was called.
    pub operation: Arc<str>,
    /// What is wrong.
    pub message: Arc<str>,
    /// What to do about it.
    pub advice: Arc<str>,
}

impl Error {
    /// A stable name of what happened, for machines: `in_progress`, `in_doubt`, `key_reused`, `store`,
    /// `stored_value`, `check`, `lease_lost`, `not_installed` or `key`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Error::InProgress(_) => "in_progress",
            Error::InDoubt(_) => "in_doubt",
            Error::KeyReused(_) => "key_reused",
            Error::Store(_) => "store",
            Error::StoredValue(_) => "stored_value",
            Error::Check(_) => "check",
            Error::LeaseLost(_) => "lease_lost",
            Error::NotInstalled(_) => "not_installed",
            Error::Key(_) => "key",
            Error::Inspected(_) => "inspected",
        }
    }

    /// Which call it is about, where a key was made.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match self {
            Error::InProgress(error) => Some(&error.site),
            Error::InDoubt(error) => Some(&error.site),
            Error::KeyReused(error) => Some(&error.site),
            Error::Store(error) => error.site.as_ref(),
            Error::StoredValue(error) => Some(&error.site),
            Error::Check(error) => Some(&error.site),
            Error::LeaseLost(error) => Some(&error.site),
            Error::Inspected(site) => Some(site),
            Error::NotInstalled(_) | Error::Key(_) => None,
        }
    }

    /// The key of the call, where one was made.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.site().map(|site| site.key)
    }

    /// Whether the same call may succeed later without anybody acting. In doubt that is so only where nothing but
    /// quiet time is missing: [`InDoubt::retry_in`] says when to ask again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::InProgress(error) => !error.by_itself,
            Error::Store(error) => error.source.is_transient(),
            Error::Check(_) | Error::LeaseLost(_) => true,
            Error::InDoubt(error) => error.retry_in.is_some(),
            Error::KeyReused(_)
            | Error::StoredValue(_)
            | Error::NotInstalled(_)
            | Error::Key(_)
            | Error::Inspected(_) => false,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Error::InProgress(error) if error.by_itself => {
                "let the body do the work itself, or give the inner call another key".to_owned()
            }
            Error::InProgress(error) => format!(
                "call again in {}, or raise `wait`; an operator can `revoke` an attempt that hangs",
                Soon(error.retry_in)
            ),
            Error::InDoubt(error) => error.advice(),
            Error::KeyReused(error) if error.arguments_changed => {
                "the function's arguments have changed since the record was made: `skip(..)` an argument that \
                 does not belong to the payload, or pin another `name` for the new meaning"
                    .to_owned()
            }
            Error::KeyReused(_) => {
                "use another key for another payload, or `skip(..)` an argument that may differ between retries"
                    .to_owned()
            }
            Error::Store(error) => error.source.advice().to_owned(),
            Error::StoredValue(_) => {
                "the effect will not be repeated; look at the record and correct its value (`show`, `resolve`), \
                 or `forget` it if it may run again"
                    .to_owned()
            }
            Error::Check(_) => "nothing was done and nothing is in doubt: call again when the check can tell".to_owned(),
            Error::LeaseLost(error) if error.effect_begun => {
                "the effect may have happened, and another may have recorded it: call again and take that answer"
                    .to_owned()
            }
            Error::LeaseLost(_) => "nothing was done: call again".to_owned(),
            Error::NotInstalled(_) => {
                "call `idempotent::install(idempotent::open(\"sqlite:robot.db\")?)` at the start of `main`, or set \
                 IDEMPOTENT_URL=sqlite:robot.db"
                    .to_owned()
            }
            Error::Key(error) => error.advice.to_string(),
            Error::Inspected(_) => "nothing: the call was only inspected".to_owned(),
        }
    }
}

impl Error {
    pub(crate) fn bad_key(
        operation: &str,
        message: impl Into<Arc<str>>,
        advice: impl Into<Arc<str>>,
    ) -> Error {
        Error::Key(Box::new(BadKey {
            operation: operation.into(),
            message: message.into(),
            advice: advice.into(),
        }))
    }
}

impl InDoubt {
    fn advice(&self) -> String {
        if let Some(wait) = self.retry_in {
            return format!("ask again in {}: only quiet time is missing", Soon(wait));
        }
        let mut text =
            "this key: find out what happened, then `show` it and `resolve` it as done or not done. \
                        The code: "
                .to_owned();
        if !self.has_marker {
            text.push_str(
                "put `effect!(..)` around the line that acts, so that an end before it is no doubt; ",
            );
        }
        text.push_str(
            "let `check(find, after = \"2s\")` find out by itself; `on_err = release` if an error means that \
             nothing happened; `rerun` if running twice does no harm",
        );
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InProgress(error) if error.by_itself => {
                write!(f, "the body or check of {} calls itself with the key that it holds", error.site)
            }
            Error::InProgress(error) => {
                write!(f, "{} is held by ", error.site)?;
                f.write_str(error.holder.as_deref().unwrap_or("another attempt"))?;
                f.write_str(" and did not end in time")
            }
            Error::InDoubt(error) => {
                write!(f, "{} is in doubt: attempt {} may have acted", error.site, error.attempt)?;
                match &error.last_error {
                    Some(text) => write!(f, " (last error: {text})"),
                    None => f.write_str(" and ended without a word"),
                }
            }
            Error::KeyReused(error) => {
                write!(f, "{} is recorded for a call with other arguments", error.site)
            }
            Error::Store(error) => {
                match &error.site {
                    Some(site) => write!(f, "the store failed for {site}: {}", error.source)?,
                    None => write!(f, "the store failed: {}", error.source)?,
                }
                match &error.unrecorded {
                    Some(value) => write!(f, "; the body ended with {value}, which is not recorded yet"),
                    None => Ok(()),
                }
            }
            Error::StoredValue(error) => {
                write!(f, "the record of {} holds no usable value: {}", error.site, error.why)
            }
            Error::Check(error) => {
                write!(f, "the check of {} cannot tell whether it has happened: {}", error.site, error.said)
            }
            Error::LeaseLost(error) => {
                write!(f, "the claim on {} was taken from this attempt, or its lease ran out,", error.site)?;
                match (&error.unrecorded, error.effect_begun) {
                    (Some(value), _) => write!(f, " after it had ended with {value}"),
                    (None, true) => f.write_str(" after its effect may have begun"),
                    (None, false) => f.write_str(" before its effect began"),
                }
            }
            Error::NotInstalled(error) => {
                write!(f, "no store is installed for `{}`", Brief(&error.operation))
            }
            Error::Key(error) => {
                write!(f, "`{}` cannot be called: {}", Brief(&error.operation), error.message)
            }
            Error::Inspected(site) => write!(f, "{site} was inspected, not called"),
        }
    }
}

/// What `main` prints when it returns the error: what happened, and what to do.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({}): {}", self.code(), self.advice())
    }
}

impl StdError for Error {
    /// What caused a store to fail; the store's own words are in the message.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Store(error) => error.source.source(),
            _ => None,
        }
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let site = self.site();
        let operation = match self {
            Error::NotInstalled(error) => Some(&error.operation),
            Error::Key(error) => Some(&error.operation),
            _ => site.map(|site| &site.operation),
        };
        let mut fields = serializer.serialize_struct("Error", 8)?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("operation", &operation.map(|name| &**name))?;
        fields.serialize_field("scope", &site.map(|site| &*site.scope))?;
        fields.serialize_field("key", &site.map(|site| site.key.to_string()))?;
        fields.serialize_field("call", &site.map(|site| &*site.call))?;
        fields.serialize_field("message", &self.to_string())?;
        fields.serialize_field("advice", &self.advice())?;
        fields.serialize_field("retryable", &self.is_retryable())?;
        fields.end()
    }
}
