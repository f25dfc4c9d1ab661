//! What has changed between the file and the code, and what that does to stored records.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::types::alike;
use crate::lock::{LockFile, Locked};

/// One difference of an operation.
struct Change {
    what: String,
    fate: Fate,
    mend: String,
}

/// What becomes of stored records.
enum Fate {
    /// Not found again, unless something holds that a signature does not show.
    Reopened { unless: Option<String> },
    /// Found, with another fingerprint.
    Refused { unless: Option<&'static str> },
    /// Anything else.
    Kept(String),
}

const REOPENED: Fate = Fate::Reopened { unless: None };
const REFUSED: Fate = Fate::Refused { unless: None };
const OR_ACCEPT: &str = "or accept this when nothing stored matters any more";
const OR_OVER: &str = "or accept this when calls of stored keys are over";
const JUST_ACCEPT: &str = "not needed; accept it";

/// What is said of all differences.
pub(super) struct Told {
    /// Each operation, and what has changed.
    pub(super) text: String,
    /// The worst of it, in a few words.
    pub(super) worst: &'static str,
}

/// Nothing if there is no difference. `place` says where an operation is written.
pub(super) fn told<'a>(
    old: &LockFile,
    new: &LockFile,
    place: impl Fn(&str) -> Option<&'a str>,
) -> Option<Told> {
    let mut gone: Vec<(&str, &Locked)> =
        old.operations().filter(|(name, _)| new.get(name).is_none()).collect();
    let mut all = Vec::new();
    for (name, now) in new.operations() {
        let changes = match old.get(name) {
            Some(was) => between(was, now),
            None => vec![take_former(&mut gone, name, now).map_or_else(added, renamed)],
        };
        if !changes.is_empty() {
            all.push((name, changes));
        }
    }
    all.extend(gone.into_iter().map(|(name, _)| (name, vec![removed(name)])));
    let mut text = String::new();
    for (name, changes) in &all {
        let place = place(name).map(|place| format!(" ({place})")).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}{place}");
        for Change { what, fate, mend } in changes {
            let _ = writeln!(text, "    {what}\n        stored records: {fate}\n        mend: {mend}");
        }
        text.push('\n');
    }
    let any =
        |is: fn(&Fate) -> bool| all.iter().flat_map(|(_, changes)| changes).any(|change| is(&change.fate));
    let worst = if any(|fate| matches!(fate, Fate::Reopened { unless: None })) {
        "stored keys would be re-opened"
    } else if any(|fate| matches!(fate, Fate::Reopened { .. })) {
        "stored keys may be re-opened"
    } else if any(|fate| matches!(fate, Fate::Refused { .. })) {
        "stored records may be refused"
    } else {
        "no key changes"
    };
    (!text.is_empty()).then_some(Told { text, worst })
}

fn added() -> Change {
    Change { what: "is new".into(), fate: Fate::Kept("it has none".into()), mend: JUST_ACCEPT.into() }
}

fn removed(name: &str) -> Change {
    Change {
        what: "is gone".into(),
        fate: Fate::Reopened { unless: Some("nothing has taken its place".into()) },
        mend: format!(
            "`name = \"{name}\"` on the function that has taken its place; if there is none, accept it"
        ),
    }
}

fn renamed(former: &str) -> Change {
    Change {
        what: format!("is new, and `{former}`, which looks the same, is gone"),
        fate: Fate::Reopened { unless: Some("it is another operation".into()) },
        mend: format!("`name = \"{former}\"` keeps the stored keys; if it is another operation, accept it"),
    }
}

/// The operation that is gone and looks most as if this one were it.
fn take_former<'a>(gone: &mut Vec<(&'a str, &Locked)>, name: &str, now: &Locked) -> Option<&'a str> {
    let function = |name: &str| name.rsplit(['.', ':']).next().map(str::to_owned);
    let likeness = |&(other, was): &(&str, &Locked)| {
        let same_key = was.key == now.key && was.scope == now.scope && was.generics == now.generics;
        2 * u8::from(function(other) == function(name))
            + u8::from(same_key)
            + u8::from(same_key && was.rest == now.rest && was.value == now.value)
    };
    let (at, _) = gone
        .iter()
        .map(likeness)
        .enumerate()
        .filter(|(_, likeness)| *likeness > 0)
        .max_by_key(|(_, likeness)| *likeness)?;
    Some(gone.remove(at).0)
}

