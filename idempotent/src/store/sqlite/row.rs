//! A record as a row, and back.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Row, ToSql};

use super::boot::Boot;
use crate::key::Key;
use crate::protocol::{Fence, Micros, Process, Record, State, Token, Value};
use crate::store::{Subject, Trail};

/// The columns of a record, in the order in which [`read`] takes them and [`Columns`] gives them.
macro_rules! columns {
    () => {
        "state, fence, attempt, effect, prior, rerun, after, owner, late, generation, process, boot, \
         lease_until, quiet_from, fingerprint, value, error, codec, version, missing, expires_at, resolved_by, \
         why, last_error, began_at, changed_at"
    };
}
pub(super) use columns;

/// How many columns that is.
pub(super) const COLUMNS: usize = 26;

/// Why a row cannot be read, in words.
type Strange = String;

/// One field of a row, by its column's name and place.
struct Field<'r> {
    name: &'static str,
    value: ValueRef<'r>,
}

impl<'r> Field<'r> {
    fn of(row: &'r Row<'_>, index: usize, name: &'static str) -> Result<Field<'r>, Strange> {
        let value = row.get_ref(index).map_err(|error| format!("column `{name}`: {error}"))?;
        Ok(Field { name, value })
    }

    fn strange(&self, wanted: &str) -> Strange {
        let shown = match self.value {
            ValueRef::Null => "nothing".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) => {
                let text: String = String::from_utf8_lossy(text).chars().take(40).collect();
                format!("{text:?}")
            }
            ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
        };
        format!("column `{}` holds {shown}, not {wanted}", self.name)
    }

    fn is_null(&self) -> bool {
        matches!(self.value, ValueRef::Null)
    }

    fn integer(&self) -> Result<i64, Strange> {
        match self.value {
            ValueRef::Integer(number) => Ok(number),
            _ => Err(self.strange("a number")),
        }
    }

    fn number<T: TryFrom<i64>>(&self) -> Result<T, Strange> {
        T::try_from(self.integer()?).map_err(|_| self.strange("a number in range"))
    }

    fn flag(&self) -> Result<bool, Strange> {
        match self.value {
            ValueRef::Integer(0) => Ok(false),
            ValueRef::Integer(1) => Ok(true),
            _ => Err(self.strange("0 or 1")),
        }
    }

    fn text(&self) -> Result<&'r str, Strange> {
        match self.value {
            ValueRef::Text(text) => std::str::from_utf8(text).map_err(|_| self.strange("text in UTF-8")),
            _ => Err(self.strange("text")),
        }
    }

    fn bytes<const N: usize>(&self) -> Result<[u8; N], Strange> {
        match self.value {
            ValueRef::Blob(bytes) => bytes.try_into().map_err(|_| self.strange(&format!("{N} bytes"))),
            _ => Err(self.strange(&format!("{N} bytes"))),
        }
    }

    fn maybe<T>(&self, read: impl FnOnce(&Field<'r>) -> Result<T, Strange>) -> Result<Option<T>, Strange> {
        if self.is_null() { Ok(None) } else { read(self).map(Some) }
    }
}

