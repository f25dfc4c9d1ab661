//! Every event of this crate, by name.
//!
//! Each carries the operation, and the key where there is one. None carries an argument: keys are hashes, and the
//! readable form of a call stays in the store.

use std::fmt::Display;
use std::sync::Arc;

use super::quietly;
use crate::error::Error;
use crate::observe::How;
use crate::protocol::{Busy, Fence};
use crate::store::{self, Subject};

/// A call was granted the right to run, or to ask its check.
pub(crate) fn claimed(subject: &Subject, attempt: u32, fence: Fence, asks: bool) {
    quietly(|| {
        tracing::debug!(operation = %subject.operation, key = %subject.key, attempt, fence = fence.0, asks,
            "the key is claimed");
    });
}

/// A call waits for another holder of its key.
pub(crate) fn waits(subject: &Subject, busy: &Busy) {
    quietly(|| {
        tracing::debug!(operation = %subject.operation, key = %subject.key, fence = busy.fence.0,
            holder = busy.named.as_deref().unwrap_or("unknown"), "another attempt holds the key: waiting");
    });
}

/// The effect is about to begin.
pub(crate) fn marked(subject: &Subject, fence: Fence) {
    quietly(|| {
        tracing::debug!(operation = %subject.operation, key = %subject.key, fence = fence.0, "the effect begins");
    });
}

/// The check has answered: `happened`, `did not happen` or `cannot tell`.
pub(crate) fn checked(subject: &Subject, answer: &'static str) {
    quietly(|| {
        tracing::debug!(operation = %subject.operation, key = %subject.key, answer, "the check has answered");
    });
}

/// One request to the store was answered, or not.
pub(crate) fn moved(subject: &Subject, request: &'static str, result: Result<&'static str, &store::Error>) {
    quietly(|| match result {
        Ok(answer) => {
            tracing::trace!(operation = %subject.operation, key = %subject.key, request, answer, "the store answers");
        }
        Err(error) => {
            tracing::debug!(operation = %subject.operation, key = %subject.key, request, %error, "the store fails");
        }
    });
}

/// A call has ended.
pub(super) fn ended(subject: &Subject, how: How, attempt: u32) {
    quietly(|| {
        tracing::debug!(operation = %subject.operation, key = %subject.key, outcome = how.name(), attempt,
            "the call has ended");
    });
}

/// An attempt was dropped or has panicked: without harm, or after its effect may have begun.
pub(crate) fn interrupted(subject: &Subject, attempt: u32, doubt: bool) {
    quietly(|| {
        if doubt {
            tracing::warn!(operation = %subject.operation, key = %subject.key, attempt,
                "an attempt that may have acted was interrupted: the key is in doubt");
        } else {
            tracing::debug!(operation = %subject.operation, key = %subject.key, attempt,
                "an attempt was interrupted before its effect: the key is free again");
        }
    });
}

/// An operator has acted on a record.
pub(crate) fn operated(subject: &Subject, request: &'static str, by: &str, answer: &'static str) {
    quietly(|| {
        tracing::info!(operation = %subject.operation, key = %subject.key, request, by, answer,
            "an operator acts on a record");
    });
}

/// An error has left doubt: said at once, with what to do about this key and about the code.
pub(crate) fn doubt(subject: &Subject, attempt: u32, said: &str, error: &Error) {
    quietly(|| {
        tracing::warn!(operation = %subject.operation, key = %subject.key, attempt, error = said,
            advice = %error.advice(), "an attempt that may have acted ended with an error: the key is in doubt");
    });
}

/// A result cannot be encoded.
pub(crate) fn not_recorded(operation: &str, error: &dyn Display) {
    quietly(|| {
        tracing::error!(operation, %error,
            "the result cannot be recorded: the key is done without a value, and later calls get StoredValue");
    });
}

/// A result is another one, or none, once it is stored and read again.
pub(crate) fn round_trip(operation: &str, what: RoundTrip<'_>) {
    quietly(|| match what {
        RoundTrip::Changes => {
            tracing::warn!(operation, "the result changes when it is stored and read again");
        }
        RoundTrip::Fails(error) => {
            tracing::warn!(operation, %error, "the result cannot be read again once it is stored");
        }
        RoundTrip::Panics => tracing::warn!(operation, "reading the stored result panics"),
    });
}

/// What became of a result that was stored and read again.
pub(crate) enum RoundTrip<'a> {
    Changes,
    Fails(&'a dyn Display),
    Panics,
}

/// A lease could not be renewed for now.
pub(crate) fn not_renewed(subject: &Subject, error: &store::Error) {
    quietly(|| {
        tracing::warn!(operation = %subject.operation, key = %subject.key, %error,
            "a lease could not be renewed; the keeper tries again");
    });
}

/// A store gave an answer that the protocol does not know.
pub(crate) fn wrong_answer(subject: &Subject, error: &store::Error) {
    quietly(|| tracing::error!(operation = %subject.operation, key = %subject.key, %error));
}

/// The keeper has no thread.
pub(crate) fn no_keeper(error: &std::io::Error) {
    quietly(|| tracing::error!(%error, "the keeper's thread cannot start; leases are not renewed"));
}

/// The keeper could not record the end of an attempt for now.
pub(crate) fn unsettled(subject: &Subject, error: &store::Error, tries: u32) {
    quietly(|| {
        tracing::warn!(operation = %subject.operation, key = %subject.key, %error, tries,
            "the keeper could not record the end of an attempt; it tries again");
    });
}

/// The keeper gives up the end of an attempt.
pub(crate) fn given_up(subject: &Arc<Subject>, error: &store::Error) {
    quietly(|| {
        tracing::error!(operation = %subject.operation, key = %subject.key, %error,
            "the store is no longer in use, and the end of an attempt could not be recorded");
    });
}
