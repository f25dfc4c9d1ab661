//! What subscribers and recorders are told: spans and events of `tracing`, and numbers for `metrics`.
//!
//! All of it goes out from here. A subscriber or recorder is another's code and may panic; that must not change a
//! record, so every word to them is said under [`quietly`]. Nothing here is told the value of an argument.

pub(crate) mod events;
pub(crate) mod metrics;
mod span;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use span::CallSpan;

/// Tells somebody something. A panic of theirs ends here; the panic hook has shown it.
fn quietly<T>(tell: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(tell)).ok()
}
