//! The robot's hands: it goes through the portal's pages as a person would.

use std::cell::RefCell;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::error::ClinicError;
use super::steps::Step;
use crate::http::{Answer, Request, Sent, encode};

/// What a robot brings home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Appointment {
    /// The number on the confirmation page.
    pub(crate) reference: String,
}

/// A browser on the portal, with its session and the form that is open.
pub(crate) struct Browser {
    portal: SocketAddr,
    session: RefCell<String>,
    form: RefCell<String>,
}

/// A click whose answer has arrived and is still unread.
pub(crate) struct Clicked(Sent);

impl Browser {
    /// A browser on the portal at this address, not logged in.
    pub(crate) fn new(portal: SocketAddr) -> Browser {
        Browser { portal, session: RefCell::default(), form: RefCell::default() }
    }

    /// Steps 1 and 2.
    pub(crate) fn log_in(&self) -> Result<(), ClinicError> {
        Step::Claimed.reach()?;
        self.sign_in()?;
        Ok(Step::LoggedIn.reach()?)
    }

    /// Steps 3 and 4: opens the form, fills it, and has the portal show it again.
    pub(crate) fn fill_form(&self, patient_id: &str, date: &str) -> Result<(), ClinicError> {
        self.visit("GET", "/schedule", "")?;
        Step::FormOpen.reach()?;
        let form = format!("patient={}&date={}", encode(patient_id), encode(date));
        self.visit("POST", "/schedule", &form)?;
        self.form.replace(form);
        Ok(Step::FormFilled.reach()?)
    }

    /// Steps 5, 6 and 7: the click that books.
    pub(crate) fn click_submit(&self) -> Result<Clicked, ClinicError> {
        self.submit(&[])
    }

    /// The same, with a request id that the portal may know.
    pub(crate) fn click_submit_once(&self, request_id: &str) -> Result<Clicked, ClinicError> {
        self.submit(&[("Idempotency-Key", request_id)])
    }

    fn submit(&self, headers: &[(&str, &str)]) -> Result<Clicked, ClinicError> {
        Step::AboutToSubmit.reach()?;
        let sent = self.send("POST", "/appointments", headers, &self.form.borrow())?;
        Step::Sent.reach()?;
        sent.wait_for_answer()?;
        Step::Answered.reach()?;
        Ok(Clicked(sent))
    }

    /// Step 8: what the portal says has been booked.
    pub(crate) fn read_confirmation(&self, clicked: Clicked) -> Result<Appointment, ClinicError> {
        let page = clicked.0.read()?;
        let reference = page.attribute("data-reference").ok_or_else(|| ClinicError::page(&page))?.to_owned();
        Step::Read.reach()?;
        Ok(Appointment { reference })
    }

    /// Looks an appointment up in the portal's list. No step: it changes nothing.
    pub(crate) fn find(&self, patient_id: &str, date: &str) -> Result<Option<Appointment>, ClinicError> {
        self.sign_in()?;
        let page = self.visit(
            "GET",
            &format!("/appointments?patient={}&date={}", encode(patient_id), encode(date)),
            "",
        )?;
        Ok(page.attribute("data-reference").map(|reference| Appointment { reference: reference.into() }))
    }

    /// Has the portal make the report of a day.
    pub(crate) fn scrape_report(&self, date: &str) -> Result<String, ClinicError> {
        self.sign_in()?;
        let page = self.visit("GET", &format!("/report?date={}", encode(date)), "")?;
        Ok(page.attribute("data-report").ok_or_else(|| ClinicError::page(&page))?.to_owned())
    }

    fn sign_in(&self) -> Result<(), ClinicError> {
        let page = self.send("POST", "/login", &[], "user=robot&password=robot")?.read()?;
        let cookie = page.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        self.session.replace(cookie.ok_or_else(|| ClinicError::page(&page))?.to_owned());
        Ok(())
    }

    /// A page of the portal; anything but a page (not logged in, not found, broken) is an error.
    fn visit(&self, method: &str, path: &str, form: &str) -> Result<Answer, ClinicError> {
        let page = self.send(method, path, &[], form)?.read()?;
        if page.status() == 200 { Ok(page) } else { Err(ClinicError::page(&page)) }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        form: &str,
    ) -> Result<Sent, ClinicError> {
        let session = self.session.borrow();
        let mut all = vec![("Cookie", session.as_str())];
        all.extend_from_slice(headers);
        Ok(Request { method, path, headers: &all, body: form }.send(self.portal)?)
    }
}
