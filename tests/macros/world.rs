//! A memory store and a tally of what bodies did.

use std::sync::Mutex;

use idempotent::{Error, Handle, How, MemoryStore, Observed};
use serde::{Deserialize, Serialize};

pub(crate) struct World {
    pub(crate) handle: Handle,
    done: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new() -> World {
        World { handle: Handle::new(MemoryStore::new()), done: Mutex::new(Vec::new()) }
    }

    /// Something happened outside.
    pub(crate) fn act(&self, what: impl ToString) {
        self.done.lock().unwrap().push(what.to_string());
    }

    /// What happened outside, in order.
    pub(crate) fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().clone()
    }

    /// How often the body acted.
    pub(crate) fn runs(&self) -> usize {
        self.done.lock().unwrap().len()
    }
}

/// An error of a user's own.
#[derive(Debug)]
pub(crate) enum Fault {
    Ours(Error),
    Own(String),
}

impl Fault {
    pub(crate) fn own(text: &str) -> Fault {
        Fault::Own(text.to_owned())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Ours(error)
    }
}

/// An error of a user's own that can be recorded, and that `From` does not make.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Told(pub(crate) String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Ours(error) => error.fmt(f),
            Fault::Own(text) => text.fmt(f),
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The call ran its body and gave this.
#[track_caller]
pub(crate) fn ran<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    seen: Observed<Result<T, E>>,
    value: T,
) {
    assert_eq!(seen.result.unwrap(), value);
    assert_eq!(seen.outcome.unwrap().how, How::Executed);
}

/// The call gave this without running its body.
#[track_caller]
pub(crate) fn replayed<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    seen: Observed<Result<T, E>>,
    value: T,
) {
    assert_eq!(seen.result.unwrap(), value);
    assert_eq!(seen.outcome.unwrap().how, How::Replayed);
}

/// Runs a call twice: the first time its body, the second time not.
macro_rules! once {
    (async $world:expr, $call:expr, $value:expr) => {{
        let before = $world.runs();
        $crate::world::ran(::idempotent::observe_async($call).await, $value);
        $crate::world::replayed(::idempotent::observe_async($call).await, $value);
        assert_eq!($world.runs(), before + 1, "the body ran once");
    }};
    ($world:expr, $call:expr, $value:expr) => {{
        let before = $world.runs();
        $crate::world::ran(::idempotent::observe(|| $call), $value);
        $crate::world::replayed(::idempotent::observe(|| $call), $value);
        assert_eq!($world.runs(), before + 1, "the body ran once");
    }};
}
pub(crate) use once;
