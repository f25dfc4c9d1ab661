//! The file to read: what a robot does, and the words that keep it from doing it twice.
//!
//! The first two functions check before acting, each in its way: the first asks the portal whether it happened,
//! the second has the answer at hand. The third gives its request an id that stays the same on every attempt.
//! Everything else in this example is the world around these three.

use idempotent::{effect, idempotent};

use crate::robot::browser::{Appointment, Browser};
use crate::robot::error::ClinicError;

/// Books an appointment, once for each patient and day.
///
/// A robot that dies before `effect!` has booked nothing, and the next one simply starts again. One that dies
/// after it may have booked, and `find_appointment` is asked. Its "no" counts only when the click has had three
/// seconds to show up: this portal answers before it commits.
#[idempotent(
    key = (patient_id, date),
    name = "appointments.book",
    skip(portal),
    check(find_appointment, after = "3s")
)]
pub(crate) fn book_appointment(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Appointment, ClinicError> {
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = effect!(portal.click_submit()?);
    portal.read_confirmation(clicked)
}

/// Has it happened? Looks in the portal's list, as a person would.
pub(crate) fn find_appointment(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Option<Appointment>, ClinicError> {
    portal.find(patient_id, date)
}

/// Downloads the report of a day, once a day: whoever asks again gets the report that is there.
///
/// Making a report changes nothing, so a robot that died over it may just be followed by another: `rerun`.
#[idempotent(key = date, name = "reports.download", skip(portal), rerun, keep = "1d")]
pub(crate) fn download_report(portal: &Browser, date: &str) -> Result<String, ClinicError> {
    portal.scrape_report(date)
}

/// Books an appointment at a portal that refuses a request id which it has seen.
///
/// The id is made from the key, so that every attempt of every process sends the same one. That makes running
/// again harmless, and `rerun` says so.
#[idempotent(key = (patient_id, date), name = "appointments.request", skip(portal), rerun)]
pub(crate) fn request_appointment(
    portal: &Browser,
    patient_id: &str,
    date: &str,
) -> Result<Appointment, ClinicError> {
    let id = idempotent::attempt().request_id();
    portal.log_in()?;
    portal.fill_form(patient_id, date)?;
    let clicked = portal.click_submit_once(&id.to_string())?;
    portal.read_confirmation(clicked)
}
