//! The cells of the protocol's table that sequences meet: whose move, on what, with which answer.

use std::collections::{BTreeMap, BTreeSet};

use idempotent::protocol::{
    Answer, Context, Policy, Record, Request, Resolution, State, Status, decide, status,
};

use crate::table;

/// A move, whose it is, what it meets, and the answer.
pub(crate) type Cell = (&'static str, &'static str, &'static str, &'static str);

/// Cells of a record whose owner is also its `late`: a late copy of a claim came after the claim was taken over, and was
/// granted anew. The word of its first attempt is still true. The protocol's table has no such record.
const SECOND_GRANTS: [Cell; 3] = [
    ("settle done", "its own by an old fence", "live, over doubt", "Settled"),
    ("settle done", "its own by an old fence", "lapsed in doubt", "Settled"),
    ("settle done", "its own by an old fence", "in doubt", "Settled"),
];

/// How often each cell was met.
#[derive(Default)]
pub(crate) struct Met(pub(crate) BTreeMap<Cell, usize>);

impl Met {
    pub(crate) fn count(
        &mut self,
        record: Option<&Record>,
        request: &Request,
        context: &Context,
        answer: &Answer,
    ) {
        *self.0.entry(cell(record, request, context, answer)).or_default() += 1;
    }

    /// Those of a list that were never met.
    pub(crate) fn missed(&self, possible: &BTreeSet<Cell>) -> Vec<Cell> {
        possible.iter().filter(|cell| !self.0.contains_key(*cell)).copied().collect()
    }

    /// Those that the protocol's table does not have.
    pub(crate) fn unknown(&self, possible: &BTreeSet<Cell>) -> Vec<Cell> {
        let known = |cell: &Cell| possible.contains(cell) || SECOND_GRANTS.contains(cell);
        self.0.keys().filter(|cell| !known(cell)).copied().collect()
    }

    pub(crate) fn add(&mut self, other: &Met) {
        other.0.iter().for_each(|(cell, times)| *self.0.entry(*cell).or_default() += times);
    }
}

fn cell(record: Option<&Record>, request: &Request, context: &Context, answer: &Answer) -> Cell {
    (of(request), whose(record, request), on(record, context), named(answer))
}

/// Every cell that the protocol has: all records crossed with all requests, those included that no run can produce.
pub(crate) fn possible() -> BTreeSet<Cell> {
    let mut all = BTreeSet::new();
    for known in table::records() {
        for asked in table::requests() {
            let record = known.record.as_ref();
            let context = Context {
                now: table::NOW,
                wall: table::WALL,
                next_fence: 50,
                holder: known.holder,
                process: Some(table::HERE),
            };
            let answer = decide(record, &asked.request, &context).answer;
            all.insert(cell(record, &asked.request, &context, &answer));
        }
    }
    all
}

fn of(request: &Request) -> &'static str {
    match request {
        Request::Claim(claim) => match (claim.policy, claim.first) {
            (Policy::Stay, _) => "claim",
            (Policy::Check, false) => "claim, check",
            (Policy::Check, true) => "claim, check first",
            (Policy::Rerun, _) => "claim, rerun",
        },
        Request::Proceed { .. } => "proceed",
        Request::Mark { .. } => "mark",
        Request::Renew { .. } => "renew",
        Request::Settle { resolution, .. } => match resolution {
            Resolution::Done { .. } => "settle done",
            Resolution::Failed { .. } => "settle failed",
            Resolution::Free { .. } => "settle free",
            Resolution::InDoubt { .. } => "settle in doubt",
        },
        Request::Abandon { .. } => "abandon",
        Request::Note { .. } => "note",
        Request::ResolveDone { .. } => "resolve done",
        Request::ResolveFree { .. } => "resolve not done",
        Request::Revoke { .. } => "revoke",
        Request::Forget { .. } => "forget",
        Request::Sweep { .. } => "sweep",
    }
}

/// Whether it is the owner's token and the record's fence, as far as the request has them.
fn whose(record: Option<&Record>, request: &Request) -> &'static str {
    let Some(record) = record else { return "" };
    let (token, fence) = match request {
        Request::Claim(claim) => (Some(claim.token), None),
        Request::Proceed { held, .. }
        | Request::Mark { held, .. }
        | Request::Renew { held, .. }
        | Request::Settle { held, .. } => (Some(held.token), Some(held.fence)),
        Request::Abandon { token } | Request::Note { token, .. } => (Some(*token), None),
        Request::ResolveDone { operator, .. }
        | Request::ResolveFree { operator }
        | Request::Revoke { operator }
        | Request::Forget { operator } => (None, Some(operator.seen.fence)),
        Request::Sweep { fence } => (None, Some(*fence)),
    };
    match (
        token.is_none_or(|token| record.owner == Some(token)),
        fence.is_none_or(|fence| record.fence == fence),
    ) {
        (true, true) => "its own",
        (true, false) => "its own by an old fence",
        (false, true) => "a stranger's",
        (false, false) => "a stranger's by an old fence",
    }
}

fn on(record: Option<&Record>, context: &Context) -> &'static str {
    let Some(record) = record else { return "absent" };
    match (status(record, context), record.state) {
        (Status::Free, _) => "free",
        (Status::Live, _) if record.prior => "live, over doubt",
        (Status::Live, _) => "live",
        (Status::LapsedClean, _) => "lapsed",
        (Status::Doubt, State::InDoubt) => "in doubt",
        (Status::Doubt, _) => "lapsed in doubt",
        (Status::Ended, State::Failed) => "failed",
        (Status::Ended, _) => "done",
        (Status::Expired, _) => "expired",
    }
}

fn named(answer: &Answer) -> &'static str {
    match answer {
        Answer::Run(_) => "Run",
        Answer::Check { .. } => "Check",
        Answer::Replay(_) => "Replay",
        Answer::Busy(_) => "Busy",
        Answer::KeyReused { .. } => "KeyReused",
        Answer::InDoubt(_) => "InDoubt",
        Answer::Unreadable { .. } => "Unreadable",
        Answer::Stale => "Stale",
        Answer::Ok => "Ok",
        Answer::Early { .. } => "Early",
        Answer::Fenced(_) => "Fenced",
        Answer::Settled(_) => "Settled",
        Answer::NotFound => "NotFound",
    }
}