/// What has changed in an operation that has kept its name.
fn between(was: &Locked, now: &Locked) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(scope(was, now));
    changes.extend(key(was, now));
    changes.extend(generics(was, now));
    // Records that are not found are not refused either.
    if !changes.iter().any(|change| matches!(change.fate, Fate::Reopened { unless: None })) {
        changes.extend(rest(was, now));
    }
    changes.extend(types(was, now));
    changes.extend(secrets(was, now));
    changes.extend(value(was, now));
    if changes.is_empty() && was != now {
        changes.push(Change {
            what: "is written in other words".into(),
            fate: Fate::Kept("nothing happens to them".into()),
            mend: JUST_ACCEPT.into(),
        });
    }
    changes
}

fn scope(was: &Locked, now: &Locked) -> Option<Change> {
    let (what, fate) = match (&was.scope, &now.scope) {
        (was, now) if was == now => return None,
        (Some(was), Some(now)) => (format!("the scope was `{was}`, is `{now}`"), of_other_text(was, now)),
        (Some(was), None) => (format!("the scope `{was}` is gone"), REOPENED),
        (None, now) => (format!("the scope `{}` is new", now.as_deref().unwrap_or_default()), REOPENED),
    };
    Some(Change { what, fate, mend: format!("write the scope as it was, {OR_ACCEPT}") })
}

/// What becomes of records when a part of the key reads otherwise.
fn of_other_text(was: &str, now: &str) -> Fate {
    if literal_text(was) == literal_text(now) {
        Fate::Reopened { unless: Some("both always have one value".into()) }
    } else {
        REOPENED
    }
}

fn is_format(part: &str) -> bool {
    part.len() > 1 && part.starts_with('"') && part.ends_with('"')
}

/// What stands around the holes of a format string; nothing for another expression.
fn literal_text(part: &str) -> Option<Vec<&str>> {
    let format = part.strip_prefix('"')?;
    Some(format.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, text)| text)).collect())
}

fn key(was: &Locked, now: &Locked) -> Vec<Change> {
    let change = |what, fate| Change { what, fate, mend: format!("write the key as it was, {OR_ACCEPT}") };
    let parts = |locked: &'_ Locked| locked.key.iter().map(|part| bare(part).to_owned()).collect::<Vec<_>>();
    let (old, new) = (parts(was), parts(now));
    let same_parts = || old.iter().collect::<BTreeSet<_>>() == new.iter().collect::<BTreeSet<_>>();
    if old.len() != new.len() || (old != new && same_parts()) {
        let [was, now] = [was, now].map(|locked| locked.key.join(", "));
        return vec![change(format!("the key was ({was}), is ({now})"), REOPENED)];
    }
    let pairs = was.key.iter().zip(&now.key).enumerate();
    pairs
        .filter(|(_, (was, now))| bare(was) != bare(now))
        .map(|(at, (was, now))| {
            change(format!("part {} of the key was `{was}`, is `{now}`", at + 1), of_other_text(was, now))
        })
        .collect()
}

/// A part of a key without the `&` and `*` in front, which change nothing.
fn bare(part: &str) -> &str {
    part.trim_start_matches(['&', '*'])
}

fn secrets(was: &Locked, now: &Locked) -> Option<Change> {
    let [old, new] = [was, now].map(|locked| locked.secret.iter().collect::<BTreeSet<_>>());
    (old != new).then(|| Change {
        what: format!("secret was ({}), is ({})", was.secret.join(", "), now.secret.join(", ")),
        fate: Fate::Reopened { unless: Some("no pepper is installed".into()) },
        mend: format!("write it as it was, {OR_ACCEPT}"),
    })
}

fn generics(was: &Locked, now: &Locked) -> Option<Change> {
    if was.generics == now.generics {
        return None;
    }
    // Their names do not count, their order and their kinds do.
    let kinds =
        |locked: &Locked| locked.generics.iter().map(|one| one.starts_with("const ")).collect::<Vec<_>>();
    let fate = if kinds(was) == kinds(now) {
        Fate::Reopened { unless: Some("they only have other names".into()) }
    } else {
        REOPENED
    };
    let [was, now] = [was, now].map(|locked| locked.generics.join(", "));
    Some(Change {
        what: format!("the parameters in the key were <{was}>, are <{now}>"),
        fate,
        mend: format!("write them as they were, {OR_ACCEPT}"),
    })
}

