//! The statements: a record is read, the protocol decides, what it decided is written.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::boot::Boot;
use super::holders::Holders;
use super::row::{self, COLUMNS, Columns, columns};
use crate::clock::Clock;
use crate::key::Key;
use crate::protocol::{
    Answer, Context, Decision, Event, Fence, Liveness, Process, Record, Request, State, Write, decide, status,
};
use crate::store::{Entry, Filter, Subject, Trail, Which};

/// What is stored under a key; an error says why the row cannot be read. Such a row is never the same as none.
type Found = Result<Option<Record>, Arc<str>>;

/// A connection, and what the store sees besides the file.
#[derive(Clone, Copy)]
pub(super) struct Eyes<'a> {
    pub(super) connection: &'a Connection,
    pub(super) holders: &'a Holders,
    pub(super) clock: &'a dyn Clock,
    pub(super) boot: Boot,
}

impl Eyes<'_> {
    fn find(&self, key: &Key) -> rusqlite::Result<Found> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM record WHERE key = ?1");
        let mut statement = self.connection.prepare_cached(FIND)?;
        let mut rows = statement.query([&key.as_bytes()[..]])?;
        Ok(match rows.next()? {
            None => Ok(None),
            Some(row) => self.read(row, 0).map(Some).map_err(Arc::from),
        })
    }

    fn read(&self, row: &rusqlite::Row<'_>, first: usize) -> Result<Record, String> {
        row::read(row, first, self.boot, self.clock.now(), self.clock.wall())
    }

    /// What the protocol is told beside the record: the time, and whether the holder lives.
    fn context(
        &self,
        record: Option<&Record>,
        next_fence: u64,
        process: Option<Process>,
    ) -> rusqlite::Result<Context> {
        let holder = match record {
            Some(record) if record.state == State::Running => {
                self.holders.liveness(self.connection, record.holder)?
            }
            Some(_) | None => Liveness::ByLease,
        };
        Ok(Context { now: self.clock.now(), wall: self.clock.wall(), next_fence, holder, process })
    }

    fn name(&self, answer: &mut Answer) -> rusqlite::Result<()> {
        if let Answer::Busy(busy) = answer {
            busy.named = self.holders.named(self.connection, busy.holder)?;
        }
        Ok(())
    }

    /// The answer to `request`, if giving it writes nothing.
    pub(super) fn answer(&self, key: &Key, request: &Request) -> rusqlite::Result<Option<Answer>> {
        let record = match self.find(key)? {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(None),
            Err(why) => return Ok(Some(Answer::Unreadable { why })),
        };
        let context = self.context(Some(&record), 0, None)?;
        let Decision { write: Write::Keep, event: None, mut answer } =
            decide(Some(&record), request, &context)
        else {
            return Ok(None);
        };
        self.name(&mut answer)?;
        Ok(Some(answer))
    }

    /// Whether the record is running under `fence` and its holder is not seen dead, and until when only its
    /// lease says so.
    pub(super) fn still_running(&self, key: &Key, fence: Fence) -> rusqlite::Result<bool> {
        let Ok(Some(record)) = self.find(key)? else {
            return Ok(false);
        };
        if record.state != State::Running || record.fence != fence {
            return Ok(false);
        }
        let context = self.context(Some(&record), 0, None)?;
        Ok(status(&record, &context) == crate::protocol::Status::Live)
    }

    /// The entry of one record.
    pub(super) fn load(&self, key: &Key) -> rusqlite::Result<Option<Entry>> {
        const LOAD: &str =
            concat!("SELECT key, scope, operation, call, ", columns!(), " FROM record WHERE key = ?1");
        let mut statement = self.connection.prepare_cached(LOAD)?;
        let mut rows = statement.query([&key.as_bytes()[..]])?;
        match rows.next()? {
            None => Ok(None),
            Some(row) => self.entry(row).map(Some),
        }
    }

    /// The records that `filter` asks for, in key order. The state stands in the statement word for word, as
    /// in the index: only so can the index be used, and SQLite refuses the statement if it cannot.
    pub(super) fn list(&self, filter: &Filter) -> rusqlite::Result<Vec<Entry>> {
        const ALL: &str = concat!(
            "SELECT key, scope, operation, call, ",
            columns!(),
            " FROM record WHERE key > ?1 ORDER BY key"
        );
        const OPEN: &str = concat!(
            "SELECT key, scope, operation, call, ",
            columns!(),
            " FROM record INDEXED BY record_open WHERE state NOT IN ('done', 'failed') AND key > ?1 ORDER BY key"
        );
        let sql = match filter.which {
            Which::All => ALL,
            Which::InDoubt | Which::Unfinished | Which::Running => OPEN,
        };
        let after = filter.after.as_ref().map_or(&[][..], |key| &key.as_bytes()[..]);
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([after])?;
        let mut found = Vec::new();
        while found.len() < filter.limit
            && let Some(row) = rows.next()?
        {
            let entry = self.entry(row)?;
            if filter.shows(&entry) {
                found.push(entry);
            }
        }
        Ok(found)
    }

    fn entry(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
        let subject = row::subject(row, 0)?;
        let record = match self.read(row, 4) {
            Ok(record) => record,
            Err(why) => {
                let status = crate::protocol::Status::Doubt;
                return Ok(Entry { subject, record: Err(why.into()), status, holder: None });
            }
        };
        let context = self.context(Some(&record), 0, None)?;
        let holder = self.holders.named(self.connection, record.holder)?;
        Ok(Entry { subject, status: status(&record, &context), record: Ok(record), holder })
    }

    /// The trail of a key, oldest first.
    pub(super) fn trail(&self, key: &Key) -> rusqlite::Result<Vec<Trail>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, move, fence, by, why, before, after FROM audit WHERE key = ?1 ORDER BY id",
        )?;
        let lines = statement.query_map([&key.as_bytes()[..]], |row| Ok(row::trail(row)))?;
        lines.collect()
    }

    /// At most `limit` records that may be swept, each with the fence seen.
    pub(super) fn sweepable(&self, limit: usize) -> rusqlite::Result<Vec<(Key, Fence)>> {
        const OPEN: &str = concat!(
            "SELECT key, ",
            columns!(),
            " FROM record INDEXED BY record_open WHERE state NOT IN ('done', 'failed')"
        );
        const EXPIRED: &str = concat!(
            "SELECT key, ",
            columns!(),
            " FROM record WHERE expires_at IS NOT NULL AND expires_at <= ?1"
        );
        let mut found = Vec::new();
        let mut collect = |mut rows: rusqlite::Rows<'_>| -> rusqlite::Result<()> {
            while found.len() < limit
                && let Some(row) = rows.next()?
            {
                let Ok(record) = self.read(row, 1) else { continue };
                let context = self.context(Some(&record), 0, None)?;
                let asked = Request::Sweep { fence: record.fence };
                if decide(Some(&record), &asked, &context).write == Write::Remove {
                    found.push((Key::from_bytes(row.get(0)?), record.fence));
                }
            }
            Ok(())
        };
        collect(self.connection.prepare_cached(EXPIRED)?.query([self.clock.wall()])?)?;
        collect(self.connection.prepare_cached(OPEN)?.query([])?)?;
        Ok(found)
    }
}

