//! The portal's habits, seen by a visitor over the wire.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::ledger::appointments_by_patient;
use super::{Portal, Switches};
use crate::http::{Request, Sent};

/// A portal with its runtime and its folder; everything ends with it.
struct Open {
    portal: Portal,
    runtime: Runtime,
    folder: TempDir,
}

impl Open {
    fn with(switches: Switches) -> Open {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let portal = runtime.block_on(Portal::open(&folder.path().join("portal.db"), 0, switches)).unwrap();
        Open { portal, runtime, folder }
    }

    fn address(&self) -> SocketAddr {
        self.portal.address()
    }

    fn visit(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Sent {
        let mut all = vec![("Cookie", "session=s1")];
        all.extend_from_slice(headers);
        Request { method, path, headers: &all, body }.send(self.address()).unwrap()
    }

    fn log_in(&self) {
        let page = self.visit("POST", "/login", &[], "user=a&password=b").read().unwrap();
        assert_eq!(page.header("set-cookie").map(|cookie| &cookie[..10]), Some("session=s1"));
    }

    fn click(&self, patient: &str, request: Option<&str>) -> Sent {
        let header = request.map(|id| ("Idempotency-Key", id));
        self.visit("POST", "/appointments", header.as_slice(), &format!("patient={patient}&date=2027-03-01"))
    }

    /// How many appointments there are once every click is committed.
    fn booked(&self, patient: &str) -> usize {
        self.runtime.block_on(async {
            timeout(Duration::from_secs(20), self.portal.committed()).await.expect("the portal commits");
        });
        self.booked_so_far(patient)
    }

    fn booked_so_far(&self, patient: &str) -> usize {
        let file = self.folder.path().join("portal.db");
        appointments_by_patient(&file).unwrap().get(patient).map_or(0, Vec::len)
    }
}

/// Fails when `Desk::submit` refuses a repeated click that carries no honoured id.
#[test]
fn every_click_books() {
    let open = Open::with(Switches::default());
    open.log_in();
    let first = open.click("P-1", Some("same")).read().unwrap();
    let second = open.click("P-1", Some("same")).read().unwrap();
    assert_ne!(first.attribute("data-reference"), second.attribute("data-reference"));
    assert_eq!(open.booked("P-1"), 2);
}

/// Fails when `Ledger::take_in` does not look for an earlier click of the same id.
#[test]
fn an_honoured_request_id_books_once_and_answers_the_same() {
    let open = Open::with(Switches { honour_request_ids: true, ..Switches::default() });
    open.log_in();
    let first = open.click("P-1", Some("one")).read().unwrap();
    let again = open.click("P-1", Some("one")).read().unwrap();
    assert_eq!(first.attribute("data-reference"), again.attribute("data-reference"));
    assert_eq!(open.booked("P-1"), 1);
    open.click("P-1", Some("two")).read().unwrap();
    assert_eq!(open.booked("P-1"), 2);
}

/// Fails when a late click is committed before its connection has ended, or not at all.
#[test]
fn a_late_portal_answers_first_and_commits_when_the_visitor_has_gone() {
    let open = Open::with(Switches { late: Some(Duration::ZERO), ..Switches::default() });
    open.log_in();
    let answered = open.click("P-1", None);
    answered.wait_for_answer().unwrap();
    // Many visits later (time enough for a portal that does not wait) it is still not committed.
    for _ in 0..50 {
        open.visit("GET", "/schedule", &[], "").read().unwrap();
    }
    assert_eq!(open.booked_so_far("P-1"), 0);
    drop(answered);
    assert_eq!(open.booked("P-1"), 1);
}

/// Fails when `Line::cut` cuts nothing, when it cuts before the commit, or when every click is cut.
#[test]
fn a_portal_that_hangs_up_has_committed_and_does_it_once() {
    let open = Open::with(Switches { hang_up_on: Some("cut".into()), ..Switches::default() });
    open.log_in();
    let first = open.click("cut-1", None);
    assert_eq!(first.wait_for_answer().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(open.booked_so_far("cut-1"), 1);
    open.click("cut-1", None).wait_for_answer().unwrap();
    open.click("other", None).wait_for_answer().unwrap();
}

/// Fails when the list ignores its search fields, or the ledger page does not count repeated bookings.
#[test]
fn appointments_are_found_by_patient_and_day() {
    let open = Open::with(Switches::default());
    open.log_in();
    let booked = open.click("P-1", None).read().unwrap();
    let find = |query: &str| open.visit("GET", &format!("/appointments?{query}"), &[], "").read().unwrap();
    let found = find("patient=P-1&date=2027-03-01");
    assert_eq!(found.attribute("data-reference"), booked.attribute("data-reference"));
    assert_eq!(find("patient=P-2&date=2027-03-01").attribute("data-reference"), None);
    assert_eq!(find("patient=P-1&date=2027-03-02").attribute("data-reference"), None);
    open.click("P-1", None).read().unwrap();
    let ledger = open.visit("GET", "/ledger", &[], "").read().unwrap();
    assert!(ledger.body.contains("2 rows are one appointment booked more than once"), "{}", ledger.body);
}

/// Fails when `Member` lets strangers in.
#[test]
fn strangers_are_sent_to_the_login_page() {
    let open = Open::with(Switches::default());
    for path in ["/schedule", "/appointments", "/report?date=2027-03-01"] {
        let page = open.visit("GET", path, &[], "").read().unwrap();
        assert_eq!((page.status(), page.header("location")), (303, Some("/login")), "{path}");
    }
    assert_eq!(open.click("P-1", None).read().unwrap().status(), 303);
    assert_eq!(open.booked("P-1"), 0);
}

/// Fails when the switches page does not set what it shows.
#[test]
fn switches_are_set_from_their_page() {
    let open = Open::with(Switches::default());
    open.visit("POST", "/switches", &[], "late=250&hang_up_on=cut&honour_request_ids=yes").read().unwrap();
    let all = Switches {
        late: Some(Duration::from_millis(250)),
        hang_up_on: Some("cut".into()),
        honour_request_ids: true,
    };
    assert_eq!(open.portal.desk.switches(), all);
    open.visit("POST", "/switches", &[], "late=&hang_up_on=").read().unwrap();
    assert_eq!(open.portal.desk.switches(), Switches::default());
}

/// Fails when a page puts a visitor's text between its tags as it came.
#[test]
fn what_visitors_type_is_text_and_not_markup() {
    let open = Open::with(Switches::default());
    open.log_in();
    let page = open.visit("POST", "/schedule", &[], "patient=%3Cb%3E%22&date=2027-03-01").read().unwrap();
    assert!(page.body.contains("&lt;b&gt;&quot;") && !page.body.contains("<b>\""), "{}", page.body);
}
