//! The secret, and where it must not be.

use std::fmt::{Debug, Display, Write};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, Once};

use idempotent::{Error, Filter};
use idempotent_tests::World;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

pub(crate) const SECRET: &str = "hush-4711-Przemysl";

/// The secret as an error might tell it: in other letters, backwards, in hexadecimal, in pieces.
pub(crate) fn told() -> String {
    format!("{SECRET} {SECRET:?} {}", forms().join(" "))
}

fn forms() -> Vec<String> {
    let hex = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        SECRET.to_owned(),
        SECRET.to_uppercase(),
        SECRET.chars().rev().collect(),
        hex,
        SECRET[..9].to_owned(),
        SECRET[10..].to_owned(),
    ]
}

/// Looks into what was written.
pub(crate) struct Hidden<'a>(pub(crate) &'a World);

impl Hidden<'_> {
    #[track_caller]
    pub(crate) fn in_text(&self, place: &str, text: impl Display) {
        let text = text.to_string();
        for form in forms() {
            assert!(!text.contains(&form), "{place} tells `{form}`: {text}");
        }
    }

    #[track_caller]
    pub(crate) fn in_error(&self, error: &Error) {
        self.in_text("an error", error);
        self.in_text("an error's debug form", format!("{error:?}"));
        self.in_text("an error's inside", format!("{error:#?} {:?} {}", error.site(), error.advice()));
        self.in_text("an error for machines", serde_json::to_string(error).unwrap());
        match error {
            Error::InDoubt(inner) => self.in_text("InDoubt", format!("{inner:?}")),
            Error::LeaseLost(inner) => self.in_text("LeaseLost", format!("{inner:?}")),
            Error::Store(inner) => self.in_text("Store", format!("{inner:?}")),
            Error::StoredValue(inner) => self.in_text("StoredValue", format!("{inner:?}")),
            Error::Key(inner) => self.in_text("Key", format!("{inner:?}")),
            other => self.in_text("an error", format!("{other:?}")),
        }
    }

    /// Lists, trails, events, and the bytes of every file beside the ledger.
    #[track_caller]
    pub(crate) fn in_all(&self, place: &str) {
        self.0.drain();
        let entries = self.0.handle.list(&Filter::default()).wait().unwrap();
        assert!(!entries.is_empty(), "{place}: nothing is recorded");
        for entry in entries {
            self.in_text(place, format!("{entry:?}"));
            let shown = self.0.handle.show(&entry.subject.key).wait().unwrap();
            self.in_text(place, format!("{shown:?}"));
        }
        for line in LINES.lock().unwrap().iter() {
            self.in_text(place, line);
        }
        self.in_folder(place, self.0.folder());
    }

    #[track_caller]
    fn in_folder(&self, place: &str, folder: &Path) {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            if file.is_dir() {
                self.in_folder(place, &file);
                continue;
            }
            let bytes = fs::read(&file).unwrap_or_default();
            for form in forms() {
                let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
                assert!(!found, "{place}: {} holds `{form}`", file.display());
            }
        }
    }
}

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// How many events and spans were told.
pub(crate) fn heard() -> usize {
    LINES.lock().unwrap().len()
}

/// Begins to keep all that the library tells, from any thread.
pub(crate) fn listen() {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
}

struct Lines;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?}; ").unwrap();
    }
}

impl Lines {
    fn keep(record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("idempotent")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Lines::keep(|line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        Lines::keep(|line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        Lines::keep(|line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
