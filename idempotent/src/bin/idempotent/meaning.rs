//! What a record means now, in a word.

use idempotent::Entry;
use idempotent::protocol::{State, Status};

use crate::prefix::short;

/// What a record means now: its status, and how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    InDoubt,
    Unreadable,
    Running,
    Interrupted,
    Free,
    Done,
    Failed,
    Expired,
}

impl Meaning {
    /// The most urgent first.
    pub(crate) const ALL: [Meaning; 8] = [
        Meaning::InDoubt,
        Meaning::Unreadable,
        Meaning::Running,
        Meaning::Interrupted,
        Meaning::Free,
        Meaning::Done,
        Meaning::Failed,
        Meaning::Expired,
    ];

    pub(crate) fn of(entry: &Entry) -> Meaning {
        let Ok(record) = &entry.record else { return Meaning::Unreadable };
        match entry.status {
            Status::Free => Meaning::Free,
            Status::Live => Meaning::Running,
            Status::LapsedClean => Meaning::Interrupted,
            Status::Doubt => Meaning::InDoubt,
            Status::Ended if record.state == State::Failed => Meaning::Failed,
            Status::Ended => Meaning::Done,
            Status::Expired => Meaning::Expired,
        }
    }

    /// Whether something may have happened and nobody knows: also where the record cannot say.
    pub(crate) const fn is_doubt(self) -> bool {
        matches!(self, Meaning::InDoubt | Meaning::Unreadable)
    }

    /// Whether a sweep removes it.
    pub(crate) const fn is_swept(self) -> bool {
        matches!(self, Meaning::Free | Meaning::Interrupted | Meaning::Expired)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Meaning::InDoubt => "in doubt",
            Meaning::Unreadable => "unreadable",
            Meaning::Running => "running",
            Meaning::Interrupted => "interrupted",
            Meaning::Free => "free",
            Meaning::Done => "done",
            Meaning::Failed => "failed",
            Meaning::Expired => "expired",
        }
    }

    /// The word as programs read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Meaning::InDoubt => "in_doubt",
            other => other.word(),
        }
    }

    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Meaning::InDoubt => "it may have happened, and nothing proves what",
            Meaning::Unreadable => "nobody can say what it records, and nothing runs until it is mended",
            Meaning::Running => "a living process is at work on it",
            Meaning::Interrupted => "its process died before the effect could begin; the next call runs",
            Meaning::Free => "nothing happened; the next call runs",
            Meaning::Done => "it happened, and later calls get the result",
            Meaning::Failed => "it failed for good, and later calls get the error",
            Meaning::Expired => "its time to be kept is over; the next call runs",
        }
    }
}

/// A record as messages name it.
pub(crate) fn named(entry: &Entry) -> String {
    let subject = &entry.subject;
    let scope = if subject.scope.is_empty() { String::new() } else { format!("{}/", subject.scope) };
    format!("{} {scope}{}({})", short(&subject.key), subject.operation, subject.call)
}
