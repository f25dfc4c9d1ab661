//! What every part of an open store shares.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::boot::Boot;
use super::fault::Fault;
use super::holders::Holders;
use super::moves::Eyes;
use super::opened::Opened;
use super::place::{Identity, Place};
use super::schema::{self, File, Use};
use super::watch::Watch;
use crate::clock::Clock;

/// The log of the database and the index of the log, as a connection has them open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Beside {
    log: Option<Identity>,
    index: Option<Identity>,
}

/// The connection that writes, and what it has open.
pub(super) struct Own {
    // Before the connection: it must be dropped first.
    _opened: Opened,
    pub(super) beside: Beside,
    pub(super) connection: Connection,
}

pub(super) struct Engine {
    pub(super) place: Place,
    pub(super) holders: Holders,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) boot: Boot,
    pub(super) watch: Watch,
    identity: Identity,
    settings: Settings,
    opened_by: u32,
}

const INDEX_IS_ANOTHER: &str = "the index of its log (the file ending in `-shm`) is gone or another";

/// What a connection that writes is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// How long another writer of the file is waited for.
    pub(super) busy: Duration,
    pub(super) max_pages: Option<u32>,
}

impl Engine {
    /// Opens the file at `place` and makes its tables if it has none.
    pub(super) fn open(
        place: Place,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<(Engine, Own), Fault> {
        let file = &place.database;
        let identity = identity(file)?;
        let mut connection = schema::connect(file, Use::Write(settings.busy))?;
        let boot = schema::prepare(&mut connection, file, File::MayBeNew, settings.max_pages, &*clock)?;
        let engine = Engine {
            holders: Holders::new(&place),
            watch: Watch::default(),
            opened_by: std::process::id(),
            place,
            clock,
            boot,
            identity,
            settings,
        };
        let own = engine.own(connection)?;
        Ok((engine, own))
    }

    /// A connection that writes, in the place of one that an error has spoilt.
    pub(super) fn connect_writer(&self) -> Result<Own, Fault> {
        let file = &self.place.database;
        let mut connection = schema::connect(file, Use::Write(self.settings.busy))?;
        schema::prepare(&mut connection, file, File::IsOurs, self.settings.max_pages, &*self.clock)?;
        self.same_file(None)?;
        self.own(connection)
    }

    fn own(&self, connection: Connection) -> Result<Own, Fault> {
        let beside = self.beside()?;
        let opened = Opened::remember(self.identity, beside.index);
        let _opened = opened.ok_or_else(|| self.moved(INDEX_IS_ANOTHER))?;
        Ok(Own { _opened, beside, connection })
    }

    fn moved(&self, what: &str) -> Fault {
        Fault::Moved { file: self.place.database.clone(), what: what.to_owned() }
    }

    /// A connection that reads.
    pub(super) fn connect_reader(&self) -> Result<Connection, Fault> {
        let connection = schema::connect(&self.place.database, Use::Read)?;
        self.same_file(None)?;
        Ok(connection)
    }

    pub(super) fn eyes<'a>(&'a self, connection: &'a Connection) -> Eyes<'a> {
        Eyes { connection, holders: &self.holders, clock: &*self.clock, boot: self.boot }
    }

    fn beside(&self) -> Result<Beside, Fault> {
        let at = |file| Identity::at(file).map_err(|error| Fault::io("look at", file, error));
        Ok(Beside { log: at(&self.place.wal)?, index: at(&self.place.shm)? })
    }

    /// Sees that the paths still name what was opened: otherwise we would write where nobody can read, or under
    /// locks (they lie in the index of the log) that nobody else sees.
    pub(super) fn same_file(&self, beside: Option<Beside>) -> Result<(), Fault> {
        match Identity::at(&self.place.database) {
            Ok(Some(found)) if found == self.identity => {}
            Ok(Some(_)) => return Err(self.moved("another file stands in its place")),
            Ok(None) => return Err(self.moved("it is gone")),
            Err(error) => return Err(Fault::io("look at", &self.place.database, error)),
        }
        let Some(opened) = beside else { return Ok(()) };
        let now = self.beside()?;
        if now.log != opened.log {
            return Err(self.moved("its log (the file ending in `-wal`) is gone or another"));
        }
        if now.index != opened.index {
            return Err(self.moved(INDEX_IS_ANOTHER));
        }
        Ok(())
    }

    /// Called before the connection is closed. The last one that is closed copies the log back, as far as its index knows
    /// it, and removes it. Where another program has made an index of its own, it may have written what ours does not know.
    pub(super) fn spare_others(&self, own: &Own) {
        if Identity::at(&self.place.shm).is_ok_and(|now| now.is_some() && now != own.beside.index) {
            // If even that fails, there is nobody to tell.
            let _ = own.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }

    /// A fork shares descriptors and locks with its parent, which neither SQLite nor the lock file survives.
    pub(super) fn same_process(&self) -> Result<(), Fault> {
        if std::process::id() == self.opened_by {
            return Ok(());
        }
        Err(Fault::Forked { file: self.place.database.clone(), opened_by: self.opened_by })
    }
}

fn identity(file: &Path) -> Result<Identity, Fault> {
    match Identity::at(file) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Fault::Moved { file: file.to_owned(), what: "it is gone".to_owned() }),
        Err(error) => Err(Fault::io("look at", file, error)),
    }
}
