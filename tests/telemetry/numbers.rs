//! The numbers of the feature `metrics`.

use idempotent_tests::{World, on_every_store};

use crate::calls::all;
use crate::recorder::{count, counted};

/// Red when a call is not counted, counted twice, or under another outcome (`telemetry/metrics.rs`).
fn every_call_is_counted_and_timed_once_by_its_outcome(world: &World) {
    count();
    let errors = counted("idempotent_store_errors_total", "request=settle");
    let settles = counted("idempotent_store_seconds", "request=settle");
    let calls = all(world, "numbers");
    let ended = [
        ("works", "executed", 1),
        ("fails_after", "in_doubt", 1),
        ("replayed", "executed", 1),
        ("replayed", "replayed", 1),
        ("in_doubt", "in_doubt", 2),
        ("recovered", "recovered", 1),
        ("checked_and_run", "executed", 1),
        ("settle_fails_for_a_while", "refused", 1),
        ("panics_after", "executed", 0),
    ];
    for (way, outcome, times) in ended {
        let call = calls.iter().find(|call| call.way == way).unwrap();
        let labels = format!("operation={},outcome={outcome}", call.operation);
        for name in ["idempotent_calls_total", "idempotent_call_seconds"] {
            assert_eq!(counted(name, &labels), times, "{name} of {labels}");
        }
    }
    for (way, doubt) in [("panics_after", "yes"), ("dropped_after", "yes"), ("dropped_before", "no")] {
        let call = calls.iter().find(|call| call.way == way).unwrap();
        let labels = format!("operation={},doubt={doubt}", call.operation);
        assert_eq!(counted("idempotent_interrupted_total", &labels), 1, "{labels}");
    }
    assert!(counted("idempotent_store_errors_total", "request=settle") > errors);
    assert!(counted("idempotent_store_seconds", "request=settle") > settles + 5);
}

on_every_store!(every_call_is_counted_and_timed_once_by_its_outcome);
