//! What the engine keeps under a key: a record with its subject and trail, or what is left of one.
//!
//! ```text
//! mark "idem" · version · subject · checksum · stamp · when written · clock · trail · named · record or fence · checksum
//! ```
//! The subject has a checksum of its own, so that also a record which cannot be read, or a later version's, is listed
//! under its name. What is left of a record that was removed is its highest fence and its trail.

use std::sync::Arc;

use crate::key::Key;
use crate::protocol::{Event, Fence, Micros, Record};
use crate::record::{Reader, Strange, Writer, place, put_record, put_state, take_record, take_state};
use crate::store::{Error, ErrorKind, Subject, Trail};

const MARK: [u8; 4] = *b"idem";
/// The layout that is written. All up to it are read.
const VERSION: u8 = 1;
/// How many lines a trail keeps: the last ones.
const LINES: usize = 64;
/// How many characters of a reason or an error a line of the trail keeps.
const CHARACTERS: usize = 1_000;

/// Random for each write, so that no two writes are the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp([u8; 16]);

impl Stamp {
    pub(super) fn new() -> Result<Stamp, Error> {
        let mut stamp = [0; 16];
        getrandom::fill(&mut stamp).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!("the operating system gives no random bytes: {error}"),
                "nothing was recorded; call again",
            )
        })?;
        Ok(Stamp(stamp))
    }
}

/// What lies under a key.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) stamp: Stamp,
    /// When it was written, on the wall clock.
    pub(super) written_at: Micros,
    pub(super) trail: TrailOfKey,
    pub(super) kept: Kept,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would allocate at every read")]
pub(super) enum Kept {
    Record {
        subject: Arc<Subject>,
        record: Record,
        /// The process that has claimed it, as a person would name it.
        named: Option<Arc<str>>,
    },
    /// The record was removed.
    Gone { fence: Fence },
}

/// The last lines of a trail.
#[derive(Clone, Debug, Default)]
pub(super) struct TrailOfKey {
    lines: Vec<Trail>,
    /// How many older ones have been dropped.
    dropped: u64,
}

impl TrailOfKey {
    pub(super) fn add(&mut self, event: Event, at: Micros) {
        let Event { what, fence, by, why, before, after } = event;
        let (by, why) = (by.map(shortened), why.map(shortened));
        self.lines.push(Trail { at, what: what.into(), fence, by, why, before, after });
        let more = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..more);
        self.dropped = self.dropped.saturating_add(more as u64);
    }

    /// The lines, oldest first, after one that tells of those that were dropped.
    pub(super) fn lines(self) -> Vec<Trail> {
        let TrailOfKey { mut lines, dropped } = self;
        if let (1.., Some(first)) = (dropped, lines.first()) {
            let told = Trail {
                what: "dropped".into(),
                by: None,
                why: Some(format!("{dropped} older lines").into()),
                before: None,
                after: first.before,
                ..first.clone()
            };
            lines.insert(0, told);
        }
        lines
    }
}

fn shortened(text: Arc<str>) -> Arc<str> {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text,
    }
}

/// From when the moments of an entry are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Clock {
    /// From when a reader first sees it: they were measured on a clock of the writer's own.
    OfTheWriter,
    /// From this moment on the engine's clock.
    OfTheEngine(Micros),
}

/// Bytes that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Unreadable {
    pub(super) why: Arc<str>,
    /// What they are about, where that much can be read.
    pub(super) subject: Option<Arc<Subject>>,
}

