//! Times on the steady clock, written so that they survive a restart of the machine.
//!
//! The steady clock counts from the start of the machine. In the file a moment is written as microseconds
//! since 1970: the steady clock plus an origin that was fixed when this start of the machine first opened the
//! file (table `boot`). Whoever reads it under the same start subtracts the same origin, so a step of the wall
//! clock changes nothing. Under another start the moment is translated by the wall clock, and a margin is
//! added.

use once_cell::sync::Lazy;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::clock::Clock;
use crate::protocol::{Micros, Record};

/// What a step of the wall clock between two starts of the machine may cost.
const MARGIN: Micros = 60_000_000;

/// This start of the machine, as the file knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boot {
    number: i64,
    origin: Micros,
}

/// A name for this start of the machine. Where there is none, each process takes one of its own, and other
/// processes' times are translated.
static NAME: Lazy<String> = Lazy::new(|| {
    let started = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    // A container can shift this clock: then it has a time namespace of its own.
    let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    match started {
        Ok(started) => format!("{} {}", started.trim(), namespace.display()),
        Err(_) => format!("process {} {}", std::process::id(), crate::clock::SystemClock.wall()),
    }
});

impl Boot {
    /// Finds or writes the row of this start of the machine.
    pub(super) fn register(connection: &Connection, clock: &dyn Clock) -> rusqlite::Result<Boot> {
        let find = "SELECT number, started_at FROM boot WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok(Boot { number: row.get(0)?, origin: row.get(1)? });
        if let Some(boot) = connection.query_row(find, [&*NAME], read).optional()? {
            return Ok(boot);
        }
        connection.execute(
            "INSERT INTO boot (id, started_at) VALUES (?1, ?2)",
            params![&*NAME, clock.wall().saturating_sub(clock.now())],
        )?;
        connection.query_row(find, [&*NAME], read)
    }

    pub(super) fn number(self) -> i64 {
        self.number
    }

    /// How a moment of the steady clock is written.
    pub(super) fn written(self, moment: Micros) -> Micros {
        moment.saturating_add(self.origin)
    }

    /// Turns the written moments of `record` into moments of the steady clock.
    pub(super) fn read(self, record: &mut Record, written_by: Option<i64>, now: Micros, wall: Micros) {
        if written_by == Some(self.number) {
            let back = |written: Micros| written.saturating_sub(self.origin);
            record.lease_until = record.lease_until.map(back);
            record.quiet_from = record.quiet_from.map(back);
        } else {
            let moved =
                |written: Micros| written.saturating_sub(wall.saturating_sub(now)).saturating_add(MARGIN);
            record.lease_until = record.lease_until.map(moved);
            // Nothing is sent in the future, and what an earlier start of this machine sent, it sent before
            // this one: no jump of the wall clock may hide that.
            record.quiet_from = record.quiet_from.map(|written| moved(written).max(0).min(now));
        }
    }
}
