//! The tables, and who may use them.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, TransactionBehavior};

use super::boot::Boot;
use super::fault::Fault;
use crate::clock::Clock;

/// "IDMP": marks the file as ours.
const APPLICATION: i64 = 0x4944_4D50;
/// The schema that this version writes.
const VERSION: i64 = 1;
/// How long another writer of the file is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE record (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
  scope TEXT NOT NULL,
  operation TEXT NOT NULL,
  call TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('free', 'running', 'done', 'failed', 'in_doubt')),
  fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  effect INTEGER NOT NULL,
  prior INTEGER NOT NULL,
  rerun INTEGER NOT NULL,
  after INTEGER NOT NULL,
  owner BLOB,
  late BLOB,
  generation BLOB NOT NULL,
  process BLOB,
  boot INTEGER,
  lease_until INTEGER,
  quiet_from INTEGER,
  fingerprint BLOB NOT NULL,
  value ANY,
  error ANY,
  codec TEXT,
  version INTEGER,
  missing TEXT,
  expires_at INTEGER,
  resolved_by TEXT,
  why TEXT,
  last_error TEXT,
  began_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX record_open ON record (state) WHERE state NOT IN ('done', 'failed');
CREATE INDEX record_expiry ON record (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE process (
  id BLOB PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  program TEXT NOT NULL,
  version TEXT NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
CREATE TABLE boot (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  started_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sequence (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT;
INSERT INTO sequence (name, next) VALUES ('fence', 1);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL,
  at INTEGER NOT NULL,
  move TEXT NOT NULL,
  fence INTEGER NOT NULL,
  by TEXT,
  why TEXT,
  before TEXT,
  after TEXT
) STRICT;
CREATE INDEX audit_key ON audit (key, id);
CREATE VIEW records AS
SELECT lower(hex(r.key)) AS key, r.scope, r.operation, r.call, r.state, r.attempt, r.fence,
  CASE WHEN r.effect OR r.prior OR r.state = 'in_doubt' THEN 'yes' ELSE 'no' END AS may_have_acted,
  coalesce(r.value, CASE WHEN r.missing IS NOT NULL THEN '(not recorded: ' || r.missing || ')' END) AS value,
  r.error, r.last_error, r.resolved_by, r.why,
  strftime('%Y-%m-%d %H:%M:%f', r.began_at / 1e6, 'unixepoch') AS began_at,
  strftime('%Y-%m-%d %H:%M:%f', r.changed_at / 1e6, 'unixepoch') AS changed_at,
  strftime('%Y-%m-%d %H:%M:%f', r.expires_at / 1e6, 'unixepoch') AS expires_at,
  p.pid, p.program, p.host
FROM record r LEFT JOIN process p ON p.id = r.process;
";

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// Writes, and may wait so long for another writer.
    Write(Duration),
    /// Reads on a caller's thread, and never waits.
    Read,
}

/// A connection to the file with the settings that the promises rest on.
pub(super) fn connect(file: &Path, purpose: Use) -> Result<Connection, Fault> {
    let failed = |error| Fault::sqlite("open", file, error);
    // No `NO_MUTEX` question: each connection is behind a lock of ours. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    let (wait, cache) = match purpose {
        Use::Write(most) => (most, -16_384),
        Use::Read => (Duration::ZERO, -2_048),
    };
    // Without the right to write SQLite opens the file all the same, and says so at the first write.
    if connection.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(Fault::refused(
            file,
            "this user may not write it",
            "give this user the right to write the file and its folder",
        ));
    }
    connection.busy_timeout(wait).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(32);
    let set = |name: &str, value: i64| connection.pragma_update(None, name, value).map_err(failed);
    set("cache_size", cache)?;
    set("trusted_schema", 0)?;
    // FULL: what a reader sees is on the disk. Anything less would let a power cut take back an answer.
    set("synchronous", 2)?;
    set("fullfsync", 1)?;
    if purpose == Use::Read {
        set("wal_autocheckpoint", 0)?;
        // To copy the log back and to remove it is for the connection that writes.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    }
    Ok(connection)
}

/// What is known of a file before it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum File {
    /// If it is empty, it gets its tables.
    MayBeNew,
    /// It had its tables when it was opened: if it is empty now, somebody has emptied it.
    IsOurs,
}

