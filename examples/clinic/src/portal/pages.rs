//! The portal's pages, as a person sees them in a browser.

use super::Switches;
use super::ledger::Appointment;

/// Makes text safe between tags and in quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Clinic portal</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
nav a {{ margin-right: 1rem; }}
form {{ display: grid; gap: .8rem; max-width: 24rem; }}
label {{ display: grid; gap: .2rem; }}
label.row {{ display: flex; gap: .5rem; align-items: baseline; }}
input, button {{ font: inherit; padding: .35rem .5rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }}
tr.twice td {{ background: #d1495b33; }}
.note {{ opacity: .75; }}
</style></head><body>
<nav><a href="/schedule">Schedule</a><a href="/appointments">Appointments</a><a href="/ledger">Ledger</a><a href="/switches">Switches</a></nav>
<h1>{title}</h1>
{body}
</body></html>
"#
    )
}

pub(super) fn login() -> String {
    page(
        "Log in",
        r#"<form method="post" action="/login">
<label>Name <input name="user" value="reception" required autofocus></label>
<label>Password <input name="password" type="password" required></label>
<button>Log in</button></form>
<p class="note">Any name and password will do: this portal is there to be broken, not to be broken into.</p>"#,
    )
}

pub(super) fn schedule() -> String {
    page(
        "Schedule an appointment",
        r#"<form method="post" action="/schedule">
<label>Patient <input name="patient" placeholder="P-101" required autofocus></label>
<label>Day <input name="date" type="date" required></label>
<button>Continue</button></form>"#,
    )
}

pub(super) fn review(patient: &str, date: &str) -> String {
    let (patient, date) = (escape(patient), escape(date));
    page(
        "Is this right?",
        &format!(
            r#"<p>An appointment for <b>{patient}</b> on <b>{date}</b>.</p>
<form method="post" action="/appointments">
<input type="hidden" name="patient" value="{patient}"><input type="hidden" name="date" value="{date}">
<button>Submit</button></form>
<p class="note">Every click on Submit books. Click twice, go back and click again, and look at the ledger.</p>"#
        ),
    )
}

pub(super) fn confirmation(reference: &str, patient: &str, date: &str) -> String {
    let (patient, date) = (escape(patient), escape(date));
    page(
        "Your appointment",
        &format!(
            r#"<p data-reference="{reference}">Reference <b>{reference}</b>: {patient}, {date}.</p>
<p><a href="/schedule">Schedule another</a></p>"#
        ),
    )
}

pub(super) fn appointments(found: &[Appointment], patient: &str, date: &str) -> String {
    let (patient, date) = (escape(patient), escape(date));
    page(
        "Appointments",
        &format!(
            r#"<form method="get" action="/appointments">
<label>Patient <input name="patient" value="{patient}"></label>
<label>Day <input name="date" type="date" value="{date}"></label>
<button>Find</button></form>
{}"#,
            table(found)
        ),
    )
}

pub(super) fn ledger(all: &[Appointment]) -> String {
    let twice = all.iter().filter(|one| is_twice(all, one)).count();
    let verdict = match twice {
        0 => "Nobody is booked twice.".to_owned(),
        rows => format!("{rows} rows are one appointment booked more than once."),
    };
    page("What really happened", &format!("<p>{} rows. {verdict}</p>{}", all.len(), table(all)))
}

fn is_twice(all: &[Appointment], one: &Appointment) -> bool {
    all.iter().filter(|other| other.patient == one.patient && other.date == one.date).count() > 1
}

fn table(rows: &[Appointment]) -> String {
    if rows.is_empty() {
        return "<p>No appointment.</p>".into();
    }
    let rows: String = rows
        .iter()
        .map(|row| {
            format!(
                r#"<tr{} data-reference="{}"><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"#,
                if is_twice(rows, row) { r#" class="twice""# } else { "" },
                row.reference,
                row.reference,
                escape(&row.patient),
                escape(&row.date),
                row.booked_at
            )
        })
        .collect();
    format!(
        "<table><tr><th>Reference</th><th>Patient</th><th>Day</th><th>Booked at (UTC)</th></tr>{rows}</table>"
    )
}

pub(super) fn report(date: &str, appointments: &[Appointment], made: u32) -> String {
    let date = escape(date);
    page(
        "Report",
        &format!(
            r#"<p data-report="{date}: {} appointments">{date}: {} appointments.</p>
<p class="note">This report was made {made} times.</p>"#,
            appointments.len(),
            appointments.len()
        ),
    )
}

pub(super) fn switches(now: &Switches) -> String {
    let honour = if now.honour_request_ids { "checked" } else { "" };
    page(
        "Switches",
        &format!(
            r#"<form method="post" action="/switches">
<label>Answer a click at once and commit it this many milliseconds after the visitor has gone, tab closed and all (empty: commit, then answer)
<input name="late" type="number" min="0" value="{}"></label>
<label>Hang up without an answer at the first click for patients whose name begins with this (empty: never)
<input name="hang_up_on" value="{}"></label>
<label class="row"><input name="honour_request_ids" type="checkbox" value="yes" {honour}> Honour the header Idempotency-Key: a click whose id was seen before books nothing</label>
<button>Set</button></form>"#,
            now.late.map(|late| late.as_millis().to_string()).unwrap_or_default(),
            escape(now.hang_up_on.as_deref().unwrap_or_default()),
        ),
    )
}
