//! One span a call, with its operation, key, attempt and outcome; the body's own events are inside it.

use idempotent::{Error, effect, idempotent, inspect};
use idempotent_tests::{World, on_every_store};

use crate::calls::all;
use crate::subscriber::{everything, listen, told};

/// What each call is told to have come to, the last of them first.
const OUTCOMES: &[(&str, &str)] = &[
    ("works", "executed"),
    ("works_unmarked", "executed"),
    ("works_asynchronously", "executed"),
    ("fails_before", "executed"),
    ("fails_after", "in_doubt"),
    ("replayed", "replayed"),
    ("in_doubt", "in_doubt"),
    ("recovered", "recovered"),
    ("checked_and_run", "executed"),
    ("check_cannot_tell", "in_doubt"),
    ("settle_fails_for_a_while", "refused"),
    ("resolved", "replayed"),
];

/// Red when a call has no span, its span lacks a field, or is not closed (`telemetry/span.rs`).
fn every_call_has_one_span_with_its_fields(world: &World) {
    listen();
    let calls = all(world, "spans");
    for call in &calls {
        let told = told(&call.operation);
        let count = |what| told.iter().filter(|told| told.what == what).count();
        assert_eq!(count("enter"), count("exit"), "{told:#?}");
        assert_eq!(count("new_span") + count("clone_span"), count("try_close"), "{told:#?}");
        for span in told.iter().filter(|told| told.what == "new_span") {
            assert!(span.fields.contains("operation=") && span.fields.contains("key="), "{span:?}");
        }
        let Some((_, outcome)) = OUTCOMES.iter().find(|(way, _)| *way == call.way) else { continue };
        let outcomes: Vec<_> = told.iter().filter(|told| told.fields.contains("outcome=")).collect();
        let expected = format!("outcome=\"{outcome}\"");
        assert!(outcomes.iter().any(|told| told.what == "record" && told.fields.contains(&expected)));
        let last = outcomes.last().unwrap_or_else(|| panic!("{} has no outcome", call.way));
        assert!(last.fields.contains(&expected), "{}: {last:?}", call.way);
        if call.runs > 0 {
            assert!(told.iter().any(|told| told.what == "record" && told.fields.contains("attempt=1")));
        }
    }
    assert_eq!(calls.len() - OUTCOMES.len(), 3, "a panic and two dropped futures have no outcome");
}

/// Red when an interruption is told to nobody (`Drop` of the claim), or its doubt at less than WARN.
fn interruptions_are_told(world: &World) {
    listen();
    for call in all(world, "interrupted") {
        let loud = match call.way {
            "panics_after" | "dropped_after" => "WARN",
            "dropped_before" => "DEBUG",
            _ => continue,
        };
        let said = told(&call.operation);
        let said: Vec<_> = said.iter().filter(|told| told.fields.contains("was interrupted")).collect();
        assert_eq!(said.len(), 1, "{}", call.way);
        assert!(said[0].fields.starts_with(loud), "{}: {:?}", call.way, said[0]);
        assert_eq!(said[0].inside.as_deref(), Some(&*call.operation), "told inside the span of the call");
    }
}

#[idempotent(key = ssn, name = "spans.secretive", skip(world), store = world.handle)]
fn register(world: &World, ssn: &str, address: &str) -> Result<String, Error> {
    tracing::info!(target: "idempotent_of_the_body", operation = "the body's own");
    effect!(world.ledger.act("registered"));
    Ok("number 9".to_owned())
}

/// Red when the body does not run inside the span of its call, or when any word at any level holds an argument or
/// the result.
fn the_body_is_inside_and_no_argument_is_told(world: &World) {
    listen();
    let key = inspect(|| register(world, "078-05-1120", "9 Elm Street")).unwrap();
    register(world, "078-05-1120", "9 Elm Street").unwrap();
    register(world, "078-05-1120", "9 Elm Street").unwrap();
    register(world, "078-05-1120", "10 Elm Street").unwrap_err();
    let own = told("the body's own");
    assert!(!own.is_empty());
    assert!(own.iter().all(|told| told.inside.as_deref() == Some("spans.secretive")), "{own:#?}");
    let all = everything();
    let of_this: Vec<_> = all.iter().filter(|told| told.fields.contains(&key.to_string())).collect();
    assert!(of_this.len() > 10, "claims, marks, settles and ends: {of_this:#?}");
    for secret in ["078-05", "Elm", "number 9"] {
        assert!(!all.iter().any(|told| told.fields.contains(secret)), "`{secret}` was told");
    }
}

on_every_store!(
    every_call_has_one_span_with_its_fields,
    interruptions_are_told,
    the_body_is_inside_and_no_argument_is_told,
);
