//! A body that ends as the test tells it to.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Trouble;

/// What a body does at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum At {
    Goes,
    Fails,
    Panics,
}

/// What a body does before and after its effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Script {
    pub(crate) before: At,
    pub(crate) after: At,
}

impl Script {
    pub(crate) const WORKS: Script = Script { before: At::Goes, after: At::Goes };
    pub(crate) const FAILS_BEFORE: Script = Script { before: At::Fails, after: At::Goes };
    pub(crate) const PANICS_BEFORE: Script = Script { before: At::Panics, after: At::Goes };
    pub(crate) const FAILS_AFTER: Script = Script { before: At::Goes, after: At::Fails };
    pub(crate) const PANICS_AFTER: Script = Script { before: At::Goes, after: At::Panics };

    pub(crate) fn before(self) -> Result<(), Trouble> {
        Script::at(self.before, "the portal is closed")
    }

    pub(crate) fn after(self) -> Result<(), Trouble> {
        Script::at(self.after, "the connection was cut")
    }

    fn at(point: At, text: &str) -> Result<(), Trouble> {
        match point {
            At::Goes => Ok(()),
            At::Fails => Err(Trouble::own(text)),
            // A panic without its message.
            At::Panics => resume_unwind(Box::new(text.to_owned())),
        }
    }
}

static NUMBER: AtomicUsize = AtomicUsize::new(1);

/// Every run of a body has another result, so that a second run cannot look like a replay.
pub(crate) fn fresh() -> usize {
    NUMBER.fetch_add(1, Ordering::SeqCst)
}

/// Runs a call that panics. The panic must reach the caller.
#[track_caller]
pub(crate) fn panics<T>(call: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "the panic did not go on to the caller");
}
