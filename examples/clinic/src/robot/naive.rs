//! What people write before they have booked somebody twice.

use std::path::Path;
use std::{fs, io};

use super::browser::{Appointment, Browser};
use super::error::ClinicError;

/// Strategy `once`: does the job and keeps no record. Whoever uses it does not retry.
pub(crate) fn book(portal: &Browser, patient_id: &str, date: &str) -> Result<Appointment, ClinicError> {
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = portal.click_submit()?;
    portal.read_confirmation(clicked)
}

/// Strategy `naive`: look whether it is recorded, do it, record it. Between the click and the record lies the
/// time in which a crash books twice.
pub(crate) fn book_and_record(
    portal: &Browser,
    patient_id: &str,
    date: &str,
    records: &Path,
) -> Result<Appointment, ClinicError> {
    fs::create_dir_all(records)?;
    let record = records.join(format!("{patient_id} {date}"));
    match fs::read_to_string(&record) {
        Ok(reference) => return Ok(Appointment { reference }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let appointment = book(portal, patient_id, date)?;
    fs::write(&record, &appointment.reference)?;
    Ok(appointment)
}
