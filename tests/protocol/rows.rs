//! The rows of the table: how a line is read, and what its words say must be answered and written.

use std::sync::Arc;

use idempotent::protocol::{
    Answer, Busy, Claim, Context, Doubt, Ending, Event, Fence, Fenced, Grant, Liveness, Micros, Operator,
    Policy, Record, Request, Resolution, Settled, State, Token, Write,
};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) text: &'static str,
    cell: Vec<&'static str>,
    answer: &'static str,
    writes: Vec<&'static str>,
    trail: Option<&'static str>,
}

pub(crate) fn read(table: &'static str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, text) in table.lines().enumerate() {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let columns: Vec<_> = text.split('|').map(str::trim).collect();
        let [cell, answer, writes, trail] = columns[..] else {
            panic!("line {}: four columns, not {}: {text}", number + 1, columns.len());
        };
        rows.push(Row {
            line: number + 1,
            text,
            cell: cell.split_whitespace().collect(),
            answer,
            writes: writes.split_whitespace().filter(|word| *word != "-").collect(),
            trail: (!trail.is_empty()).then_some(trail),
        });
    }
    rows
}

impl Row {
    pub(crate) fn fits(&self, cell: &[&'static str]) -> bool {
        self.cell.iter().all(|wanted| match wanted.strip_prefix('!') {
            Some(unwanted) => !cell.contains(&unwanted),
            None => wanted.split('/').any(|either| cell.contains(&either)),
        })
    }

    /// What the row says must happen in this cell.
    pub(crate) fn expected(
        &self,
        old: Option<&Record>,
        request: &Request,
        context: &Context,
    ) -> (Write, Option<Event>, Answer) {
        let told = Told { old, request, context };
        let write = match self.writes[..] {
            [] => Write::Keep,
            ["removed"] => Write::Remove,
            _ => Write::Put(self.writes.iter().fold(told.blank(), |next, word| told.write(next, word))),
        };
        let after = match &write {
            Write::Put(next) => Some(next),
            Write::Keep => old,
            Write::Remove => None,
        };
        let event = self.trail.map(|what| told.event(what, after));
        (write.clone(), event, told.answer(self.answer, after))
    }
}

/// A cell's record, request and surroundings.
struct Told<'t> {
    old: Option<&'t Record>,
    request: &'t Request,
    context: &'t Context,
}