/// Sees that the file is ours to use, and makes the tables if it is empty. Nothing is written to a file of
/// another program.
pub(super) fn prepare(
    connection: &mut Connection,
    file: &Path,
    known: File,
    max_pages: Option<u32>,
    clock: &dyn Clock,
) -> Result<Boot, Fault> {
    let failed = |error| Fault::sqlite("prepare", file, error);
    // Under one snapshot: between two questions another process may make the tables.
    let snapshot = connection.transaction().map_err(failed)?;
    look(&snapshot, file)?;
    drop(snapshot);
    let mode = write_ahead(connection).map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Fault::refused(
            file,
            format!("SQLite keeps its journal mode `{mode}` and will not use a write-ahead log"),
            "put the file on a local disk where its folder can be written",
        ));
    }
    if let Some(pages) = max_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).map_err(failed)?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Again, under the lock: another process may have made the tables in between.
    match look(&transaction, file)? {
        Owner::Nobody if known == File::IsOurs => {
            return Err(Fault::Moved { file: file.to_owned(), what: "it has been emptied".to_owned() });
        }
        Owner::Nobody => {
            transaction.execute_batch(TABLES).map_err(failed)?;
            transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
            transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
        }
        Owner::Us => whole(&transaction, file)?,
    }
    let boot = Boot::register(&transaction, clock).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(boot)
}

/// Switches the file to the write-ahead log, and gives the mode that it is in now. A fresh file must be had alone
/// for that, and there SQLite answers "busy" at once where two who wait could wait for each other.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(2));
            }
            mode => return mode,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Owner {
    Nobody,
    Us,
}

fn look(connection: &Connection, file: &Path) -> Result<Owner, Fault> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let ask = || -> rusqlite::Result<(i64, i64, i64)> {
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    let (application, version, tables) = ask().map_err(|error| Fault::sqlite("read", file, error))?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(Owner::Nobody),
        (APPLICATION, VERSION, _) => Ok(Owner::Us),
        (APPLICATION, newer, _) if newer > VERSION => Err(Fault::refused(
            file,
            format!("its tables have version {newer}, and this program knows version {VERSION}"),
            "run a program built with a newer `idempotent`",
        )),
        (APPLICATION, older, _) => Err(Fault::refused(
            file,
            format!("its tables have version {older}, which was never released"),
            "restore the file from a backup",
        )),
        _ => Err(Fault::refused(
            file,
            format!("this is the database of another program (application id {application:#010x})"),
            "name a file of its own for the records",
        )),
    }
}

/// Sees that nobody has taken a table or an index away.
fn whole(connection: &Connection, file: &Path) -> Result<(), Fault> {
    const PARTS: [(&str, &str); 8] = [
        ("table", "record"),
        ("table", "process"),
        ("table", "boot"),
        ("table", "sequence"),
        ("table", "audit"),
        ("index", "record_open"),
        ("index", "record_expiry"),
        ("index", "audit_key"),
    ];
    let mut statement = connection
        .prepare("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2)")
        .map_err(|error| Fault::sqlite("read", file, error))?;
    for (kind, name) in PARTS {
        let is_there: bool = statement
            .query_row([kind, name], |row| row.get(0))
            .map_err(|error| Fault::sqlite("read", file, error))?;
        if !is_there {
            return Err(Fault::refused(
                file,
                format!("its {kind} `{name}` is missing"),
                "restore the file from a backup: nothing runs on what is left of it",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection's own settings, which the file does not show. Red when `synchronous` is anything but FULL: the
    /// answers that a power cut takes back are then seen by no test.
    #[test]
    fn every_connection_syncs_before_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("robot.db");
        std::fs::write(&file, "").unwrap();
        for purpose in [Use::Write(PATIENCE), Use::Read] {
            let connection = connect(&file, purpose).unwrap();
            let ask = |name: &str| -> i64 {
                connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
            };
            assert_eq!(
                (ask("synchronous"), ask("fullfsync"), ask("trusted_schema")),
                (2, 1, 0),
                "{purpose:?}"
            );
            assert_eq!(ask("busy_timeout"), if purpose == Use::Read { 0 } else { 5_000 });
        }
    }
}
