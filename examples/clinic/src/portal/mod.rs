//! The portal: the outside world of this example, with the habits that make automation hard.
//!
//! It is a web site like many: log in, open the form, fill it, submit, read the confirmation. Every click on
//! "Submit" books, whoever clicked before. Three switches make it worse or better: it can answer before it
//! commits, it can hang up after the commit, and it can refuse a request id that it has seen.
//!
//! The portal knows nothing of the library that its visitors use.

pub(crate) mod ledger;
mod line;
mod pages;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use ledger::{Appointment, Click, Ledger};
use line::{Line, Switchboard};

/// How the portal behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    /// Answer a click at once, and commit it only this long after the visitor's connection has ended.
    /// `None`: commit, then answer.
    pub(crate) late: Option<Duration>,
    /// Hang up instead of answering, after the commit or (a late portal) before it, at the first click for a
    /// patient whose name begins with this.
    pub(crate) hang_up_on: Option<String>,
    /// A click with an `Idempotency-Key` that was seen before books nothing and gets the first click's answer.
    pub(crate) honour_request_ids: bool,
}

/// What all handlers share.
pub(crate) struct Desk {
    ledger: Mutex<Ledger>,
    switches: Mutex<Switches>,
    sessions: Mutex<HashSet<String>>,
    /// Who has clicked so far, in a channel so that it can be waited for.
    clicked: watch::Sender<HashSet<String>>,
    /// Clicks that were taken in and are not committed yet.
    uncommitted: watch::Sender<usize>,
}

/// A portal that is open for visitors, until the runtime it was opened on ends.
pub(crate) struct Portal {
    address: SocketAddr,
    desk: Arc<Desk>,
}

impl Portal {
    /// Opens a portal on a port of this machine (0: any) with its database in `file`.
    pub(crate) async fn open(file: &Path, port: u16, switches: Switches) -> io::Result<Portal> {
        let desk = Arc::new(Desk {
            ledger: Mutex::new(Ledger::open(file).map_err(io::Error::other)?),
            switches: Mutex::new(switches),
            sessions: Mutex::default(),
            clicked: watch::Sender::default(),
            uncommitted: watch::Sender::default(),
        });
        let (listener, address) = Switchboard::listen(port).await?;
        let service = routes::routes(Arc::clone(&desk)).into_make_service_with_connect_info::<Line>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Ok(Portal { address, desk })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns once a click for this patient has arrived, answered or not.
    pub(crate) async fn clicked(&self, patient: &str) {
        // The sender lives in the desk, so that the wait cannot fail.
        let _ = self.desk.clicked.subscribe().wait_for(|patients| patients.contains(patient)).await;
    }

    /// Returns once every click that was taken in is committed.
    pub(crate) async fn committed(&self) {
        // The same.
        let _ = self.desk.uncommitted.subscribe().wait_for(|left| *left == 0).await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn switches(&self) -> Switches {
        locked(&self.switches).clone()
    }

    fn set_switches(&self, switches: Switches) {
        *locked(&self.switches) = switches;
    }

    fn log_in(&self) -> String {
        let mut sessions = locked(&self.sessions);
        let session = format!("s{}", sessions.len() + 1);
        sessions.insert(session.clone());
        session
    }

    fn knows(&self, session: &str) -> bool {
        locked(&self.sessions).contains(session)
    }

    fn find(&self, patient: Option<&str>, date: Option<&str>) -> rusqlite::Result<Vec<Appointment>> {
        locked(&self.ledger).find(patient, date)
    }

    fn make_report(&self, date: &str) -> rusqlite::Result<(Vec<Appointment>, u32)> {
        let ledger = locked(&self.ledger);
        Ok((ledger.find(None, Some(date))?, ledger.make_report(date)?))
    }

    /// A click on "Submit". It goes on to its end even when the visitor who clicked is gone: a handler's future
    /// is dropped with the connection, so the work is a task of its own.
    async fn submit(
        self: Arc<Self>,
        patient: String,
        date: String,
        request: Option<String>,
        line: Line,
    ) -> rusqlite::Result<Click> {
        let task = tokio::spawn(async move {
            let switches = self.switches();
            let request = request.filter(|_| switches.honour_request_ids);
            let click = locked(&self.ledger).take_in(&patient, &date, request.as_deref())?;
            self.uncommitted.send_modify(|left| *left += 1);
            self.clicked.send_modify(|patients| {
                patients.insert(patient);
            });
            let first = !click.repeated && !locked(&self.ledger).clicked_before(&click)?;
            let hangs_up =
                switches.hang_up_on.is_some_and(|start| first && click.patient.starts_with(&start));
            if switches.late.is_none() {
                self.commit(&click)?;
            }
            if hangs_up {
                line.cut();
            }
            if let Some(late) = switches.late {
                tokio::spawn(Arc::clone(&self).commit_late(click.clone(), line, late));
            }
            Ok(click)
        });
        task.await.expect("the task that takes a click in does not panic")
    }

    async fn commit_late(self: Arc<Self>, click: Click, mut line: Line, late: Duration) {
        line.closed().await;
        tokio::time::sleep(late).await;
        if let Err(error) = self.commit(&click) {
            eprintln!("portal: {} has its answer and cannot be booked: {error}", click.patient);
        }
    }

    /// The one place where an appointment becomes true.
    fn commit(&self, click: &Click) -> rusqlite::Result<()> {
        let booked = if click.repeated { Ok(()) } else { locked(&self.ledger).book(click) };
        self.uncommitted.send_modify(|left| *left -= 1);
        booked
    }
}