fn rest(was: &Locked, now: &Locked) -> Option<Change> {
    if was.rest == now.rest {
        return None;
    }
    let missing = |from: &Locked, of: &Locked| {
        let names = of.rest.iter().filter(|name| !from.rest.contains(name));
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let (gone, new) = (missing(now, was), missing(was, now));
    let (what, mend) = match (gone.is_empty(), new.is_empty()) {
        (true, true) => {
            let [was, now] = [was, now].map(|locked| locked.rest.join(", "));
            (
                format!("beside the key, the arguments were ({was}), are ({now})"),
                "write them in the old order, ",
            )
        }
        (true, false) => {
            (format!("new beside the key: {new}"), "`skip` it if calls that differ in it are one call, ")
        }
        (false, true) => (format!("no longer beside the key: {gone}"), "write it as it was, "),
        (false, false) => (
            format!("no longer beside the key: {gone}; new there: {new}"),
            "keep the old name if only the name has changed, ",
        ),
    };
    Some(Change { what, fate: REFUSED, mend: format!("{mend}{OR_OVER}") })
}

/// Arguments that have kept their name and have another type.
fn types(was: &Locked, now: &Locked) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, new) in now.arguments.iter().filter_map(|argument| argument.split_once(": ")) {
        let mut before = was.arguments.iter().filter_map(|argument| argument.split_once(": "));
        let Some((_, old)) = before.find(|(other, _)| *other == name) else { continue };
        if old == new {
            continue;
        }
        let what = format!("`{name}` was `{old}`, is `{new}`");
        let fates = [in_key(was, now, name, old, new), in_rest(was, now, name, old, new)];
        let touched = |fate: &Fate| !matches!(fate, Fate::Kept(_));
        let fate = fates.into_iter().flatten().find(touched);
        changes.push(match fate {
            Some(fate) => Change { what, fate, mend: format!("write the type as it was, {OR_ACCEPT}") },
            None => Change {
                what,
                fate: Fate::Kept("nothing happens to them: both are the same in a key".into()),
                mend: JUST_ACCEPT.into(),
            },
        });
    }
    changes
}

/// What becomes of records when an argument that the key or the scope names has another type.
fn in_key(was: &Locked, now: &Locked, name: &str, old: &str, new: &str) -> Option<Fate> {
    let parts = |locked: &'_ Locked| {
        let parts = locked.key.iter().chain(&locked.scope);
        parts.filter(|part| names(part, name)).cloned().collect::<Vec<_>>()
    };
    let (before, after) = (parts(was), parts(now));
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let whole = after.iter().all(|part| bare(part) == name);
    let unless = |what: &str| Fate::Reopened { unless: Some(what.into()) };
    if after.iter().any(|part| is_format(part)) {
        return (alike(old, new) != Some(true)).then(|| unless("both are shown alike"));
    }
    match alike(old, new) {
        Some(true) => None,
        Some(false) if whole => Some(REOPENED),
        None if whole => Some(unless("serde writes both alike")),
        // What an expression makes of it is not in the signature.
        Some(false) | None => Some(unless("the key has the same value for both")),
    }
}

/// What becomes of records when an argument of the fingerprint has another type.
fn in_rest(was: &Locked, now: &Locked, name: &str, old: &str, new: &str) -> Option<Fate> {
    let in_both = [was, now].iter().all(|locked| locked.rest.iter().any(|other| other == name));
    match alike(old, new) {
        _ if !in_both => None,
        Some(true) => None,
        Some(false) => Some(REFUSED),
        None => Some(Fate::Refused { unless: Some("serde writes both alike") }),
    }
}

/// Whether a text of Rust names this variable.
fn names(text: &str, name: &str) -> bool {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        !before.ends_with(of_a_word) && !before.ends_with('.') && !after.starts_with(of_a_word)
    })
}

fn value(was: &Locked, now: &Locked) -> Option<Change> {
    if was.version != now.version {
        let what = format!("the version of the value was {}, is {}", was.version, now.version);
        return Some(if was.version < now.version {
            let fate = Fate::Kept("found; older results go through `upgrade`".into());
            Change { what, fate, mend: JUST_ACCEPT.into() }
        } else {
            let fate = "found; a result of a newer version is the error `stored_value`, never a second run";
            let mend =
                format!("count on: `value(version = {}, upgrade = ..)`", was.version.saturating_add(1));
            Change { what, fate: Fate::Kept(fate.into()), mend }
        });
    }
    (was.value != now.value).then(|| Change {
        what: format!("the recorded value was `{}`, is `{}`", was.value, now.value),
        fate: Fate::Kept(
            "found; a result that does not fit is the error `stored_value`, never a second run".into(),
        ),
        mend: format!(
            "`value(version = {}, upgrade = ..)` if serde reads them differently; else accept it",
            was.version.saturating_add(1)
        ),
    })
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Reopened { unless: None } => f.write_str("re-opened: what is done would run again!"),
            Fate::Reopened { unless: Some(reason) } => {
                write!(f, "unless {reason}, re-opened: what is done would run again!")
            }
            Fate::Refused { unless: None } => {
                f.write_str("refused: a call of a stored key ends in `key_reused`")
            }
            Fate::Refused { unless: Some(reason) } => {
                write!(f, "unless {reason}, refused: a call of a stored key ends in `key_reused`")
            }
            Fate::Kept(text) => f.write_str(text),
        }
    }
}
