//! The robot: a process of its own that does one job and says where it is.

pub(crate) mod browser;
pub(crate) mod error;
mod naive;
pub(crate) mod steps;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use idempotent::{Error, Handle};

use crate::args::{ReportArgs, RobotArgs};
use crate::sabotage::Unmarking;
use crate::strategy::Strategy;
use crate::{operations, variants};
use browser::{Appointment, Browser};
use error::ClinicError;
use steps::{Step, say};

/// Exit status of a robot whose job is in doubt.
pub(crate) const IN_DOUBT: u8 = 3;

/// A function with the attribute that books an appointment.
pub(crate) type Operation = fn(&Browser, &str, &str) -> Result<Appointment, ClinicError>;

/// What the robots of a strategy call; `None` for plain code.
pub(crate) fn operation(strategy: Strategy) -> Option<Operation> {
    match strategy {
        Strategy::Naive | Strategy::Once => None,
        Strategy::Unmarked => Some(variants::book_unmarked),
        Strategy::Marked => Some(variants::book_marked),
        Strategy::Checked | Strategy::CheckedLatePortal => Some(operations::book_appointment),
        Strategy::CheckedLatePortalNoQuiet => Some(variants::book_without_quiet),
        Strategy::RequestId => Some(operations::request_appointment),
    }
}

/// The records of the robots that keep them in this folder.
pub(crate) fn open(records: &Path) -> Result<Handle, Error> {
    idempotent::open(&format!("sqlite:{}", records.join("robots.db").display()))
}

/// Books one appointment, tells which, and ends with a status that says how it went.
pub(crate) fn run(args: &RobotArgs) -> ExitCode {
    let told = book(args).and_then(|appointment| {
        Step::Recorded.reach()?;
        Ok(say(&format!("booked {}", appointment.reference))?)
    });
    end(told)
}

/// Downloads the report of a day.
pub(crate) fn report(args: &ReportArgs) -> ExitCode {
    let told = install(&args.records, false).and_then(|()| {
        let report = operations::download_report(&Browser::new(args.portal), &args.date)?;
        Ok(say(&report)?)
    });
    end(told)
}

fn book(args: &RobotArgs) -> Result<Appointment, ClinicError> {
    let portal = Browser::new(args.portal);
    let (patient, date) = (args.patient.as_str(), args.date.as_str());
    match operation(args.strategy) {
        Some(operation) => {
            install(&args.records, args.sabotage)?;
            operation(&portal, patient, date)
        }
        None if args.strategy == Strategy::Naive => {
            naive::book_and_record(&portal, patient, date, &args.records)
        }
        None => naive::book(&portal, patient, date),
    }
}

/// Opens the records and makes them this process's store.
fn install(records: &Path, sabotage: bool) -> Result<(), ClinicError> {
    fs::create_dir_all(records)?;
    let handle = open(records)?;
    let handle = if sabotage { Handle::new(Unmarking(Arc::clone(handle.store()))) } else { handle };
    Ok(idempotent::install(handle)?)
}

/// The end of a robot's `main`: what the library still has to record is recorded, and the status says the rest.
fn end(told: Result<(), ClinicError>) -> ExitCode {
    idempotent::drain(Duration::from_secs(5)).wait();
    let Err(error) = told else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    let ClinicError::Idempotent(error) = error else { return ExitCode::FAILURE };
    eprintln!("    {}", error.advice());
    if matches!(error, Error::InDoubt(_)) { ExitCode::from(IN_DOUBT) } else { ExitCode::FAILURE }
}
