//! The portal where robots book appointments: the outside world, which the library never sees.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::path::PathBuf;

use crate::Ledger;

/// The portal. It books whatever it is asked to, as often as it is asked, unless the request has an id.
#[derive(Clone)]
pub struct Portal(pub Ledger);

/// A step of an attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// Of which job.
    pub job: String,
    /// It is about to act; else its body begins.
    pub acts: bool,
    /// Its fence.
    pub fence: u64,
    /// Which run of the body it is.
    pub number: u32,
}

/// The portal cannot be asked.
#[derive(Debug)]
pub struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the portal cannot be asked")
    }
}

impl Portal {
    /// The act: a line `job confirmation`, another confirmation each time.
    pub fn book(&self, job: &str) -> String {
        let confirmation = format!("{}:{}", job.replace(' ', "_"), uuid::Uuid::new_v4().simple());
        self.0.act(&format!("{job} {confirmation}"));
        confirmation
    }

    /// The same where the portal refuses repeats of a request: it gives the confirmation of the first.
    pub fn book_once(&self, job: &str, request: &str) -> String {
        let confirmation = format!("{}:{request}", job.replace(' ', "_"));
        let line = format!("{job} {confirmation}");
        let door = OpenOptions::new().create(true).truncate(false).write(true).open(self.beside("door"));
        let door = door.expect("the portal's door opens");
        // One at a time; whoever is killed in here lets the next one in.
        door.lock().expect("the portal's door can be locked");
        if self.0.count(&line) == 0 {
            self.0.act(&line);
        }
        confirmation
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.0.path().with_extension(ending)
    }

    /// Writes beside the ledger what the running attempt does.
    pub(super) fn log(&self, what: &str, job: &str) {
        let attempt = idempotent::attempt();
        let line = format!("{job} {what} {} {}", attempt.fence(), attempt.number());
        Ledger::at(self.beside("attempts")).act(&line);
    }

    /// Writes beside the ledger that somebody looks whether a job was done.
    pub(super) fn log_question(&self, job: &str) {
        Ledger::at(self.beside("questions")).act(job);
    }

    /// How often somebody has looked whether a job was done.
    pub fn questions(&self, job: &str) -> usize {
        Ledger::at(self.beside("questions")).count(job)
    }

    /// What attempts at all jobs did, in order.
    pub fn attempts(&self) -> Vec<Attempted> {
        let lines = Ledger::at(self.beside("attempts")).lines();
        let read = |line: &String| {
            let mut words = line.rsplitn(4, ' ');
            let number = words.next()?.parse().ok()?;
            let fence = words.next()?.parse().ok()?;
            let acts = words.next()? == "acts";
            Some(Attempted { job: words.next()?.to_owned(), acts, fence, number })
        };
        lines.iter().map(|line| read(line).expect("a line of an attempt")).collect()
    }

    /// How many bodies have begun for a job.
    pub fn bodies(&self, job: &str) -> usize {
        self.attempts().iter().filter(|attempt| attempt.job == job && !attempt.acts).count()
    }

    /// The confirmations of every job, in order.
    pub fn all_bookings(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in self.0.lines() {
            let (job, confirmation) = line.rsplit_once(' ').expect("a line of a booking");
            all.entry(job.to_owned()).or_default().push(confirmation.to_owned());
        }
        all
    }

    /// The confirmations of a job, in order.
    pub fn bookings(&self, job: &str) -> Vec<String> {
        let all = self.0.text();
        let of = |line: &str| {
            let (booked, confirmation) = line.rsplit_once(' ').expect("a line of a booking");
            (booked == job).then(|| confirmation.to_owned())
        };
        all.lines().filter(|line| line.starts_with(job)).filter_map(of).collect()
    }
}
