//! One subscriber for the whole program. It keeps what it is told by the name of the operation, and panics where a
//! name tells it to: an operation named `loud.enter.7` makes it panic whenever that span is entered.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// What can panic.
pub(crate) const METHODS: &[&str] =
    &["new_span", "record", "event", "enter", "exit", "clone_span", "try_close"];

/// One word to the subscriber: the operation, what was told, and the fields as one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) operation: String,
    pub(crate) what: &'static str,
    pub(crate) fields: String,
    /// The operation of the span in which an event was told.
    pub(crate) inside: Option<String>,
}

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());
static SPANS: Mutex<Option<HashMap<u64, String>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static INSIDE: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

struct Keeps;

#[derive(Default)]
struct Line {
    operation: String,
    all: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "operation" {
            self.operation = format!("{value:?}").trim_matches('"').to_owned();
        }
        write!(self.all, "{field}={value:?}; ").unwrap();
    }
}

fn name_of(id: u64) -> String {
    let spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
    spans.as_ref().and_then(|spans| spans.get(&id).cloned()).unwrap_or_default()
}

fn tell(operation: &str, what: &'static str, fields: String) {
    let inside = INSIDE.with_borrow(|inside| inside.last().map(|id| name_of(*id)));
    let told = Told { operation: operation.to_owned(), what, fields, inside };
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    assert!(!operation.starts_with(&format!("loud.{what}.")), "the subscriber panics at {what}");
}

impl Subscriber for Keeps {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("idempotent")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut line = Line::default();
        attributes.record(&mut line);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut spans = SPANS.lock().unwrap_or_else(PoisonError::into_inner);
        spans.get_or_insert_default().insert(id, line.operation.clone());
        drop(spans);
        tell(&line.operation, "new_span", line.all);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut line = Line::default();
        values.record(&mut line);
        tell(&name_of(id.into_u64()), "record", line.all);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        tell(&line.operation, "event", format!("{} {}", event.metadata().level(), line.all));
    }

    fn enter(&self, id: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.push(id.into_u64()));
        tell(&name_of(id.into_u64()), "enter", String::new());
    }

    fn exit(&self, id: &Id) {
        INSIDE.with_borrow_mut(|inside| inside.pop());
        tell(&name_of(id.into_u64()), "exit", String::new());
    }

    fn clone_span(&self, id: &Id) -> Id {
        tell(&name_of(id.into_u64()), "clone_span", String::new());
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        tell(&name_of(id.into_u64()), "try_close", String::new());
        true
    }
}

/// Begins to listen, for the whole program.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Keeps).unwrap());
}

/// All that was told of an operation.
pub(crate) fn told(operation: &str) -> Vec<Told> {
    let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.iter().filter(|told| told.operation == operation).cloned().collect()
}

/// All that was told, of whatever.
pub(crate) fn everything() -> Vec<Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
