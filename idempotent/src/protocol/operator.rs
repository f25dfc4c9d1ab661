//! The operator's rows of the table, and housekeeping.

use std::sync::Arc;

use super::claim::{busy, doubt, next_fence};
use super::decide::status;
use super::holder::closed;
use super::moves::{Answer, Context, Decision, Event, Operator, Write};
use super::state::{Fence, Record, State, Status, Value};

/// The record as this operator saw it: `Err` holds the answer if there is none, or another by now.
fn seen<'r>(
    record: Option<&'r Record>,
    fence: Fence,
    absent: Answer,
    context: &Context,
) -> Result<(&'r Record, Status), Answer> {
    match record {
        None => Err(absent),
        Some(record) if record.fence != fence => Err(Answer::Stale),
        Some(record) => Ok((record, status(record, context))),
    }
}

fn stale() -> Decision {
    Decision::keep(Answer::Stale)
}

pub(super) fn resolve_done(
    record: Option<&Record>,
    operator: &Operator,
    value: &Value,
    context: &Context,
) -> Decision {
    let (record, status) = match seen(record, operator.seen.fence, Answer::NotFound, context) {
        Ok(seen) => seen,
        Err(answer) => return Decision::keep(answer),
    };
    let replaces = match status {
        Status::Free | Status::Expired => return stale(),
        Status::Live => return Decision::keep(Answer::Busy(busy(record, context))),
        Status::LapsedClean | Status::Doubt => false,
        // Only an operator's own value may be corrected: nobody's recorded result changes.
        Status::Ended if record.state == State::Done && record.resolved_by.is_some() => true,
        Status::Ended => return stale(),
    };
    let mut next = closed(record, State::Done, context);
    next.value = Some(value.clone());
    if replaces {
        next.expires_at = record.expires_at;
    }
    next.resolved_by = Some(Arc::clone(&operator.by));
    next.why = Some(Arc::clone(&operator.why));
    acted("resolved_done", record, next, operator, context)
}

pub(super) fn resolve_free(record: Option<&Record>, operator: &Operator, context: &Context) -> Decision {
    let (record, status) = match seen(record, operator.seen.fence, Answer::NotFound, context) {
        Ok(seen) => seen,
        Err(answer) => return Decision::keep(answer),
    };
    // The fence is not all that counts here: an attempt that had lapsed may have gone on, marked and acted
    // under it since the operator looked.
    if record.seen() != operator.seen {
        return stale();
    }
    match status {
        Status::Free | Status::Expired | Status::Ended => stale(),
        Status::Live => Decision::keep(Answer::Busy(busy(record, context))),
        Status::LapsedClean | Status::Doubt => {
            let mut next = closed(record, State::Free, context);
            next.resolved_by = Some(Arc::clone(&operator.by));
            next.why = Some(Arc::clone(&operator.why));
            acted("resolved_not_done", record, next, operator, context)
        }
    }
}

pub(super) fn revoke(record: Option<&Record>, operator: &Operator, context: &Context) -> Decision {
    let (record, status) = match seen(record, operator.seen.fence, Answer::NotFound, context) {
        Ok(seen) => seen,
        Err(answer) => return Decision::keep(answer),
    };
    match (status, record.state) {
        (Status::Live | Status::LapsedClean | Status::Doubt, State::Running) => {
            let next = if record.doubt() {
                let mut next = record.clone();
                next.state = State::InDoubt;
                if record.effect {
                    next.quiet_from = Some(context.now);
                }
                next.lease_until = None;
                next.holder = None;
                next.changed_at = context.wall;
                next
            } else {
                closed(record, State::Free, context)
            };
            acted("revoked", record, next, operator, context)
        }
        (
            Status::Free
            | Status::Live
            | Status::LapsedClean
            | Status::Doubt
            | Status::Ended
            | Status::Expired,
            State::Free | State::Running | State::Done | State::Failed | State::InDoubt,
        ) => stale(),
    }
}

pub(super) fn forget(record: Option<&Record>, operator: &Operator, context: &Context) -> Decision {
    let (record, status) = match seen(record, operator.seen.fence, Answer::Ok, context) {
        Ok(seen) => seen,
        Err(answer) => return Decision::keep(answer),
    };
    match status {
        Status::Free | Status::Ended | Status::Expired => Decision {
            write: Write::Remove,
            event: Some(Event {
                what: "forgotten",
                fence: record.fence,
                by: Some(Arc::clone(&operator.by)),
                why: Some(Arc::clone(&operator.why)),
                before: Some(record.state),
                after: None,
            }),
            answer: Answer::Ok,
        },
        Status::Live | Status::LapsedClean => Decision::keep(Answer::Busy(busy(record, context))),
        Status::Doubt => Decision::keep(Answer::InDoubt(doubt(record))),
    }
}

pub(super) fn sweep(record: Option<&Record>, fence: Fence, context: &Context) -> Decision {
    let (_, status) = match seen(record, fence, Answer::Ok, context) {
        Ok(seen) => seen,
        Err(answer) => return Decision::keep(answer),
    };
    match status {
        Status::Free | Status::LapsedClean | Status::Expired => {
            Decision { write: Write::Remove, event: None, answer: Answer::Ok }
        }
        Status::Live | Status::Doubt | Status::Ended => Decision::keep(Answer::Ok),
    }
}

/// Every operator's write takes the next fence and clears the owner, so that a late holder and another
/// operator both learn of it.
fn acted(
    what: &'static str,
    before: &Record,
    mut next: Record,
    operator: &Operator,
    context: &Context,
) -> Decision {
    next.fence = next_fence(Some(before.fence), context);
    next.owner = None;
    let event = Event {
        what,
        fence: next.fence,
        by: Some(Arc::clone(&operator.by)),
        why: Some(Arc::clone(&operator.why)),
        before: Some(before.state),
        after: Some(next.state),
    };
    Decision::put(next, Answer::Ok).with(Some(event))
}