/// Reads a record from the columns that begin at `first`.
pub(super) fn read(
    row: &Row<'_>,
    first: usize,
    boot: Boot,
    now: Micros,
    wall: Micros,
) -> Result<Record, Strange> {
    let field = |index: usize, name| Field::of(row, first + index, name);
    let shared = |text: &str| Arc::<str>::from(text);
    let state = field(0, "state")?;
    let state = State::from_name(state.text()?).ok_or_else(|| state.strange("a state of this version"))?;
    let stored = |index, name| -> Result<Option<Value>, Strange> {
        value(&field(index, name)?, &field(17, "codec")?, &field(18, "version")?)
    };
    let mut value = stored(15, "value")?;
    let error = stored(16, "error")?;
    if let Some(why) = field(19, "missing")?.maybe(Field::text)? {
        if value.is_some() || error.is_some() {
            return Err("columns `missing` and `value` are both set".to_owned());
        }
        value = Some(Value::Missing { why: why.into() });
    }
    let (value, error) = match (state, value, error) {
        (State::Failed, Some(missing @ Value::Missing { .. }), None) => (None, Some(missing)),
        (State::Done, Some(value), None) => (Some(value), None),
        (State::Failed, None, Some(error)) => (None, Some(error)),
        (State::Free | State::Running | State::InDoubt, None, None) => (None, None),
        (State::Done | State::Failed, ..) => {
            return Err(format!("the record is {} but does not carry its value", state.name()));
        }
        (State::Free | State::Running | State::InDoubt, ..) => {
            return Err(format!("the record is {} but carries a value", state.name()));
        }
    };
    let mut record = Record {
        state,
        fence: Fence(field(1, "fence")?.number()?),
        attempt: field(2, "attempt")?.number()?,
        effect: field(3, "effect")?.flag()?,
        prior: field(4, "prior")?.flag()?,
        rerun: field(5, "rerun")?.flag()?,
        after: field(6, "after")?.integer()?,
        owner: field(7, "owner")?.maybe(Field::bytes)?.map(Token),
        late: field(8, "late")?.maybe(Field::bytes)?.map(Token),
        generation: Token(field(9, "generation")?.bytes()?),
        holder: field(10, "process")?.maybe(Field::bytes)?.map(Process),
        lease_until: field(12, "lease_until")?.maybe(Field::integer)?,
        quiet_from: field(13, "quiet_from")?.maybe(Field::integer)?,
        fingerprint: field(14, "fingerprint")?.bytes()?,
        value,
        error,
        expires_at: field(20, "expires_at")?.maybe(Field::integer)?,
        resolved_by: field(21, "resolved_by")?.maybe(Field::text)?.map(shared),
        why: field(22, "why")?.maybe(Field::text)?.map(shared),
        last_error: field(23, "last_error")?.maybe(Field::text)?.map(shared),
        began_at: field(24, "began_at")?.integer()?,
        changed_at: field(25, "changed_at")?.integer()?,
    };
    let written_by = field(11, "boot")?.maybe(Field::integer)?;
    boot.read(&mut record, written_by, now, wall);
    Ok(record)
}

fn value(field: &Field<'_>, codec: &Field<'_>, version: &Field<'_>) -> Result<Option<Value>, Strange> {
    let bytes: Arc<[u8]> = match field.value {
        ValueRef::Null => return Ok(None),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.into(),
        ValueRef::Integer(_) | ValueRef::Real(_) => return Err(field.strange("text or bytes")),
    };
    Ok(Some(Value::Bytes { bytes, codec: codec.text()?.into(), version: version.number()? }))
}

/// A record's columns, ready to be bound.
pub(super) struct Columns<'r> {
    record: &'r Record,
    boot: Boot,
}

