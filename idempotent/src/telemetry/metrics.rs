//! Numbers for the `metrics` facade (feature `metrics`); without it they cost nothing.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `idempotent_calls_total` | counter | `operation`, `outcome` |
//! | `idempotent_call_seconds` | histogram | `operation`, `outcome` |
//! | `idempotent_interrupted_total` | counter | `operation`, `doubt` |
//! | `idempotent_store_seconds` | histogram | `request` |
//! | `idempotent_store_errors_total` | counter | `request` |
//! | `idempotent_keeper_unsettled` | gauge | |

use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::time::Instant;

use crate::observe::How;

/// Measures how long something takes, where anybody wants to know.
pub(crate) struct Stopwatch(#[cfg(feature = "metrics")] Instant);

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(
            #[cfg(feature = "metrics")]
            Instant::now(),
        )
    }
}

/// A call has ended; `took` runs since it began, its body included.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn call(operation: &Arc<str>, how: How, took: &Stopwatch) {
    #[cfg(feature = "metrics")]
    super::quietly(|| {
        let operation = || metrics::SharedString::from_shared(Arc::clone(operation));
        metrics::counter!("idempotent_calls_total", "operation" => operation(), "outcome" => how.name())
            .increment(1);
        metrics::histogram!("idempotent_call_seconds", "operation" => operation(), "outcome" => how.name())
            .record(took.0.elapsed());
    });
}

/// An attempt was dropped or has panicked; `doubt` says whether its effect may have begun.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn interrupted(operation: &Arc<str>, doubt: bool) {
    #[cfg(feature = "metrics")]
    super::quietly(|| {
        let operation = metrics::SharedString::from_shared(Arc::clone(operation));
        let doubt = if doubt { "yes" } else { "no" };
        metrics::counter!("idempotent_interrupted_total", "operation" => operation, "doubt" => doubt)
            .increment(1);
    });
}

/// The store has answered a request that was sent when `took` began, or failed.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn store(request: &'static str, took: &Stopwatch, failed: bool) {
    #[cfg(feature = "metrics")]
    super::quietly(|| {
        metrics::histogram!("idempotent_store_seconds", "request" => request).record(took.0.elapsed());
        if failed {
            metrics::counter!("idempotent_store_errors_total", "request" => request).increment(1);
        }
    });
}

/// How many ends of attempts the keeper holds that are not recorded yet.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn unsettled(count: usize) {
    #[cfg(feature = "metrics")]
    super::quietly(|| {
        // Exact up to 2^53 jobs.
        #[expect(clippy::cast_precision_loss, reason = "a number of jobs, for a graph")]
        metrics::gauge!("idempotent_keeper_unsettled").set(count as f64);
    });
}