/// What a store adds to a request inside a transaction.
pub(super) struct Hand<'a> {
    pub(super) eyes: Eyes<'a>,
    /// The next fence of a key without a record: beyond that of every record that was ever removed.
    pub(super) next_fence: u64,
    /// Whether anything was written.
    pub(super) wrote: bool,
}

impl<'a> Hand<'a> {
    pub(super) fn new(eyes: Eyes<'a>) -> rusqlite::Result<Hand<'a>> {
        let mut statement =
            eyes.connection.prepare_cached("SELECT next FROM sequence WHERE name = 'fence'")?;
        let next: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(Hand { eyes, next_fence: u64::try_from(next).unwrap_or(0), wrote: false })
    }

    /// Applies one move of the protocol.
    pub(super) fn apply(
        &mut self,
        subject: &Subject,
        request: &Request,
        process: Option<Process>,
    ) -> rusqlite::Result<Answer> {
        let found = match self.eyes.find(&subject.key)? {
            Ok(found) => found,
            Err(why) => return Ok(Answer::Unreadable { why }),
        };
        let context = self.eyes.context(found.as_ref(), self.next_fence, process)?;
        let Decision { write, event, mut answer } = decide(found.as_ref(), request, &context);
        match (&write, &found) {
            (Write::Keep, _) => {}
            (Write::Put(record), None) => self.insert(subject, record)?,
            (Write::Put(record), Some(_)) => self.update(&subject.key, record)?,
            (Write::Remove, found) => self.remove(&subject.key, found.as_ref())?,
        }
        if let Some(event) = event {
            self.audit(&subject.key, &event, context.wall)?;
        }
        self.eyes.name(&mut answer)?;
        Ok(answer)
    }

    /// Removes the record if it is still as the sweeper saw it.
    pub(super) fn sweep(&mut self, key: &Key, fence: Fence) -> rusqlite::Result<bool> {
        let Ok(Some(record)) = self.eyes.find(key)? else {
            return Ok(false);
        };
        let context = self.eyes.context(Some(&record), self.next_fence, None)?;
        if decide(Some(&record), &Request::Sweep { fence }, &context).write != Write::Remove {
            return Ok(false);
        }
        self.remove(key, Some(&record))?;
        Ok(true)
    }

    fn insert(&mut self, subject: &Subject, record: &Record) -> rusqlite::Result<()> {
        const INSERT: &str = concat!(
            "INSERT INTO record (",
            columns!(),
            ", key, scope, operation, call) VALUES \
             (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
        );
        let mut statement = self.eyes.connection.prepare_cached(INSERT)?;
        Columns::new(record, self.eyes.boot).bind(&mut statement, 1)?;
        statement.raw_bind_parameter(COLUMNS + 1, &subject.key.as_bytes()[..])?;
        statement.raw_bind_parameter(COLUMNS + 2, &*subject.scope)?;
        statement.raw_bind_parameter(COLUMNS + 3, &*subject.operation)?;
        statement.raw_bind_parameter(COLUMNS + 4, &*subject.call)?;
        self.wrote = true;
        statement.raw_execute().map(|_| ())
    }

    fn update(&mut self, key: &Key, record: &Record) -> rusqlite::Result<()> {
        const UPDATE: &str = concat!(
            "UPDATE record SET (",
            columns!(),
            ") = (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE key = ?"
        );
        let mut statement = self.eyes.connection.prepare_cached(UPDATE)?;
        Columns::new(record, self.eyes.boot).bind(&mut statement, 1)?;
        statement.raw_bind_parameter(COLUMNS + 1, &key.as_bytes()[..])?;
        self.wrote = true;
        statement.raw_execute().map(|_| ())
    }

    /// Removes a record and raises the sequence above its fence, so that the key's fences never restart.
    fn remove(&mut self, key: &Key, found: Option<&Record>) -> rusqlite::Result<()> {
        let connection = self.eyes.connection;
        connection.prepare_cached("DELETE FROM record WHERE key = ?1")?.execute([&key.as_bytes()[..]])?;
        let above = found.map_or(0, |record| record.fence.0.saturating_add(1));
        if above > self.next_fence {
            self.next_fence = above;
            connection
                .prepare_cached("UPDATE sequence SET next = ?1 WHERE name = 'fence'")?
                .execute([row::fence(Fence(above))])?;
        }
        self.wrote = true;
        Ok(())
    }

    fn audit(&mut self, key: &Key, event: &Event, at: i64) -> rusqlite::Result<()> {
        let mut statement = self.eyes.connection.prepare_cached(
            "INSERT INTO audit (key, at, move, fence, by, why, before, after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute(params![
            &key.as_bytes()[..],
            at,
            event.what,
            row::fence(event.fence),
            event.by.as_deref(),
            event.why.as_deref(),
            event.before.map(State::name),
            event.after.map(State::name),
        ])?;
        self.wrote = true;
        Ok(())
    }
}
