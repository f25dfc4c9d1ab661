//! A record as bytes, for stores whose engine keeps bytes.
//!
//! What a store writes begins with a mark and a version of its layout and ends with a checksum, so that bytes which
//! were cut, damaged, written by something else or by a later version of this crate are told apart from a record,
//! and never read as one. Numbers are little-endian; texts and byte strings carry their length in 8 bytes. Layouts
//! that were ever written stay readable: golden bytes of each lie in `tests/compat`.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::protocol::{Fence, Micros, Process, Record, State, Token, Value};

/// Why bytes cannot be read, in words.
pub(crate) type Strange = String;

/// How many bytes of SHA-256 guard what is stored.
const CHECK: usize = 8;

/// The checksum of `bytes` in their `place`: bytes that lie under another key are not taken for this one's.
fn check(place: &[u8], bytes: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new().chain_update(place).chain_update(bytes).finalize();
    std::array::from_fn(|index| hash[index])
}

/// Bytes in the making.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        self.fixed(&number.to_le_bytes());
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.fixed(&number.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u64);
        self.fixed(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Whether there is something, and then what it is.
    pub(crate) fn maybe<T>(&mut self, some: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.byte(u8::from(some.is_some()));
        if let Some(some) = some {
            write(self, some);
        }
    }

    /// Guards everything so far.
    pub(crate) fn check(&mut self, place: &[u8]) {
        let check = check(place, &self.0);
        self.fixed(&check);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes that are being read.
pub(crate) struct Reader<'b> {
    all: &'b [u8],
    left: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader { all: bytes, left: bytes }
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Strange> {
        let (taken, left) = self.left.split_at_checked(length).ok_or_else(|| {
            format!("the bytes end after {}, where {length} more are wanted", self.all.len())
        })?;
        self.left = left;
        Ok(taken)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Strange> {
        let mut fixed = [0; N];
        fixed.copy_from_slice(self.take(N)?);
        Ok(fixed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Strange> {
        self.fixed().map(|[byte]| byte)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Strange> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("`{name}` holds {other}, not 0 or 1")),
        }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, Strange> {
        self.fixed().map(u64::from_le_bytes)
    }

    pub(crate) fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<T, Strange> {
        let number = self.unsigned()?;
        T::try_from(number).map_err(|_| format!("`{name}` holds {number}, which is too much"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Strange> {
        self.fixed().map(i64::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Strange> {
        let length = self.number("length")?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<Arc<str>, Strange> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|error| format!("a text: {error}"))?;
        Ok(text.into())
    }

    pub(crate) fn maybe<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, Strange>,
    ) -> Result<Option<T>, Strange> {
        if self.flag(name)? { read(self).map(Some) } else { Ok(None) }
    }

    /// Compares everything so far with the checksum that follows.
    pub(crate) fn check(&mut self, place: &[u8]) -> Result<(), Strange> {
        let guarded = &self.all[..self.all.len() - self.left.len()];
        let stored: [u8; CHECK] = self.fixed()?;
        if stored == check(place, guarded) {
            Ok(())
        } else {
            Err("the checksum does not fit: the bytes are damaged, or lie under another key".to_owned())
        }
    }

    /// Sets the checksum at the very end apart and compares it with everything before it.
    pub(crate) fn check_the_rest(&mut self, place: &[u8]) -> Result<(), Strange> {
        let mut end = Reader { all: self.all, left: self.left };
        let length = self.left.len().checked_sub(CHECK).ok_or("the bytes end before their checksum")?;
        end.take(length)?;
        end.check(place)?;
        self.left = &self.left[..length];
        Ok(())
    }

    pub(crate) fn is_at_end(&self) -> Result<(), Strange> {
        match self.left.len() {
            0 => Ok(()),
            more => Err(format!("{more} bytes more than a record has")),
        }
    }
}

/// The number under which a state is stored.
pub(crate) fn put_state(state: State, to: &mut Writer) {
    to.byte(match state {
        State::Free => 0,
        State::Running => 1,
        State::Done => 2,
        State::Failed => 3,
        State::InDoubt => 4,
    });
}

pub(crate) fn take_state(from: &mut Reader<'_>) -> Result<State, Strange> {
    Ok(match from.byte()? {
        0 => State::Free,
        1 => State::Running,
        2 => State::Done,
        3 => State::Failed,
        4 => State::InDoubt,
        other => return Err(format!("`state` holds {other}, which is no state of this version")),
    })
}

fn put_value(value: &Value, to: &mut Writer) {
    match value {
        Value::Bytes { bytes, codec, version } => {
            to.byte(0);
            to.bytes(bytes);
            to.text(codec);
            to.unsigned(u64::from(*version));
        }
        Value::Missing { why } => {
            to.byte(1);
            to.text(why);
        }
    }
}

fn take_value(from: &mut Reader<'_>) -> Result<Value, Strange> {
    Ok(match from.byte()? {
        0 => Value::Bytes {
            bytes: from.bytes()?.into(),
            codec: from.text()?,
            version: from.number("version of the value")?,
        },
        1 => Value::Missing { why: from.text()? },
        other => return Err(format!("`value` is of kind {other}, which this version does not know")),
    })
}

/// Writes a record. Its moments on the steady clock are written as their distance from `now`.
pub(crate) fn put_record(record: &Record, now: Micros, to: &mut Writer) {
    let moment = |moment: Micros| moment.saturating_sub(now);
    put_state(record.state, to);
    to.unsigned(record.fence.0);
    to.maybe(record.owner, |to, Token(token)| to.fixed(&token));
    to.byte(u8::from(record.effect));
    to.byte(u8::from(record.prior));
    to.maybe(record.late, |to, Token(token)| to.fixed(&token));
    to.byte(u8::from(record.rerun));
    to.signed(record.after);
    to.maybe(record.lease_until.map(moment), Writer::signed);
    to.maybe(record.holder, |to, Process(process)| to.fixed(&process));
    to.maybe(record.quiet_from.map(moment), Writer::signed);
    to.unsigned(u64::from(record.attempt));
    to.fixed(&record.generation.0);
    to.fixed(&record.fingerprint);
    to.maybe(record.value.as_ref(), |to, value| put_value(value, to));
    to.maybe(record.error.as_ref(), |to, error| put_value(error, to));
    to.maybe(record.expires_at, Writer::signed);
    to.maybe(record.resolved_by.as_deref(), Writer::text);
    to.maybe(record.why.as_deref(), Writer::text);
    to.maybe(record.last_error.as_deref(), Writer::text);
    to.signed(record.began_at);
    to.signed(record.changed_at);
}

/// Reads a record. Its moments on the steady clock are distances still, until [`place`] counts them from somewhere.
pub(crate) fn take_record(from: &mut Reader<'_>) -> Result<Record, Strange> {
    let token = |from: &mut Reader<'_>| from.fixed().map(Token);
    // The fields are evaluated in the order in which they are written here, which is that of the bytes.
    let record = Record {
        state: take_state(from)?,
        fence: Fence(from.unsigned()?),
        owner: from.maybe("owner", token)?,
        effect: from.flag("effect")?,
        prior: from.flag("prior")?,
        late: from.maybe("late", token)?,
        rerun: from.flag("rerun")?,
        after: from.signed()?,
        lease_until: from.maybe("lease_until", Reader::signed)?,
        holder: from.maybe("holder", |from| from.fixed().map(Process))?,
        quiet_from: from.maybe("quiet_from", Reader::signed)?,
        attempt: from.number("attempt")?,
        generation: token(from)?,
        fingerprint: from.fixed()?,
        value: from.maybe("value", take_value)?,
        error: from.maybe("error", take_value)?,
        expires_at: from.maybe("expires_at", Reader::signed)?,
        resolved_by: from.maybe("resolved_by", Reader::text)?,
        why: from.maybe("why", Reader::text)?,
        last_error: from.maybe("last_error", Reader::text)?,
        began_at: from.signed()?,
        changed_at: from.signed()?,
    };
    match (record.state, &record.value, &record.error) {
        (State::Done, Some(_), None)
        | (State::Failed, None, Some(_))
        | (State::Free | State::Running | State::InDoubt, None, None) => Ok(record),
        (State::Done | State::Failed, ..) => {
            Err(format!("the record is {} but does not carry its value", record.state.name()))
        }
        (State::Free | State::Running | State::InDoubt, ..) => {
            Err(format!("the record is {} but carries a value", record.state.name()))
        }
    }
}

/// Counts the moments of a record that was just read from `origin`, which is asked for only if there are any.
pub(crate) fn place(record: &mut Record, origin: impl FnOnce() -> Micros) {
    if record.lease_until.is_some() || record.quiet_from.is_some() {
        let origin = origin();
        let moment = |distance: Micros| origin.saturating_add(distance);
        record.lease_until = record.lease_until.map(moment);
        record.quiet_from = record.quiet_from.map(moment);
    }
}
