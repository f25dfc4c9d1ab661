//! What every part of an open store shares.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::boot::Boot;
use super::fault::Fault;
use super::holders::Holders;
use super::moves::Eyes;
use super::place::{Identity, Place};
use super::schema::{self, Use};
use super::watch::Watch;
use crate::clock::Clock;

pub(super) struct Engine {
    pub(super) place: Place,
    pub(super) holders: Holders,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) boot: Boot,
    pub(super) watch: Watch,
    identity: Identity,
    max_pages: Option<u32>,
    opened_by: u32,
}

impl Engine {
    /// Opens the file at `place` and makes its tables if it has none. The connection is the one that writes.
    pub(super) fn open(
        place: Place,
        clock: Arc<dyn Clock>,
        max_pages: Option<u32>,
    ) -> Result<(Engine, Connection, Option<Identity>), Fault> {
        let file = &place.database;
        let identity = identity(file)?;
        let mut connection = schema::connect(file, Use::Write)?;
        let boot = schema::prepare(&mut connection, file, max_pages, &*clock)?;
        let engine = Engine {
            holders: Holders::new(&place),
            watch: Watch::default(),
            opened_by: std::process::id(),
            place,
            clock,
            boot,
            identity,
            max_pages,
        };
        let log = engine.log()?;
        Ok((engine, connection, log))
    }

    /// A connection that writes, in the place of one that an error has spoilt.
    pub(super) fn connect_writer(&self) -> Result<(Connection, Option<Identity>), Fault> {
        let file = &self.place.database;
        let mut connection = schema::connect(file, Use::Write)?;
        schema::prepare(&mut connection, file, self.max_pages, &*self.clock)?;
        self.same_file(None)?;
        Ok((connection, self.log()?))
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

    fn log(&self) -> Result<Option<Identity>, Fault> {
        Identity::at(&self.place.wal).map_err(|error| Fault::io("look at", &self.place.wal, error))
    }

    /// Sees that the paths still name what was opened: otherwise we would write where nobody can read.
    pub(super) fn same_file(&self, log: Option<Identity>) -> Result<(), Fault> {
        let moved = |what: &str| Fault::Moved { file: self.place.database.clone(), what: what.to_owned() };
        match Identity::at(&self.place.database) {
            Ok(Some(found)) if found == self.identity => {}
            Ok(Some(_)) => return Err(moved("another file stands in its place")),
            Ok(None) => return Err(moved("it is gone")),
            Err(error) => return Err(Fault::io("look at", &self.place.database, error)),
        }
        if log.is_some() && self.log()? != log {
            return Err(moved("its log (the file ending in `-wal`) is gone or another"));
        }
        Ok(())
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
