//! What the acts share: which records, why not, and the doing.

use idempotent::protocol::{Seen, State};
use idempotent::{Entry, Filter, Operator, OperatorError};

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::meaning::{Meaning, named};
use crate::prefix::{Prefix, short};
use crate::records::Records;

/// What is to be done to records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// It happened, with this result.
    Done(Given),
    NotDone,
    Revoke,
    Forget,
}

/// A result that an operator gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Given {
    pub(crate) json: String,
    /// The schema version of the function's results.
    pub(crate) version: u32,
}

/// A record, as it was when the operator saw it, and whether the act can be done to it.
pub(crate) struct Target {
    pub(crate) entry: Entry,
    pub(crate) may: Result<Seen, Failure>,
}

/// What is to be done, by whom, and to which records: shown before anything happens.
pub(crate) struct Plan {
    pub(crate) act: Act,
    pub(crate) by: String,
    pub(crate) why: String,
    pub(crate) targets: Vec<Target>,
    operator: Operator,
}

impl Act {
    /// What follows, as a plan tells it.
    pub(crate) const fn will(&self) -> &'static str {
        match self {
            Act::Done(_) => "will be recorded as done, and later calls get this result",
            Act::NotDone => "will be recorded as not done: the next call runs",
            Act::Revoke => "will lose its claim: in doubt if its effect may have begun, else free",
            Act::Forget => "will be removed: the next call runs",
        }
    }

    /// What has happened.
    pub(crate) const fn did(&self) -> &'static str {
        match self {
            Act::Done(_) => "resolved as done",
            Act::NotDone => "resolved as not done",
            Act::Revoke => "revoked",
            Act::Forget => "forgotten",
        }
    }

    /// What was seen of the record, or why the store would refuse the act. The store has the last word.
    fn may(&self, entry: &Entry, pinned: Option<Seen>) -> Result<Seen, Failure> {
        let record = match &entry.record {
            Ok(record) => record,
            Err(why) => return Err(Failure::damaged(entry, why)),
        };
        let seen = record.seen();
        if let Some(pinned) = pinned
            && pinned != seen
        {
            return Err(Failure::new(
                Exit::Stale,
                format!("{} is {seen} now, and not {pinned}; nothing was written", named(entry)),
                format!("idempotent show {}", short(&entry.subject.key)),
            ));
        }
        let key = short(&entry.subject.key);
        let meaning = Meaning::of(entry);
        let refuse = |what: &str, next: String| {
            Err(Failure::new(Exit::Refused, format!("{} {what}", named(entry)), next))
        };
        let look = || format!("idempotent show {key}");
        match (self, meaning) {
            (Act::Done(_) | Act::NotDone | Act::Forget, Meaning::Running) => {
                let holder = entry.holder.as_deref().unwrap_or("a living process");
                refuse(
                    &format!("is running: {holder} holds it, and may still act"),
                    format!(
                        "wait for it to end, or stop it and take its claim away first: idempotent revoke {key} --why '..'"
                    ),
                )
            }
            (Act::Done(_), Meaning::Done) if record.resolved_by.is_some() => Ok(seen),
            (Act::Done(_) | Act::NotDone, Meaning::Done | Meaning::Failed) => refuse(
                "has a recorded ending, which nobody changes",
                format!("if its next call should run: idempotent forget {key} --why '..'"),
            ),
            (Act::Done(_) | Act::NotDone, Meaning::Free | Meaning::Expired) => {
                refuse("has nothing to resolve: its next call runs", look())
            }
            (Act::Revoke, _) if record.state != State::Running => refuse("is held by nobody", look()),
            (Act::Forget, Meaning::InDoubt) => refuse(
                "is in doubt",
                format!(
                    "find out whether it happened, then: idempotent resolve {key} --as done --value JSON --why '..', or --as not-done"
                ),
            ),
            (Act::Forget, Meaning::Interrupted) => {
                refuse("has no ending to forget: its next call runs", look())
            }
            (_, Meaning::Unreadable) => Err(Failure::damaged(entry, "")),
            (
                Act::Done(_) | Act::NotDone | Act::Revoke | Act::Forget,
                Meaning::InDoubt
                | Meaning::Interrupted
                | Meaning::Running
                | Meaning::Free
                | Meaning::Done
                | Meaning::Failed
                | Meaning::Expired,
            ) => Ok(seen),
        }
    }
}

impl Plan {
    /// The act on one record.
    pub(crate) fn on_key(
        records: &Records,
        act: Act,
        key: &Prefix,
        who: &args::Act,
    ) -> Result<Plan, Failure> {
        let key = records.find(key)?;
        let entry = records.show(&key)?.entry.ok_or_else(|| Failure::not_found(&key))?;
        let mut plan = Plan::empty(records, act, who)?;
        plan.add(entry, who.seen);
        Ok(plan)
    }

    /// The act on all that the filter finds.
    pub(crate) fn on_filter(
        records: &Records,
        act: Act,
        filter: Filter,
        who: &args::Act,
    ) -> Result<Plan, Failure> {
        let mut plan = Plan::empty(records, act, who)?;
        for page in records.pages(filter) {
            for entry in page? {
                plan.add(entry, None);
            }
        }
        Ok(plan)
    }

    fn empty(records: &Records, act: Act, who: &args::Act) -> Result<Plan, Failure> {
        let by = match &who.by {
            Some(by) => by.clone(),
            None => whoami::username().map_err(|error| {
                Failure::new(Exit::Usage, format!("your user name is not known: {error}"), "add `--by NAME`")
            })?,
        };
        let operator = records.operator(&by, &who.why);
        Ok(Plan { act, by, why: who.why.clone(), targets: Vec::new(), operator })
    }

    fn add(&mut self, entry: Entry, pinned: Option<Seen>) {
        let may = self.act.may(&entry, pinned);
        self.targets.push(Target { entry, may });
    }

    /// How many records the act can be done to.
    pub(crate) fn possible(&self) -> usize {
        self.targets.iter().filter(|target| target.may.is_ok()).count()
    }

    /// Does it, one record after the other, each as it was seen.
    pub(crate) fn carry_out(self) -> impl Iterator<Item = (Entry, Result<(), Failure>)> {
        let Plan { act, targets, operator, .. } = self;
        targets.into_iter().map(move |Target { entry, may }| {
            let done = may.and_then(|seen| {
                act.send(&operator, &entry, seen).map_err(|error| Failure::act(&entry, &error))
            });
            (entry, done)
        })
    }
}

impl Act {
    fn send(&self, operator: &Operator, entry: &Entry, seen: Seen) -> Result<(), OperatorError> {
        let key = &entry.subject.key;
        match self {
            Act::Done(Given { json, version }) => {
                operator.clone().version(*version).resolve_done_json(key, seen, json)
            }
            Act::NotDone => operator.resolve_not_done(key, seen),
            Act::Revoke => operator.revoke(key, seen),
            Act::Forget => operator.forget(key, seen),
        }
        .wait()
    }
}
