//! Connections that read, on the caller's own thread.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::engine::Engine;
use super::fault::Fault;
use super::moves::Eyes;
use super::schema::PATIENCE;

/// How many idle connections are kept.
const KEPT: usize = 32;

#[derive(Default)]
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Reads through an idle connection, or a new one. It never waits for a lock of the database.
    pub(super) fn read<T>(
        &self,
        engine: &Engine,
        work: impl FnOnce(&Eyes<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => engine.connect_reader()?,
        };
        let result = work(&engine.eyes(&connection))
            .map_err(|error| Fault::sqlite("read", &engine.place.database, error));
        if !matches!(&result, Err(fault) if fault.spoils_connection()) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
        result
    }

    /// Closes the idle connections, so that the one that writes is the last.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// [`read`](Readers::read) on a thread that may wait: after a crash the file is busy for a moment, while
    /// somebody goes through its log.
    pub(super) fn read_patiently<T>(
        &self,
        engine: &Engine,
        work: impl Fn(&Eyes<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.read(engine, &work) {
                Err(fault) if fault.is_busy() && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(2));
                }
                result => return result,
            }
        }
    }
}