impl Stored {
    /// The bytes of this, written at `now` on `clock`.
    pub(super) fn encode(&self, key: &Key, now: Micros, clock: Clock) -> Vec<u8> {
        let mut to = Writer::default();
        to.fixed(&MARK);
        to.byte(VERSION);
        let subject = match &self.kept {
            Kept::Record { subject, .. } => Some(subject),
            // What is forgotten does not say any more what it was about.
            Kept::Gone { .. } => None,
        };
        to.maybe(subject, |to, subject| {
            to.text(&subject.scope);
            to.text(&subject.operation);
            to.text(&subject.call);
        });
        to.check(key.as_bytes());
        to.fixed(&self.stamp.0);
        to.signed(self.written_at);
        let base = match clock {
            Clock::OfTheWriter => None,
            Clock::OfTheEngine(now) => Some(now),
        };
        to.maybe(base, Writer::signed);
        to.unsigned(self.trail.dropped);
        to.unsigned(self.trail.lines.len() as u64);
        for line in &self.trail.lines {
            put_line(line, &mut to);
        }
        match &self.kept {
            Kept::Record { record, named, .. } => {
                to.maybe(named.as_deref(), Writer::text);
                put_record(record, now, &mut to);
            }
            Kept::Gone { fence } => to.unsigned(fence.0),
        }
        to.check(key.as_bytes());
        to.finish()
    }

    /// What `bytes` say. `origin` tells from when their moments are counted.
    pub(super) fn decode(
        key: &Key,
        bytes: &[u8],
        origin: impl FnOnce(Stamp, Clock) -> Micros,
    ) -> Result<Stored, Unreadable> {
        let mut from = Reader::new(bytes);
        let mut subject = None;
        Stored::read(key, &mut from, &mut subject, origin)
            .map_err(|why| Unreadable { why: why.into(), subject })
    }

    fn read(
        key: &Key,
        from: &mut Reader<'_>,
        about: &mut Option<Arc<Subject>>,
        origin: impl FnOnce(Stamp, Clock) -> Micros,
    ) -> Result<Stored, Strange> {
        if from.fixed().ok() != Some(MARK) {
            return Err("these are not the bytes of a record".to_owned());
        }
        let version = from.byte()?;
        let subject = from.maybe("subject", |from| {
            let (scope, operation, call) = (from.text()?, from.text()?, from.text()?);
            Ok(Arc::new(Subject { key: *key, scope, operation, call }))
        })?;
        from.check(key.as_bytes())?;
        about.clone_from(&subject);
        if version != VERSION {
            return Err(format!(
                "its layout is version {version}, and this build of the crate reads version {VERSION}"
            ));
        }
        from.check_the_rest(key.as_bytes())?;
        let stamp = Stamp(from.fixed()?);
        let written_at = from.signed()?;
        let clock = from.maybe("clock", Reader::signed)?.map_or(Clock::OfTheWriter, Clock::OfTheEngine);
        let dropped = from.unsigned()?;
        let mut trail = TrailOfKey { lines: Vec::new(), dropped };
        for _ in 0..from.unsigned()? {
            trail.lines.push(take_line(from)?);
        }
        let kept = match subject {
            Some(subject) => {
                let named = from.maybe("named", Reader::text)?;
                let mut record = take_record(from)?;
                place(&mut record, || origin(stamp, clock));
                Kept::Record { subject, record, named }
            }
            None => Kept::Gone { fence: Fence(from.unsigned()?) },
        };
        from.is_at_end()?;
        Ok(Stored { stamp, written_at, trail, kept })
    }
}

/// The one line of a trail that cannot be read.
pub(super) fn unreadable(why: Arc<str>, at: Micros) -> Trail {
    Trail {
        at,
        what: "unreadable".into(),
        fence: Fence(0),
        by: None,
        why: Some(why),
        before: None,
        after: None,
    }
}

fn put_line(line: &Trail, to: &mut Writer) {
    to.signed(line.at);
    to.text(&line.what);
    to.unsigned(line.fence.0);
    to.maybe(line.by.as_deref(), Writer::text);
    to.maybe(line.why.as_deref(), Writer::text);
    to.maybe(line.before, |to, state| put_state(state, to));
    to.maybe(line.after, |to, state| put_state(state, to));
}

fn take_line(from: &mut Reader<'_>) -> Result<Trail, Strange> {
    // In the order of the bytes, as with a record.
    Ok(Trail {
        at: from.signed()?,
        what: from.text()?,
        fence: Fence(from.unsigned()?),
        by: from.maybe("by", Reader::text)?,
        why: from.maybe("why", Reader::text)?,
        before: from.maybe("before", take_state)?,
        after: from.maybe("after", take_state)?,
    })
}