impl Told<'_> {
    /// The record that the words of a write start from: the old one, or an empty one that `new` fills.
    fn blank(&self) -> Record {
        self.old.cloned().unwrap_or(Record {
            state: State::Free,
            fence: Fence(0),
            owner: None,
            effect: false,
            prior: false,
            late: None,
            rerun: false,
            after: 0,
            lease_until: None,
            holder: None,
            quiet_from: None,
            attempt: 0,
            generation: Token([0; 16]),
            fingerprint: [0; 64],
            value: None,
            error: None,
            expires_at: None,
            resolved_by: None,
            why: None,
            last_error: None,
            began_at: 0,
            changed_at: 0,
        })
    }

    fn write(&self, mut next: Record, word: &str) -> Record {
        let context = self.context;
        if word != "lease" {
            next.changed_at = context.wall;
        }
        match word {
            "new" => assert!(self.old.is_none(), "`new` is for absent records"),
            "grant" => {
                let claim = self.claim();
                next.state = State::Running;
                next.fence = self.next_fence();
                next.owner = Some(claim.token);
                next.late = None;
                next.quiet_from = None;
                next.value = None;
                next.error = None;
                next.expires_at = None;
                next.resolved_by = None;
                next.why = None;
                next = self.write(next, "lease");
            }
            "life" => {
                next.generation = self.claim().token;
                next.fingerprint = self.claim().fingerprint;
                next.attempt = 1;
                next.last_error = None;
                next.began_at = context.wall;
            }
            "arguments" => next.fingerprint = self.claim().fingerprint,
            "attempt+1" => next.attempt += 1,
            "lease" => {
                next.lease_until = Some(context.now + self.lease());
                next.holder = context.process;
            }
            "prior=yes" => next.prior = true,
            "prior=no" => next.prior = false,
            "effect=yes" => next.effect = true,
            "effect=no" => next.effect = false,
            "effect=!marker" => next.effect = !self.has_marker(),
            "rerun=policy" => next.rerun = self.claim().policy == Policy::Rerun,
            "rerun=no" => next.rerun = false,
            "after=mine" => next.after = self.after(),
            "after=longer" => next.after = next.after.max(self.after()),
            "quiet=now" => next.quiet_from = Some(context.now),
            "quiet=lease" => next.quiet_from = self.old.and_then(|old| old.lease_until),
            "quiet=kept" => next.quiet_from = self.old.and_then(|old| old.quiet_from),
            "quiet=none" => next.quiet_from = None,
            "late=owner" => next.late = self.old.and_then(|old| old.owner),
            "late=kept" => next.late = self.old.and_then(|old| old.late),
            "late=none" => next.late = None,
            "in_doubt" => {
                next.state = State::InDoubt;
                next.lease_until = None;
                next.holder = None;
            }
            "free" | "failed" | "done" | "done_by_operator" | "free_by_operator" => {
                next = self.end(next, word);
            }
            "error_text" => next.last_error = Some("a text".into()),
            "expiry=kept" => next.expires_at = self.old.and_then(|old| old.expires_at),
            "operator" => {
                next.fence = self.next_fence();
                next.owner = None;
            }
            _ => panic!("`{word}` is no word for a write"),
        }
        next
    }

    /// Done, failed and free clear all that only an open record has.
    fn end(&self, mut next: Record, word: &str) -> Record {
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
        if let Request::Settle { held, resolution } = self.request {
            match resolution {
                Resolution::Done { value, keep } => {
                    next.owner = Some(held.token);
                    next.value = Some(value.clone());
                    next.expires_at = keep.map(|keep| self.context.wall + keep);
                }
                Resolution::Failed { error, keep, .. } => {
                    next.error = Some(error.clone());
                    next.expires_at = keep.map(|keep| self.context.wall + keep);
                }
                Resolution::Free { .. } | Resolution::InDoubt { .. } => {}
            }
        }
        if word.ends_with("_by_operator") {
            next = self.write(next, "operator");
            next.resolved_by = Some(Arc::clone(&self.operator().by));
            next.why = Some(Arc::clone(&self.operator().why));
        }
        if let Request::ResolveDone { value, .. } = self.request {
            next.value = Some(value.clone());
        }
        next.state = match word {
            "done" | "done_by_operator" => State::Done,
            "failed" => State::Failed,
            _ => State::Free,
        };
        next
    }

    fn answer(&self, word: &str, after: Option<&Record>) -> Answer {
        match word {
            "Ok" => Answer::Ok,
            "Stale" => Answer::Stale,
            "NotFound" => Answer::NotFound,
            "Fenced" => Answer::Fenced(Fenced { state: self.old.map(|old| old.state) }),
            "Settled" => Answer::Settled(Settled { state: present(after).state }),
            "KeyReused" => Answer::KeyReused { stored: present(self.old).fingerprint },
            "Run" => Answer::Run(grant(present(after))),
            "Check" => {
                Answer::Check { grant: grant(present(after)), quiet_left: self.quiet_left(present(after)) }
            }
            "Early" => Answer::Early { left: self.quiet_left(present(self.old)) },
            "Replay" => {
                let old = present(self.old);
                Answer::Replay(match (&old.value, &old.error) {
                    (Some(value), None) => Ending::Done(value.clone()),
                    (None, Some(error)) => Ending::Failed(error.clone()),
                    _ => panic!("an ended record has a value or an error"),
                })
            }
            "Busy" => {
                let old = present(self.old);
                let by_lease = self.context.holder == Liveness::ByLease;
                let left = old.lease_until.filter(|_| by_lease).map_or(0, |until| until - self.context.now);
                let Record { holder, fence, attempt, .. } = *old;
                Answer::Busy(Busy { left: left.max(0), holder, named: None, fence, attempt })
            }
            "InDoubt" => {
                let old = present(self.old);
                let Record { fence, attempt, changed_at: since, .. } = *old;
                Answer::InDoubt(Doubt { fence, attempt, last_error: old.last_error.clone(), since })
            }
            _ => panic!("`{word}` is no answer"),
        }
    }

    fn event(&self, what: &'static str, after: Option<&Record>) -> Event {
        let (by, why) = match self.request {
            Request::Claim(_) => {
                let from = self.old.and_then(|old| old.owner);
                (None, from.map(|token| format!("from claim {token}").into()))
            }
            Request::Settle { resolution: Resolution::Failed { text, .. }, .. } => {
                (None, Some(Arc::clone(text)))
            }
            Request::Settle {
                resolution: Resolution::Free { last_error } | Resolution::InDoubt { last_error },
                ..
            } => (None, last_error.clone()),
            Request::Note { text, .. } => (None, Some(Arc::clone(text))),
            Request::ResolveDone { operator, .. }
            | Request::ResolveFree { operator }
            | Request::Revoke { operator }
            | Request::Forget { operator } => (Some(operator.by.clone()), Some(operator.why.clone())),
            _ => (None, None),
        };
        let fence = after.or(self.old).map_or(Fence(0), |record| record.fence);
        let before = self.old.map(|old| old.state);
        Event { what, fence, by, why, before, after: after.map(|after| after.state) }
    }

    /// What is left of the quiet time, by the longer of the record's and the request's.
    fn quiet_left(&self, record: &Record) -> Micros {
        let longer = record.after.max(self.after());
        record.quiet_from.map_or(0, |from| (from + longer - self.context.now).max(0))
    }

    fn next_fence(&self) -> Fence {
        Fence(self.old.map_or(0, |old| old.fence.0 + 1).max(self.context.next_fence))
    }

    fn claim(&self) -> &Claim {
        let Request::Claim(claim) = self.request else { panic!("{:?} is no claim", self.request) };
        claim
    }

    fn operator(&self) -> &Operator {
        match self.request {
            Request::ResolveDone { operator, .. }
            | Request::ResolveFree { operator }
            | Request::Revoke { operator }
            | Request::Forget { operator } => operator,
            _ => panic!("{:?} is no operator's", self.request),
        }
    }

    fn has_marker(&self) -> bool {
        match self.request {
            Request::Claim(claim) => claim.has_marker,
            Request::Proceed { has_marker, .. } => *has_marker,
            _ => panic!("{:?} says nothing about a marker", self.request),
        }
    }

    fn after(&self) -> Micros {
        match self.request {
            Request::Claim(claim) => claim.after,
            Request::Proceed { after, .. } => *after,
            _ => panic!("{:?} says nothing about quiet time", self.request),
        }
    }

    fn lease(&self) -> Micros {
        match self.request {
            Request::Claim(claim) => claim.lease,
            Request::Proceed { lease, .. } | Request::Mark { lease, .. } | Request::Renew { lease, .. } => {
                *lease
            }
            _ => panic!("{:?} renews no lease", self.request),
        }
    }
}

fn present(record: Option<&Record>) -> &Record {
    record.expect("this answer is about a record")
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
