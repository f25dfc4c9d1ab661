//! An error of an application, which can carry the library's.

use std::fmt;

use idempotent::Error;

/// What goes wrong in a body, or around it.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The body's own error.
    Own(String),
    /// The library's.
    Library(Error),
}

impl Trouble {
    pub(crate) fn own(text: impl Into<String>) -> Trouble {
        Trouble::Own(text.into())
    }

    /// The stable name of the library's error, or `own`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Trouble::Own(_) => "own",
            Trouble::Library(error) => error.code(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Own(text) => f.write_str(text),
            Trouble::Library(error) => error.fmt(f),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Library(error)
    }
}

impl From<Trouble> for Option<Error> {
    fn from(trouble: Trouble) -> Option<Error> {
        match trouble {
            Trouble::Own(_) => None,
            Trouble::Library(error) => Some(error),
        }
    }
}
