//! What can go wrong in a store.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// What kind of trouble a store is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It cannot be reached, is locked or full, or its answer was lost: the same request may succeed later.
    Unavailable,
    /// It refuses as long as nobody acts: a replaced file, a schema from the future, a file of another
    /// program.
    Refused,
    /// It was asked for something that it cannot be: an unknown scheme or option, a path that cannot hold a
    /// database.
    Invalid,
}

/// An error of a store: what happened, and what to do.
///
/// It never says that a move was not applied. A move whose answer is an error is sent again with the same
/// token.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Arc<str>,
    advice: Arc<str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`: `message` says what happened to what, `advice` what to do about it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Arc<str>>, advice: impl Into<Arc<str>>) -> Error {
        Error { kind, message: message.into(), advice: advice.into(), source: None }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.source = Some(Arc::new(source));
        self
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// Whether the same request may succeed without anybody acting.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

/// Trouble of the machine, which may pass.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        let advice =
            "look whether the place is there, may be read and written, and has space; then call again";
        Error::new(ErrorKind::Unavailable, error.to_string(), advice).with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
