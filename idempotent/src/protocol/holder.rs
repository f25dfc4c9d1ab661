//! The holder's rows of the table: proceed, mark, renew, the four settles, abandon, note.

use std::sync::Arc;

use super::claim::{lease, quiet_left};
use super::moves::{Answer, Context, Decision, Event, Fenced, Held, Resolution, Settled};
use super::state::{Micros, Record, State, Token, Value};

/// The columns of the table, seen from one holder.
enum Column<'r> {
    Absent,
    Free(&'r Record),
    Running(&'r Record),
    InDoubt(&'r Record),
    /// Done or failed by this very claim.
    Ended(&'r Record),
    Other(&'r Record),
}

fn column(record: Option<&Record>, held: Held) -> Column<'_> {
    let Some(record) = record else {
        return Column::Absent;
    };
    match record.state {
        State::Free => Column::Free(record),
        State::Running if record.held_by(held.token, held.fence) => Column::Running(record),
        State::InDoubt if record.held_by(held.token, held.fence) => Column::InDoubt(record),
        State::Done | State::Failed if record.owner == Some(held.token) => Column::Ended(record),
        State::Running | State::InDoubt | State::Done | State::Failed => Column::Other(record),
    }
}

fn fenced(record: Option<&Record>) -> Decision {
    Decision::keep(Answer::Fenced(Fenced { state: record.map(|record| record.state) }))
}

fn already(record: &Record) -> Decision {
    Decision::keep(Answer::Settled(Settled { state: record.state }))
}

fn settled(record: Record) -> Decision {
    let state = record.state;
    Decision::put(record, Answer::Settled(Settled { state }))
}

/// Renews the lease in a copy of the record.
fn renewed(record: &Record, length: Micros, context: &Context) -> Record {
    let mut next = record.clone();
    lease(&mut next, length, context);
    next
}

pub(super) fn proceed(
    record: Option<&Record>,
    held: Held,
    has_marker: bool,
    after: Micros,
    length: Micros,
    context: &Context,
) -> Decision {
    match column(record, held) {
        Column::Running(running) => match (running.prior, running.effect) {
            (true, false) => {
                let left = quiet_left(running, after, context);
                if left > 0 {
                    return Decision::keep(Answer::Early { left });
                }
                let mut next = renewed(running, length, context);
                next.prior = false;
                next.effect = !has_marker;
                next.rerun = false;
                next.after = after;
                next.attempt = running.attempt.saturating_add(1);
                next.late = None;
                next.quiet_from = None;
                next.changed_at = context.wall;
                let event = event("check_did_not_happen", running, &next, None);
                Decision::put(next, Answer::Ok).with(Some(event))
            }
            (false, true | false) => Decision::put(renewed(running, length, context), Answer::Ok),
            (true, true) => fenced(record),
        },
        Column::Absent | Column::Free(_) | Column::InDoubt(_) | Column::Ended(_) | Column::Other(_) => {
            fenced(record)
        }
    }
}

pub(super) fn mark(record: Option<&Record>, held: Held, length: Micros, context: &Context) -> Decision {
    match column(record, held) {
        Column::Running(running) => {
            let mut next = renewed(running, length, context);
            next.effect = true;
            next.changed_at = context.wall;
            Decision::put(next, Answer::Ok)
        }
        Column::Absent | Column::Free(_) | Column::InDoubt(_) | Column::Ended(_) | Column::Other(_) => {
            fenced(record)
        }
    }
}

pub(super) fn renew(record: Option<&Record>, held: Held, length: Micros, context: &Context) -> Decision {
    match column(record, held) {
        Column::Running(running) => Decision::put(renewed(running, length, context), Answer::Ok),
        Column::Absent | Column::Free(_) | Column::InDoubt(_) | Column::Ended(_) | Column::Other(_) => {
            fenced(record)
        }
    }
}

pub(super) fn settle(
    record: Option<&Record>,
    held: Held,
    resolution: &Resolution,
    context: &Context,
) -> Decision {
    match resolution {
        Resolution::Done { value, keep } => settle_done(record, held, value, *keep, context),
        Resolution::Failed { error, text, keep } => settle_failed(record, held, error, text, *keep, context),
        Resolution::Free { last_error } => settle_free(record, held, last_error.as_ref(), context),
        Resolution::InDoubt { last_error } => settle_in_doubt(record, held, last_error.as_ref(), context),
    }
}

fn settle_done(
    record: Option<&Record>,
    held: Held,
    value: &Value,
    keep: Option<Micros>,
    context: &Context,
) -> Decision {
    match column(record, held) {
        Column::Running(open) => {
            let next = done(open, held.token, value, keep, context);
            let recovered = open.prior && !open.effect;
            let event = recovered.then(|| event("recovered", open, &next, None));
            settled(next).with(event)
        }
        Column::InDoubt(open) => {
            let next = done(open, held.token, value, keep, context);
            let event = event("late_done", open, &next, None);
            settled(next).with(Some(event))
        }
        Column::Ended(ended) => already(ended),
        // The word of an attempt that may have acted, while whoever came after it cannot have acted.
        Column::Other(open)
            if open.late == Some(held.token)
                && matches!(open.state, State::Running | State::InDoubt)
                && open.prior
                && !open.effect =>
        {
            let next = done(open, held.token, value, keep, context);
            let event = event("late_done", open, &next, None);
            settled(next).with(Some(event))
        }
        Column::Absent | Column::Free(_) | Column::Other(_) => fenced(record),
    }
}

fn settle_failed(
    record: Option<&Record>,
    held: Held,
    error: &Value,
    text: &Arc<str>,
    keep: Option<Micros>,
    context: &Context,
) -> Decision {
    match column(record, held) {
        Column::Running(open) if open.prior => {
            let next = doubtful(open, Some(text), context);
            let event = event("in_doubt", open, &next, Some(text));
            settled(next).with(Some(event))
        }
        Column::InDoubt(open) if open.prior => already(open),
        Column::Running(open) | Column::InDoubt(open) => {
            let mut next = closed(open, State::Failed, context);
            next.error = Some(error.clone());
            next.last_error = Some(Arc::clone(text));
            next.expires_at = keep.map(|keep| context.wall.saturating_add(keep));
            settled(next)
        }
        Column::Ended(ended) => already(ended),
        Column::Absent | Column::Free(_) | Column::Other(_) => fenced(record),
    }
}

fn settle_free(
    record: Option<&Record>,
    held: Held,
    last_error: Option<&Arc<str>>,
    context: &Context,
) -> Decision {
    match column(record, held) {
        Column::Free(free) if free.owner == Some(held.token) => already(free),
        Column::Running(open) if open.prior => {
            let next = doubtful(open, last_error, context);
            let event = last_error.map(|text| event("in_doubt", open, &next, Some(text)));
            settled(next).with(event)
        }
        Column::InDoubt(open) if open.prior => already(open),
        Column::Running(open) | Column::InDoubt(open) => settled(freed(open, last_error, context)),
        Column::Ended(ended) => already(ended),
        Column::Absent | Column::Free(_) | Column::Other(_) => fenced(record),
    }
}

fn settle_in_doubt(
    record: Option<&Record>,
    held: Held,
    last_error: Option<&Arc<str>>,
    context: &Context,
) -> Decision {
    match column(record, held) {
        Column::Running(open) => {
            let next = doubtful(open, last_error, context);
            let event = event("in_doubt", open, &next, last_error);
            settled(next).with(Some(event))
        }
        Column::InDoubt(open) => already(open),
        Column::Ended(ended) => already(ended),
        Column::Absent | Column::Free(_) | Column::Other(_) => fenced(record),
    }
}

pub(super) fn abandon(record: Option<&Record>, token: Token, context: &Context) -> Decision {
    let Some(open) = record else {
        return Decision::keep(Answer::Ok);
    };
    match open.state {
        State::Running if open.owner == Some(token) => {
            let next = if open.prior { doubtful(open, None, context) } else { freed(open, None, context) };
            Decision::put(next, Answer::Ok)
        }
        State::Running | State::Free | State::InDoubt | State::Done | State::Failed => {
            Decision::keep(Answer::Ok)
        }
    }
}

pub(super) fn note(record: Option<&Record>, text: &Arc<str>) -> Decision {
    let event = record.map(|record| event("late_evidence", record, record, Some(text)));
    Decision::keep(Answer::Ok).with(event)
}

/// The record ended in `state`: what only an open record has is cleared.
pub(super) fn closed(open: &Record, state: State, context: &Context) -> Record {
    let mut next = open.clone();
    next.state = state;
    next.effect = false;
    next.prior = false;
    next.late = None;
    next.rerun = false;
    next.after = 0;
    next.lease_until = None;
    next.holder = None;
    next.quiet_from = None;
    next.value = None;
    next.error = None;
    next.expires_at = None;
    next.changed_at = context.wall;
    next
}

fn done(open: &Record, token: Token, value: &Value, keep: Option<Micros>, context: &Context) -> Record {
    let mut next = closed(open, State::Done, context);
    next.owner = Some(token);
    next.value = Some(value.clone());
    next.expires_at = keep.map(|keep| context.wall.saturating_add(keep));
    next
}

fn freed(open: &Record, last_error: Option<&Arc<str>>, context: &Context) -> Record {
    let mut next = closed(open, State::Free, context);
    if let Some(text) = last_error {
        next.last_error = Some(Arc::clone(text));
    }
    next
}

/// The record ends in doubt. Quiet time starts anew only if *this* attempt can have sent anything.
pub(super) fn doubtful(open: &Record, last_error: Option<&Arc<str>>, context: &Context) -> Record {
    let mut next = open.clone();
    next.state = State::InDoubt;
    if open.effect || !open.prior {
        next.quiet_from = Some(context.now);
    }
    next.lease_until = None;
    next.holder = None;
    if let Some(text) = last_error {
        next.last_error = Some(Arc::clone(text));
    }
    next.changed_at = context.wall;
    next
}

fn event(what: &'static str, before: &Record, after: &Record, why: Option<&Arc<str>>) -> Event {
    Event {
        what,
        fence: after.fence,
        by: None,
        why: why.cloned(),
        before: Some(before.state),
        after: Some(after.state),
    }
}
