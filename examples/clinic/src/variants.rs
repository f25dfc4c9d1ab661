//! `operations::book_appointment` with less said, to see what each word buys.

use idempotent::{effect, idempotent};

use crate::operations::find_appointment;
use crate::robot::browser::{Appointment, Browser};
use crate::robot::error::ClinicError;

/// The key alone: a robot that dies anywhere in the body may have booked, for all that anybody knows.
#[idempotent(key = (patient_id, date), name = "appointments.book.unmarked", skip(portal))]
pub(crate) fn book_unmarked(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Appointment, ClinicError> {
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = portal.click_submit()?;
    portal.read_confirmation(clicked)
}

/// With the marker: a death before it is no doubt at all.
#[idempotent(key = (patient_id, date), name = "appointments.book.marked", skip(portal))]
pub(crate) fn book_marked(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Appointment, ClinicError> {
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = effect!(portal.click_submit()?);
    portal.read_confirmation(clicked)
}

/// A mistake, shown as one: `after = "0s"` says that a click shows up at once or never, and a portal that
/// commits late makes that a lie. "Not there yet" is taken for "did not happen".
#[idempotent(
    key = (patient_id, date),
    name = "appointments.book.no_quiet",
    skip(portal),
    check(find_appointment, after = "0s")
)]
pub(crate) fn book_without_quiet(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Appointment, ClinicError> {
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = effect!(portal.click_submit()?);
    portal.read_confirmation(clicked)
}
