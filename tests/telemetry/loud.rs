//! A subscriber or recorder that panics changes no record.

use std::panic::{set_hook, take_hook};
use std::sync::Once;

use idempotent_tests::{World, on_every_store};

use crate::calls::{Became, WAYS, all};
use crate::recorder::count;
use crate::subscriber::{METHODS, listen, told};

/// Spares the reader of the output some thousand panics that are meant to be.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            let text = panic.payload_as_str().unwrap_or_default();
            if !text.starts_with("the subscriber panics") && !text.starts_with("the recorder panics") {
                others(panic);
            }
        }));
    });
}

fn without_names(became: Vec<Became>) -> Vec<Became> {
    let nameless = |became: Became| Became { operation: String::new(), ..became };
    became.into_iter().map(nameless).collect()
}

/// Red when one word to a subscriber is said outside of `telemetry::quietly`: then the panic ends a body, loses an
/// outcome, or ends the keeper's thread.
fn a_subscriber_that_panics_changes_no_record(world: &World) {
    hush();
    listen();
    let calm = without_names(all(world, "calm"));
    assert_eq!(calm.len(), WAYS.len());
    for method in METHODS {
        let loud = all(world, &format!("loud.{method}"));
        let met = loud.iter().filter(|call| told(&call.operation).iter().any(|told| told.what == *method));
        // A span is cloned for a settle, which a body that panicked or was dropped never came to.
        let without = if *method == "clone_span" { 3 } else { 0 };
        assert_eq!(met.count(), WAYS.len() - without, "every call must meet a panic at {method}");
        assert_eq!(without_names(loud), calm, "the subscriber panicked at {method}");
    }
    println!("{} methods of a subscriber x {} calls: no record differs", METHODS.len(), WAYS.len());
}

/// Red when a number is recorded outside of `telemetry::quietly`.
fn a_recorder_that_panics_changes_no_record(world: &World) {
    hush();
    count();
    let calm = without_names(all(world, "calm"));
    assert_eq!(without_names(all(world, "loud.recorder")), calm);
}

on_every_store!(a_subscriber_that_panics_changes_no_record, a_recorder_that_panics_changes_no_record);
