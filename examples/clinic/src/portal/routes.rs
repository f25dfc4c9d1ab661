//! Which page answers to which address.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Form, FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::line::Line;
use super::{Desk, Switches, pages};

pub(super) fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/schedule")))
        .route("/login", get(async || Html(pages::login())).post(log_in))
        .route("/schedule", get(schedule).post(review))
        .route("/appointments", get(appointments).post(submit))
        .route("/report", get(report))
        .route("/ledger", get(ledger))
        .route("/switches", get(switches).post(set_switches))
        .with_state(desk)
}

/// A visitor who has logged in; anyone else is sent to the login page.
struct Member;

impl FromRequestParts<Arc<Desk>> for Member {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Member, Redirect> {
        let cookies =
            parts.headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut sessions = cookies.split(';').filter_map(|cookie| cookie.trim().strip_prefix("session="));
        if sessions.any(|session| desk.knows(session)) { Ok(Member) } else { Err(Redirect::to("/login")) }
    }
}

/// The portal's own database failed.
struct Broken(rusqlite::Error);

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Broken {
        Broken(error)
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("The portal's database failed: {}", self.0))
            .into_response()
    }
}

async fn log_in(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let session = format!("session={}; Path=/; HttpOnly; SameSite=Lax", desk.log_in());
    ([(header::SET_COOKIE, session)], Redirect::to("/schedule"))
}

async fn schedule(_: Member) -> Html<String> {
    Html(pages::schedule())
}

/// The two fields of the form, and of the search above the list.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    patient: String,
    #[serde(default)]
    date: String,
}

async fn review(_: Member, Form(form): Form<Wanted>) -> Html<String> {
    Html(pages::review(&form.patient, &form.date))
}

async fn submit(
    _: Member,
    State(desk): State<Arc<Desk>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    Form(form): Form<Wanted>,
) -> Result<Html<String>, Broken> {
    let request = headers.get("idempotency-key").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let click = desk.submit(form.patient, form.date, request, line).await?;
    Ok(Html(pages::confirmation(&click.reference(), &click.patient, &click.date)))
}

async fn appointments(
    _: Member,
    State(desk): State<Arc<Desk>>,
    Query(query): Query<Wanted>,
) -> Result<Html<String>, Broken> {
    let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    let found = desk.find(given(&query.patient).as_deref(), given(&query.date).as_deref())?;
    Ok(Html(pages::appointments(&found, &query.patient, &query.date)))
}

async fn report(
    _: Member,
    State(desk): State<Arc<Desk>>,
    Query(query): Query<Wanted>,
) -> Result<Html<String>, Broken> {
    let (appointments, made) = desk.make_report(&query.date)?;
    Ok(Html(pages::report(&query.date, &appointments, made)))
}

async fn ledger(State(desk): State<Arc<Desk>>) -> Result<Html<String>, Broken> {
    Ok(Html(pages::ledger(&desk.find(None, None)?)))
}

async fn switches(State(desk): State<Arc<Desk>>) -> Html<String> {
    Html(pages::switches(&desk.switches()))
}

/// The form on the page with the switches: text, as a browser sends it.
#[derive(Deserialize)]
struct Set {
    #[serde(default)]
    late: String,
    #[serde(default)]
    hang_up_on: String,
    honour_request_ids: Option<String>,
}

async fn set_switches(State(desk): State<Arc<Desk>>, Form(set): Form<Set>) -> Redirect {
    desk.set_switches(Switches {
        late: set.late.parse().ok().map(Duration::from_millis),
        hang_up_on: Some(set.hang_up_on).filter(|start| !start.is_empty()),
        honour_request_ids: set.honour_request_ids.is_some(),
    });
    Redirect::to("/switches")
}
