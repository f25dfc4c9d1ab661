//! What went wrong: what happened, to which record, and what to type next.

use std::io;

use idempotent::{Entry, Key, OperatorError, store};

use crate::exit::Exit;
use crate::meaning::named;
use crate::prefix::short;

/// Why the command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened, and to which record.
    pub(crate) what: String,
    /// What to do, often the next command.
    pub(crate) next: String,
}

/// Why the command ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(Failure),
    /// Nobody reads any more, as in `| head`: no mistake.
    PipeClosed,
}

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { exit, what: what.into(), next: next.into() }
    }

    pub(crate) fn not_found(key: &Key) -> Failure {
        Failure::new(Exit::NotFound, format!("there is no record {key}"), "idempotent ls")
    }

    pub(crate) fn store(error: &store::Error) -> Failure {
        Failure::new(Exit::Store, error.to_string(), error.advice())
    }

    pub(crate) fn opening(error: &idempotent::Error) -> Failure {
        let what = match error {
            idempotent::Error::Store(failed) => failed.source.to_string(),
            other => other.to_string(),
        };
        Failure::new(Exit::Store, what, error.advice())
    }

    pub(crate) fn damaged(entry: &Entry, why: &str) -> Failure {
        Failure::new(
            Exit::Damaged,
            format!("{} cannot be read: {why}", named(entry)),
            "mend the stored row by hand; nothing runs until then",
        )
    }

    /// The store's last word on an act.
    pub(crate) fn act(entry: &Entry, error: &OperatorError) -> Failure {
        let (key, record) = (short(&entry.subject.key), named(entry));
        match error {
            OperatorError::Stale => Failure::new(
                Exit::Stale,
                format!("{record} has changed since it was looked at; nothing was written"),
                format!("idempotent show {key}"),
            ),
            OperatorError::Busy(_) => Failure::new(
                Exit::Refused,
                format!("{record}: {error}"),
                format!("wait for it to end, or: idempotent revoke {key} --why '..'"),
            ),
            OperatorError::InDoubt => Failure::new(
                Exit::Refused,
                format!("{record} is in doubt"),
                format!("find out whether it happened, then: idempotent resolve {key} --as .."),
            ),
            OperatorError::NotFound => Failure::not_found(&entry.subject.key),
            OperatorError::Unreadable(why) => Failure::damaged(entry, why),
            OperatorError::Store(error) => Failure::store(error),
            other => Failure::new(Exit::Refused, format!("{record}: {other}"), other.advice()),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Stop::PipeClosed;
        }
        Stop::Failed(Failure::new(
            Exit::Store,
            format!("the output cannot be written: {error}"),
            "look at where it goes to",
        ))
    }
}
