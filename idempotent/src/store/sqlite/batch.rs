//! One batch: many callers' moves in one transaction.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::engine::{Engine, Own};
use super::fault::Fault;
use super::moves::Hand;
use super::turn::{Taken, Turn};
use crate::key::Key;
use crate::protocol::{Answer, Fence, Request};
use crate::store::{Error, Subject};

/// The log is copied back after so many pages while few call: then its file stays small, and a sync cheap.
const SMALL_LOG: i64 = 1_000;
/// And after so many while many call: then one long copy is better than many short ones.
const LARGE_LOG: i64 = 16_000;

/// Something to do in a transaction.
pub(super) enum Work {
    /// A move of the protocol.
    Move { subject: Arc<Subject>, request: Request },
    /// Remove these, if they are still as they were seen.
    Sweep(Vec<(Key, Fence)>),
    /// Remove what dead processes have left.
    Tidy,
}

/// What came of it.
pub(super) enum Outcome {
    Answer(Answer),
    Removed(usize),
}

impl Work {
    /// Whether it gives or renews the right to act, so that our own lock file must stand.
    fn needs_holder(&self) -> bool {
        match self {
            Work::Move { request, .. } => matches!(
                request,
                Request::Claim(_) | Request::Proceed { .. } | Request::Mark { .. } | Request::Renew { .. }
            ),
            Work::Sweep(_) | Work::Tidy => false,
        }
    }
}

/// How far a batch came before it failed.
enum Stage {
    /// Nothing was tried.
    Begin,
    /// A move failed, and everything was rolled back.
    Move,
    /// The commit failed.
    Commit,
}

/// The connection that writes. Whoever holds it writes.
pub(super) struct Writer {
    /// `None` after an error that only a new connection clears.
    own: Option<Own>,
    turn: Turn,
    /// How many jobs a batch has, on average.
    load: f32,
    /// After how many pages the log is copied back; 0 is not set yet.
    log: i64,
}

impl Writer {
    pub(super) fn new(own: Own, turn: Turn) -> Writer {
        Writer { own: Some(own), turn, load: 1.0, log: 0 }
    }

    pub(super) fn take_turn(&mut self, engine: &Engine) -> Result<Taken, Fault> {
        self.turn.take(&engine.holders)
    }

    pub(super) fn try_take_turn(&mut self, engine: &Engine) -> Option<Taken> {
        self.turn.try_take(&engine.holders)
    }

    /// Does all of `works` in one transaction; if one of them fails, each in one of its own.
    pub(super) fn run(&mut self, engine: &Engine, works: &[&Work]) -> Vec<Result<Outcome, Error>> {
        let failure = match self.attempt(engine, works) {
            Ok(outcomes) => return outcomes,
            Err((Stage::Move, _)) if works.len() > 1 => {
                return works.iter().flat_map(|work| self.run(engine, &[*work])).collect();
            }
            Err((Stage::Begin | Stage::Move | Stage::Commit, fault)) => Error::from(fault),
        };
        works.iter().map(|_| Err(failure.clone())).collect()
    }

    fn attempt(
        &mut self,
        engine: &Engine,
        works: &[&Work],
    ) -> Result<Vec<Result<Outcome, Error>>, (Stage, Fault)> {
        let begin = |fault| (Stage::Begin, fault);
        engine.same_file(self.own.as_ref().map(|own| own.beside)).map_err(begin)?;
        if self.own.is_none() {
            self.own = Some(engine.connect_writer().map_err(begin)?);
        }
        self.adapt(works.len());
        let Some(own) = &self.own else {
            return Err(begin(Fault::Stopped { file: engine.place.database.clone() }));
        };
        let connection = &own.connection;
        let result = transact(engine, connection, works);
        if let Err((_, fault)) = &result {
            if fault.is_busy() {
                self.turn.doubt();
            }
            // An error may have ended the transaction, or not.
            let clean = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
            if !clean || fault.spoils_connection() {
                engine.spare_others(own);
                (self.own, self.log) = (None, 0);
            }
        }
        result
    }

    /// Sets the length of the log by the load.
    fn adapt(&mut self, jobs: usize) {
        let jobs = f32::from(u16::try_from(jobs).unwrap_or(u16::MAX));
        self.load += (jobs - self.load) / 16.0;
        let wanted = match self.log {
            // Two thresholds, so that it does not change with every batch.
            LARGE_LOG if self.turn.alone() && self.load >= 3.0 => LARGE_LOG,
            _ if self.turn.alone() && self.load >= 4.0 => LARGE_LOG,
            _ => SMALL_LOG,
        };
        if wanted != self.log
            && let Some(own) = &self.own
            && own.connection.pragma_update(None, "wal_autocheckpoint", wanted).is_ok()
        {
            self.log = wanted;
        }
    }

    /// Takes our name off the folder, as far as no record needs it.
    pub(super) fn leave(&mut self, engine: &Engine) {
        let Some(own) = self.own.take() else {
            return;
        };
        engine.spare_others(&own);
        if engine.holders.has_file() && engine.same_file(Some(own.beside)).is_ok() {
            let connection = &own.connection;
            let work = || -> rusqlite::Result<()> {
                connection.execute_batch("BEGIN IMMEDIATE")?;
                engine.holders.leave(connection)?;
                connection.execute_batch("COMMIT")
            };
            // What stays behind is removed by the next one that tidies up.
            if work().is_err() {
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
    }
}

type Outcomes = Vec<Result<Outcome, Error>>;

fn transact(engine: &Engine, connection: &Connection, works: &[&Work]) -> Result<Outcomes, (Stage, Fault)> {
    let file: &Path = &engine.place.database;
    let at = |stage: Stage, doing| move |error| (stage, Fault::sqlite(doing, file, error));
    let process = if works.iter().any(|work| work.needs_holder()) {
        Some(engine.holders.stand().map_err(Error::from))
    } else {
        None
    };
    execute(connection, "BEGIN IMMEDIATE").map_err(at(Stage::Begin, "write to"))?;
    let writing = "write to";
    engine.holders.register(connection, engine.clock.wall()).map_err(at(Stage::Move, writing))?;
    let mut hand = Hand::new(engine.eyes(connection)).map_err(at(Stage::Move, writing))?;
    let mut outcomes = Vec::with_capacity(works.len());
    for work in works {
        let process = match &process {
            Some(Err(error)) if work.needs_holder() => {
                outcomes.push(Err(error.clone()));
                continue;
            }
            Some(Ok(process)) => Some(*process),
            Some(Err(_)) | None => None,
        };
        let outcome = match work {
            Work::Move { subject, request } => hand.apply(subject, request, process).map(Outcome::Answer),
            Work::Sweep(seen) => sweep(&mut hand, seen).map(Outcome::Removed),
            Work::Tidy => engine.holders.clean(connection).map(|()| Outcome::Removed(0)),
        };
        outcomes.push(Ok(outcome.map_err(at(Stage::Move, writing))?));
    }
    let wrote = hand.wrote;
    execute(connection, "COMMIT").map_err(at(Stage::Commit, writing))?;
    engine.holders.registered();
    if wrote {
        engine.watch.poke();
    }
    Ok(outcomes)
}

fn sweep(hand: &mut Hand<'_>, seen: &[(Key, Fence)]) -> rusqlite::Result<usize> {
    let mut removed = 0;
    for (key, fence) in seen {
        removed += usize::from(hand.sweep(key, *fence)?);
    }
    Ok(removed)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