impl<'r> Columns<'r> {
    pub(super) fn new(record: &'r Record, boot: Boot) -> Columns<'r> {
        Columns { record, boot }
    }

    /// Binds the columns to the parameters that begin at `first` (from 1).
    pub(super) fn bind(&self, statement: &mut rusqlite::Statement<'_>, first: usize) -> rusqlite::Result<()> {
        let record = self.record;
        let mut next = first;
        let mut bind = |value: &dyn ToSql| {
            next += 1;
            statement.raw_bind_parameter(next - 1, value)
        };
        bind(&record.state.name())?;
        bind(&fence(record.fence))?;
        bind(&record.attempt)?;
        bind(&record.effect)?;
        bind(&record.prior)?;
        bind(&record.rerun)?;
        bind(&record.after)?;
        bind(&record.owner.as_ref().map(|Token(bytes)| &bytes[..]))?;
        bind(&record.late.as_ref().map(|Token(bytes)| &bytes[..]))?;
        bind(&&record.generation.0[..])?;
        bind(&record.holder.as_ref().map(|Process(bytes)| &bytes[..]))?;
        let has_moments = record.lease_until.is_some() || record.quiet_from.is_some();
        bind(&has_moments.then(|| self.boot.number()))?;
        bind(&record.lease_until.map(|moment| self.boot.written(moment)))?;
        bind(&record.quiet_from.map(|moment| self.boot.written(moment)))?;
        bind(&&record.fingerprint[..])?;
        bind(&Stored(record.value.as_ref()))?;
        bind(&Stored(record.error.as_ref()))?;
        let (codec, version, missing) = match record.value.as_ref().or(record.error.as_ref()) {
            Some(Value::Bytes { codec, version, .. }) => (Some(&**codec), Some(*version), None),
            Some(Value::Missing { why }) => (None, None, Some(&**why)),
            None => (None, None, None),
        };
        bind(&codec)?;
        bind(&version)?;
        bind(&missing)?;
        bind(&record.expires_at)?;
        bind(&record.resolved_by.as_deref())?;
        bind(&record.why.as_deref())?;
        bind(&record.last_error.as_deref())?;
        bind(&record.began_at)?;
        bind(&record.changed_at)
    }
}

/// JSON as text, so that a person reads it in any tool; everything else as it is.
struct Stored<'v>(Option<&'v Value>);

impl ToSql for Stored<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Some(Value::Bytes { bytes, codec, .. }) => {
                ToSqlOutput::Borrowed(if &**codec == "json" && std::str::from_utf8(bytes).is_ok() {
                    ValueRef::Text(bytes)
                } else {
                    ValueRef::Blob(bytes)
                })
            }
            Some(Value::Missing { .. }) | None => ToSqlOutput::Owned(Owned::Null),
        })
    }
}

/// A fence as the file's integers hold it.
pub(super) fn fence(Fence(fence): Fence) -> i64 {
    i64::try_from(fence).unwrap_or(i64::MAX)
}

/// Reads what a record is about from the columns `key, scope, operation, call` that begin at `first`.
/// Wrong text is shown as it is: a list must not hide a damaged row.
pub(super) fn subject(row: &Row<'_>, first: usize) -> rusqlite::Result<Subject> {
    let text = |index: usize| -> rusqlite::Result<Arc<str>> {
        Ok(match row.get_ref(first + index)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => "".into(),
        })
    };
    let key = match row.get_ref(first)? {
        ValueRef::Blob(bytes) => {
            let mut key = [0; 32];
            let length = bytes.len().min(32);
            key[..length].copy_from_slice(&bytes[..length]);
            key
        }
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => [0; 32],
    };
    Ok(Subject { key: Key::from_bytes(key), scope: text(1)?, operation: text(2)?, call: text(3)? })
}

/// Reads a line of the trail from `at, move, fence, by, why, before, after`. One that cannot be read is shown as such and
/// hides no other.
pub(super) fn trail(row: &Row<'_>) -> Trail {
    line(row).unwrap_or_else(|why| Trail {
        at: Field::of(row, 0, "at").and_then(|at| at.integer()).unwrap_or(0),
        what: "unreadable".into(),
        fence: Fence(0),
        by: None,
        why: Some(why.into()),
        before: None,
        after: None,
    })
}

fn line(row: &Row<'_>) -> Result<Trail, Strange> {
    let field = |index, name| Field::of(row, index, name);
    let text = |index, name| Ok::<_, Strange>(field(index, name)?.maybe(Field::text)?.map(Arc::from));
    let state = |index, name| {
        field(index, name)?.maybe(|field| {
            State::from_name(field.text()?).ok_or_else(|| field.strange("a state of this version"))
        })
    };
    Ok(Trail {
        at: field(0, "at")?.integer()?,
        what: field(1, "move")?.text()?.into(),
        fence: Fence(field(2, "fence")?.number()?),
        by: text(3, "by")?,
        why: text(4, "why")?,
        before: state(5, "before")?,
        after: state(6, "after")?,
    })
}
