//! The portal's own database: which clicks came in, and which appointments came of them.
//!
//! The two differ on purpose. A portal that commits late has clicks without an appointment yet, and a portal
//! that is clicked twice has two appointments for one patient. The `ledger` table is what really happened; the
//! chaos run counts it and nothing else.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

/// The database of one portal.
pub(crate) struct Ledger {
    connection: Connection,
}

/// A click on "Submit" that the portal has taken in.
#[derive(Clone, Debug)]
pub(crate) struct Click {
    /// Row number of the click, from which the reference is made.
    pub(crate) id: i64,
    /// The patient that the form named.
    pub(crate) patient: String,
    /// The day that the form named.
    pub(crate) date: String,
    /// The request id of this click was seen before: nothing is to be booked again.
    pub(crate) repeated: bool,
}

impl Click {
    /// What the confirmation page shows and the robot brings home.
    pub(crate) fn reference(&self) -> String {
        reference(self.id)
    }
}

/// One appointment that really exists.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Appointment {
    /// The same as on the confirmation page.
    pub(crate) reference: String,
    /// Whom it is for.
    pub(crate) patient: String,
    /// Which day it is on.
    pub(crate) date: String,
    /// When the portal committed it (UTC).
    pub(crate) booked_at: String,
}

fn reference(click: i64) -> String {
    format!("A-{}", 1000 + click)
}

impl Ledger {
    /// Opens the file, and makes the tables when they are not there.
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Ledger> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch(
            "pragma journal_mode = wal;
             pragma synchronous = normal;
             create table if not exists clicks (
                 id integer primary key autoincrement,
                 patient text not null,
                 date text not null,
                 request_id text,
                 clicked_at text not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')));
             create index if not exists clicks_by_request on clicks (request_id);
             create table if not exists ledger (
                 id integer primary key autoincrement,
                 reference text not null,
                 patient text not null,
                 date text not null,
                 booked_at text not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')));
             create index if not exists ledger_by_patient on ledger (patient, date);
             create table if not exists reports (
                 date text not null,
                 made_at text not null default (strftime('%Y-%m-%d %H:%M:%f', 'now')));",
        )?;
        Ok(Ledger { connection })
    }

    /// Takes a click in. With a request id (one that the portal honours) that was seen before, it is the earlier
    /// click that comes back, marked as repeated.
    pub(crate) fn take_in(
        &self,
        patient: &str,
        date: &str,
        request: Option<&str>,
    ) -> rusqlite::Result<Click> {
        let earlier = match request {
            Some(request) => self
                .connection
                .query_row("select id from clicks where request_id = ?1", [request], |row| row.get(0))
                .optional()?,
            None => None,
        };
        let id = match earlier {
            Some(id) => id,
            None => {
                self.connection.execute(
                    "insert into clicks (patient, date, request_id) values (?1, ?2, ?3)",
                    params![patient, date, request],
                )?;
                self.connection.last_insert_rowid()
            }
        };
        Ok(Click { id, patient: patient.into(), date: date.into(), repeated: earlier.is_some() })
    }

    /// Makes the appointment of a click true.
    pub(crate) fn book(&self, click: &Click) -> rusqlite::Result<()> {
        self.connection.execute(
            "insert into ledger (reference, patient, date) values (?1, ?2, ?3)",
            params![click.reference(), click.patient, click.date],
        )?;
        Ok(())
    }

    /// The appointments of one patient, or of one day, or all; the oldest first.
    pub(crate) fn find(
        &self,
        patient: Option<&str>,
        date: Option<&str>,
    ) -> rusqlite::Result<Vec<Appointment>> {
        self.connection
            .prepare_cached(
                "select reference, patient, date, booked_at from ledger
                 where (?1 is null or patient = ?1) and (?2 is null or date = ?2) order by id",
            )?
            .query_map(params![patient, date], |row| {
                Ok(Appointment {
                    reference: row.get(0)?,
                    patient: row.get(1)?,
                    date: row.get(2)?,
                    booked_at: row.get(3)?,
                })
            })?
            .collect()
    }

    /// Was this appointment clicked for before the click with this number?
    pub(crate) fn clicked_before(&self, click: &Click) -> rusqlite::Result<bool> {
        self.connection.query_row(
            "select exists (select 1 from clicks where patient = ?1 and date = ?2 and id < ?3)",
            params![click.patient, click.date, click.id],
            |row| row.get(0),
        )
    }

    /// Notes that a report was made, and says how often that has happened for this day.
    pub(crate) fn make_report(&self, date: &str) -> rusqlite::Result<u32> {
        self.connection.execute("insert into reports (date) values (?1)", [date])?;
        self.connection.query_row("select count(*) from reports where date = ?1", [date], |row| row.get(0))
    }
}

/// The references of each patient's appointments in a portal's file: what really happened, counted by whoever
/// was not there.
pub(crate) fn appointments_by_patient(file: &Path) -> rusqlite::Result<HashMap<String, Vec<String>>> {
    let mut booked: HashMap<String, Vec<String>> = HashMap::new();
    for appointment in Ledger::open(file)?.find(None, None)? {
        booked.entry(appointment.patient).or_default().push(appointment.reference);
    }
    Ok(booked)
}

/// How often a report was made by the portal of this file.
pub(crate) fn reports_made(file: &Path, date: &str) -> rusqlite::Result<u32> {
    Connection::open(file)?
        .query_row("select count(*) from reports where date = ?1", [date], |row| row.get(0))
}
