//! One record for a person: what it says, what happened to it, and what to do.

use idempotent::protocol::{Record, State, Value};
use idempotent::store::Trail;
use idempotent::{Entry, Key};

use super::json;
use super::text::{clean, time};
use crate::meaning::Meaning;
use crate::prefix::short;

/// All of it, as lines.
pub(super) fn shown(key: &Key, entry: Option<&Entry>, trail: &[Trail]) -> Vec<String> {
    let mut lines = Vec::new();
    match entry {
        Some(entry) => facts(&mut lines, entry),
        None => {
            field(&mut lines, "key", &key.to_string());
            field(&mut lines, "status", "gone: only what happened to it is left; the next call runs");
        }
    }
    lines.push(String::new());
    lines.extend(timeline(entry, trail));
    if let Some(Ok(record)) = entry.map(|entry| &entry.record) {
        value(&mut lines, record);
    }
    if let Some(entry) = entry {
        next(&mut lines, entry);
    }
    lines
}

fn field(lines: &mut Vec<String>, name: &str, text: &str) {
    lines.push(format!("{name:<11} {}", clean(text)));
}

fn facts(lines: &mut Vec<String>, entry: &Entry) {
    let subject = &entry.subject;
    let meaning = Meaning::of(entry);
    field(lines, "operation", &subject.operation);
    if !subject.scope.is_empty() {
        field(lines, "scope", &subject.scope);
    }
    field(lines, "call", &subject.call);
    field(lines, "key", &subject.key.to_string());
    field(lines, "status", &format!("{}: {}", meaning.word(), meaning.sentence()));
    match &entry.record {
        Ok(record) => {
            field(lines, "attempt", &record.attempt.to_string());
            field(lines, "seen", &record.seen().to_string());
            if let Some(error) = &record.last_error {
                field(lines, "last error", error);
            }
            if let Some(by) = &record.resolved_by {
                field(lines, "decided by", by);
            }
            if let Some(at) = record.expires_at {
                field(lines, "kept until", &time(at));
            }
        }
        Err(why) => field(lines, "wrong", why),
    }
}

/// What happened, oldest first. A call that goes as it should leaves no trail: only its beginning and its end.
fn timeline(entry: Option<&Entry>, trail: &[Trail]) -> Vec<String> {
    let mut events: Vec<(i64, String)> = trail.iter().map(|line| (line.at, event(line))).collect();
    if let Some(entry) = entry
        && let Ok(record) = &entry.record
    {
        let before = events.iter().position(|(at, _)| *at >= record.began_at).unwrap_or(events.len());
        let first = if record.attempt == 1 { holder(entry) } else { String::new() };
        events.insert(before, (record.began_at, format!("claimed{first}")));
        let told =
            trail.last().is_some_and(|line| line.after == Some(record.state) && line.at == record.changed_at);
        if !told {
            events.push((record.changed_at, last(entry, record)));
        }
    }
    events.into_iter().map(|(at, what)| format!("{}  {}", time(at), clean(&what))).collect()
}

fn holder(entry: &Entry) -> String {
    entry.holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default()
}

/// One line of the trail.
fn event(line: &Trail) -> String {
    let why = line.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let by = line.by.as_deref().unwrap_or("somebody");
    match &*line.what {
        "taken_over" => format!("taken over from a holder that had died or let its lease lapse{why}"),
        "check_did_not_happen" => format!("the check said that it had not happened{why}"),
        "recovered" => format!("the check found that it had happened{why}"),
        "in_doubt" => format!("in doubt{why}"),
        "late_done" => format!("an earlier attempt said, late, that it was done{why}"),
        "late_evidence" => format!("an attempt that had lost its claim said{why}"),
        "resolved_done" => format!("{by} said that it had happened{why}"),
        "resolved_not_done" => format!("{by} said that it had not happened{why}"),
        "revoked" => format!("{by} took the claim away{why}"),
        "forgotten" => format!("{by} removed the record{why}"),
        other => format!("{other}{why}"),
    }
}

/// The last write of a record that no trail tells of.
fn last(entry: &Entry, record: &Record) -> String {
    match record.state {
        State::Running => {
            let marked = match (record.effect, record.prior) {
                (true, _) => "its effect may have begun",
                (false, true) => "its effect has not begun, but that of an earlier attempt may have",
                (false, false) => "its effect has not begun",
            };
            let gone = if Meaning::of(entry) == Meaning::Running { "" } else { ", which is gone" };
            format!("attempt {}{}{gone}: {marked}", record.attempt, holder(entry))
        }
        State::Free => "free".to_owned(),
        State::Done => "done".to_owned(),
        State::Failed => "failed for good".to_owned(),
        State::InDoubt => "in doubt".to_owned(),
    }
}

fn value(lines: &mut Vec<String>, record: &Record) {
    let (name, value) = match (&record.value, &record.error) {
        (Some(value), _) => ("value", value),
        (None, Some(error)) => ("error", error),
        (None, None) => return,
    };
    lines.push(String::new());
    match value {
        Value::Missing { why } => field(lines, name, &format!("not recorded: {why}")),
        Value::Bytes { bytes, codec, version } => match json::of_value(value) {
            Some(text) => {
                let version = if *version == 1 { String::new() } else { format!(" (version {version})") };
                lines.push(format!("{name}{version}"));
                lines.push(format!("  {}", json::pretty(text, "  ")));
            }
            None => field(lines, name, &format!("{} bytes of {codec}, version {version}", bytes.len())),
        },
    }
}

/// What to type now.
fn next(lines: &mut Vec<String>, entry: &Entry) {
    let key = short(&entry.subject.key);
    let commands: &[&str] = match Meaning::of(entry) {
        Meaning::InDoubt => {
            &["resolve KEY --as done --value JSON --why ..", "resolve KEY --as not-done --why .."]
        }
        Meaning::Running => &["revoke KEY --why .."],
        Meaning::Done | Meaning::Failed => &["forget KEY --why .."],
        Meaning::Unreadable | Meaning::Interrupted | Meaning::Free | Meaning::Expired => return,
    };
    lines.push(String::new());
    lines.push(
        match Meaning::of(entry) {
            Meaning::InDoubt => "find out whether it happened, then",
            Meaning::Running => "if it hangs: stop its process, then",
            _ => "if the next call should run again",
        }
        .to_owned(),
    );
    lines.extend(commands.iter().map(|command| format!("  idempotent {}", command.replace("KEY", &key))));
}
