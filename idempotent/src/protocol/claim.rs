//! The row `claim` of the table.

use super::decide::status;
use super::moves::{Answer, Busy, Claim, Context, Decision, Doubt, Ending, Event, Grant, Liveness, Policy};
use super::state::{Fence, Micros, Record, State, Status, Token};

pub(super) fn claim(record: Option<&Record>, asked: &Claim, context: &Context) -> Decision {
    let Some(record) = record else {
        return begin(None, asked, context);
    };
    let status = status(record, context);
    if record.owner == Some(asked.token) {
        return again(record, status, asked, context);
    }
    match status {
        Status::Expired | Status::Free | Status::LapsedClean => begin(Some((record, status)), asked, context),
        Status::Live | Status::Doubt | Status::Ended if record.fingerprint != asked.fingerprint => {
            Decision::keep(Answer::KeyReused { stored: record.fingerprint })
        }
        Status::Ended => Decision::keep(replay(record)),
        Status::Live => Decision::keep(Answer::Busy(busy(record, context))),
        Status::Doubt => match asked.policy {
            Policy::Stay => Decision::keep(Answer::InDoubt(doubt(record))),
            Policy::Rerun if !record.rerun => Decision::keep(Answer::InDoubt(doubt(record))),
            Policy::Rerun => rerun(record, asked, context),
            Policy::Check => check(record, asked, context),
        },
    }
}

/// The same claim once more: its answer was lost, or a copy of it arrives late.
fn again(record: &Record, status: Status, asked: &Claim, context: &Context) -> Decision {
    match record.state {
        State::Running => {
            let mut next = record.clone();
            lease(&mut next, asked.lease, context);
            let asks = asked.policy == Policy::Check
                && !record.effect_of_body(asked)
                && (record.prior || asked.first);
            let grant = grant(&next);
            let answer = if asks {
                Answer::Check { grant, quiet_left: quiet_left(&next, asked.after, context) }
            } else {
                Answer::Run(grant)
            };
            Decision::put(next, answer)
        }
        State::Done | State::Failed if status == Status::Expired => Decision::keep(Answer::Stale),
        State::Done | State::Failed => Decision::keep(replay(record)),
        State::Free => Decision::keep(Answer::Stale),
        State::InDoubt => Decision::keep(Answer::InDoubt(doubt(record))),
    }
}

impl Record {
    /// Whether the effect flag says more than the claim itself wrote, so that the body has begun.
    fn effect_of_body(&self, asked: &Claim) -> bool {
        if self.prior { self.effect } else { self.effect && asked.has_marker }
    }
}

/// A first attempt, or one after attempts that certainly did nothing.
fn begin(found: Option<(&Record, Status)>, asked: &Claim, context: &Context) -> Decision {
    let life = match found {
        Some((old, Status::Free | Status::LapsedClean)) => Some(old),
        Some((_, Status::Expired | Status::Live | Status::Doubt | Status::Ended)) | None => None,
    };
    let mut next = Record {
        state: State::Running,
        fence: next_fence(found.map(|(old, _)| old.fence), context),
        owner: Some(asked.token),
        effect: !asked.has_marker,
        prior: false,
        late: None,
        rerun: asked.policy == Policy::Rerun,
        after: asked.after,
        lease_until: None,
        holder: None,
        quiet_from: None,
        attempt: life.map_or(1, |old| old.attempt.saturating_add(1)),
        generation: life.map_or(asked.token, |old| old.generation),
        fingerprint: asked.fingerprint,
        value: None,
        error: None,
        expires_at: None,
        resolved_by: None,
        why: None,
        last_error: life.and_then(|old| old.last_error.clone()),
        began_at: life.map_or(context.wall, |old| old.began_at),
        changed_at: context.wall,
    };
    lease(&mut next, asked.lease, context);
    let event = match found {
        Some((old, Status::LapsedClean)) => Some(taken_over(old, &next)),
        Some((_, Status::Free | Status::Expired | Status::Live | Status::Doubt | Status::Ended)) | None => {
            None
        }
    };
    let grant = grant(&next);
    let answer = if asked.first { Answer::Check { grant, quiet_left: 0 } } else { Answer::Run(grant) };
    Decision::put(next, answer).with(event)
}

