//! JSON that is safe to show, and a record as JSON. Texts are laid out anew, never read and written: no number changes.

use std::fmt::Write as _;

use idempotent::protocol::{Record, Value};
use idempotent::store::Trail;
use idempotent::{Entry, Key};
use serde::Serialize;
use serde_json::value::RawValue;

use super::text::{exact, is_plain};
use crate::meaning::Meaning;

/// The JSON text without white space, on one line, with everything that is not plain written as an escape.
pub(super) fn compact(json: &str) -> String {
    lay_out(json, None)
}

/// The JSON text with a line for each entry, every line but the first behind `margin`.
pub(super) fn pretty(json: &str, margin: &str) -> String {
    lay_out(json, Some(margin))
}

fn lay_out(json: &str, margin: Option<&str>) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        if let Some(margin) = margin {
            out.push('\n');
            out.push_str(margin);
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    let mut characters = json.chars().filter(|space| !matches!(space, '\n' | '\r' | '\t')).peekable();
    while let Some(character) = characters.next() {
        if in_string {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            push(&mut out, character);
            continue;
        }
        match character {
            ' ' => {}
            '{' | '[' => {
                out.push(character);
                while characters.next_if_eq(&' ').is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                line(&mut out, depth);
            }
            ':' => out.push_str(if margin.is_some() { ": " } else { ":" }),
            _ => {
                in_string = character == '"';
                push(&mut out, character);
            }
        }
    }
    out
}

fn push(out: &mut String, character: char) {
    if is_plain(character) {
        out.push(character);
        return;
    }
    for unit in character.encode_utf16(&mut [0; 2]) {
        // A text takes everything.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// One object on a line.
pub(super) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| compact(&text))
}

/// The text of a recorded value, if it is JSON.
pub(super) fn of_value(value: &Value) -> Option<&str> {
    let Value::Bytes { bytes, codec, .. } = value else { return None };
    let text = std::str::from_utf8(bytes).ok().filter(|_| &**codec == "json")?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok().map(|_| text)
}

/// A recorded value as JSON has it.
#[derive(Serialize)]
struct ValueJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

impl ValueJson {
    fn of(value: &Value) -> ValueJson {
        match value {
            Value::Bytes { bytes, codec, version } => {
                let json = of_value(value).and_then(|text| RawValue::from_string(text.to_owned()).ok());
                let hex = json.is_none().then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
                ValueJson {
                    json,
                    hex,
                    codec: Some(codec.to_string()),
                    version: Some(*version),
                    missing: None,
                }
            }
            Value::Missing { why } => ValueJson {
                json: None,
                hex: None,
                codec: None,
                version: None,
                missing: Some(why.to_string()),
            },
        }
    }
}

/// A record as JSON has it. What does not apply is left out.
#[derive(Serialize)]
pub(super) struct RecordJson<'a> {
    key: String,
    scope: &'a str,
    operation: &'a str,
    call: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    record: Option<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a str>,
}

/// What a record says that can be read.
#[derive(Serialize)]
struct Said<'a> {
    seen: String,
    may_have_acted: bool,
    attempt: u32,
    began_at: String,
    changed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> RecordJson<'a> {
    pub(super) fn of(entry: &'a Entry) -> RecordJson<'a> {
        let Entry { subject, record, holder, .. } = entry;
        RecordJson {
            key: subject.key.to_string(),
            scope: &subject.scope,
            operation: &subject.operation,
            call: &subject.call,
            status: Meaning::of(entry).name(),
            unreadable: record.as_ref().err().map(|why| &**why),
            record: record.as_ref().ok().map(Said::of),
            holder: holder.as_deref(),
        }
    }
}

impl<'a> Said<'a> {
    fn of(record: &'a Record) -> Said<'a> {
        Said {
            seen: record.seen().to_string(),
            may_have_acted: record.doubt(),
            attempt: record.attempt,
            began_at: exact(record.began_at),
            changed_at: exact(record.changed_at),
            expires_at: record.expires_at.map(exact),
            value: record.value.as_ref().map(ValueJson::of),
            error: record.error.as_ref().map(ValueJson::of),
            last_error: record.last_error.as_deref(),
            resolved_by: record.resolved_by.as_deref(),
            why: record.why.as_deref(),
        }
    }
}

/// A record and its trail.
#[derive(Serialize)]
pub(super) struct ShownJson<'a> {
    key: String,
    record: Option<RecordJson<'a>>,
    trail: Vec<TrailJson<'a>>,
}

#[derive(Serialize)]
struct TrailJson<'a> {
    at: String,
    what: &'a str,
    fence: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    before: Option<&'static str>,
    after: Option<&'static str>,
}

impl<'a> ShownJson<'a> {
    pub(super) fn of(key: &Key, entry: Option<&'a Entry>, trail: &'a [Trail]) -> ShownJson<'a> {
        let trail = trail.iter().map(|line| TrailJson {
            at: exact(line.at),
            what: &line.what,
            fence: line.fence.0,
            by: line.by.as_deref(),
            why: line.why.as_deref(),
            before: line.before.map(|state| state.name()),
            after: line.after.map(|state| state.name()),
        });
        ShownJson { key: key.to_string(), record: entry.map(RecordJson::of), trail: trail.collect() }
    }
}