/// Doubt under a policy that lets the body run again.
fn rerun(record: &Record, asked: &Claim, context: &Context) -> Decision {
    let mut next = take_over(record, asked, context);
    next.effect = !asked.has_marker;
    next.attempt = record.attempt.saturating_add(1);
    next.after = record.after.max(asked.after);
    let event = taken_over(record, &next);
    let answer = Answer::Run(grant(&next));
    Decision::put(next, answer).with(Some(event))
}

/// Doubt under a policy that asks first. Attempt, `rerun` and `after` stay those of the attempts in doubt.
fn check(record: &Record, asked: &Claim, context: &Context) -> Decision {
    let mut next = take_over(record, asked, context);
    next.effect = false;
    let event = taken_over(record, &next);
    let answer = Answer::Check { grant: grant(&next), quiet_left: quiet_left(&next, asked.after, context) };
    Decision::put(next, answer).with(Some(event))
}

fn take_over(record: &Record, asked: &Claim, context: &Context) -> Record {
    let mut next = record.clone();
    next.state = State::Running;
    next.fence = next_fence(Some(record.fence), context);
    next.owner = Some(asked.token);
    next.late = if record.acted() { record.owner } else { record.late };
    next.quiet_from = quiet_from(record, context);
    next.prior = true;
    next.value = None;
    next.error = None;
    next.expires_at = None;
    next.resolved_by = None;
    next.why = None;
    next.changed_at = context.wall;
    lease(&mut next, asked.lease, context);
    next
}

/// The last moment at which the attempts in doubt can have sent anything. For one that died unseen that is
/// the end of its lease and never its mark; where the store knows the process to be dead it is now.
fn quiet_from(record: &Record, context: &Context) -> Option<Micros> {
    if !record.effect {
        return record.quiet_from;
    }
    match (record.state, context.holder) {
        (State::Running, Liveness::Dead) => Some(context.now),
        (State::Running, Liveness::ByLease | Liveness::Alive) => record.lease_until,
        (State::InDoubt | State::Free | State::Done | State::Failed, _) => record.quiet_from,
    }
}

/// How long a "did not happen" may not be believed yet, by the longer of both quiet times.
pub(super) fn quiet_left(record: &Record, after: Micros, context: &Context) -> Micros {
    match record.quiet_from {
        Some(from) => (from.saturating_add(record.after.max(after)).saturating_sub(context.now)).max(0),
        None => 0,
    }
}

/// Renews the lease and names the process that holds it.
pub(super) fn lease(record: &mut Record, lease: Micros, context: &Context) {
    record.lease_until = Some(context.now.saturating_add(lease));
    record.holder = context.process;
}

/// The next fence: beyond the record's, and never below what the store hands out.
pub(super) fn next_fence(old: Option<Fence>, context: &Context) -> Fence {
    Fence(old.map_or(0, |Fence(old)| old.saturating_add(1)).max(context.next_fence))
}

pub(super) fn busy(record: &Record, context: &Context) -> Busy {
    let left = match context.holder {
        Liveness::ByLease => record.lease_until.map_or(0, |until| (until - context.now).max(0)),
        Liveness::Alive | Liveness::Dead => 0,
    };
    Busy { left, holder: record.holder, named: None, fence: record.fence, attempt: record.attempt }
}

pub(super) fn doubt(record: &Record) -> Doubt {
    Doubt {
        fence: record.fence,
        attempt: record.attempt,
        last_error: record.last_error.clone(),
        since: record.changed_at,
    }
}

fn grant(record: &Record) -> Grant {
    Grant {
        fence: record.fence,
        attempt: record.attempt,
        generation: record.generation,
        prior: record.prior,
        last_error: record.last_error.clone(),
    }
}

fn taken_over(old: &Record, next: &Record) -> Event {
    Event {
        what: "taken_over",
        fence: next.fence,
        by: None,
        why: old.owner.map(|Token(token)| format!("from claim {}", Token(token)).into()),
        before: Some(old.state),
        after: Some(next.state),
    }
}

/// The recorded ending. A record that is done or failed always carries its value: it is set where the state
/// is, and a store that reads a row without it answers unreadable.
fn replay(record: &Record) -> Answer {
    let ending = match record.state {
        State::Failed => record.error.clone().map(Ending::Failed),
        State::Done | State::Free | State::Running | State::InDoubt => record.value.clone().map(Ending::Done),
    };
    match ending {
        Some(ending) => Answer::Replay(ending),
        None => Answer::Unreadable { why: "the record has ended but carries no value".into() },
    }
}
