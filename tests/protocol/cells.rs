//! The cells of the table: every record crossed with every request, each with the words that name it.

use std::sync::Arc;

use idempotent::protocol::{
    Claim, Fence, Held, Liveness, Micros, Operator, Policy, Process, Record, Request, Resolution, Seen,
    State, Token, Value,
};

pub(crate) const NOW: Micros = 1_000;
pub(crate) const WALL: Micros = 5_000;
pub(crate) const LEASE: Micros = 300;
pub(crate) const KEEP: Micros = 600;
pub(crate) const HERE: Process = Process([1; 16]);

const OWNER: Token = Token([2; 16]);
const LATE: Token = Token([3; 16]);
const OTHER: Token = Token([4; 16]);
const FENCE: Fence = Fence(7);
/// Quiet time that the record's attempts began under; a request brings a shorter or a longer one.
const AFTER: Micros = 40;
const SHORT: Micros = 10;
const LONG: Micros = 70;

/// One record, how its holder is known, and the words that name it.
pub(crate) struct Known {
    pub(crate) record: Option<Record>,
    pub(crate) holder: Liveness,
    pub(crate) words: Vec<&'static str>,
}

/// One request and the words that name it.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) words: Vec<&'static str>,
}

/// How a cell is named: the words of the record, of the request, and of what they are to each other.
pub(crate) fn words(known: &Known, asked: &Asked) -> Vec<&'static str> {
    let mut words: Vec<_> = known.words.iter().chain(&asked.words).copied().collect();
    let Some(record) = &known.record else {
        return words;
    };
    let (token, fence) = match &asked.request {
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
    let own = token.is_some() && record.owner == token;
    if own {
        words.push("own");
    }
    if own && fence == Some(record.fence) {
        words.push("holder");
    }
    if token.is_some() && record.late == token {
        words.push("late");
    }
    if let Request::ResolveFree { operator } = &asked.request
        && (operator.seen.state, operator.seen.effect, operator.seen.prior)
            != (record.state, record.effect, record.prior)
    {
        words.push("changed");
    }
    if fence.is_some_and(|fence| fence != record.fence) {
        words.push("other_fence");
    }
    words
}

/// Every record: the state, whether effect and prior are set, what is known about its holder, whether the
/// attempts in doubt began under rerun, how long ago quiet time began, and whether an operator was there.
pub(crate) fn records() -> Vec<Known> {
    let mut all = vec![Known { record: None, holder: Liveness::ByLease, words: vec!["absent"] }];
    for owner in [Some(OWNER), None] {
        let free = Record { owner, ..closed(State::Free) };
        all.push(Known { record: Some(free), holder: Liveness::ByLease, words: vec!["free"] });
    }
    for (effect, prior, rerun) in flags() {
        for (quiet_from, quiet) in quiet_times(prior) {
            for (lease_until, holder, life) in [
                (NOW + 500, Liveness::ByLease, &["live"][..]),
                (NOW - 10, Liveness::Alive, &["live"]),
                (NOW - 10, Liveness::ByLease, &["lapsed"]),
                (NOW, Liveness::ByLease, &["lapsed"]),
                (NOW + 500, Liveness::Dead, &["lapsed", "dead"]),
            ] {
                let mut record = open(State::Running, effect, prior, rerun, quiet_from);
                record.lease_until = Some(lease_until);
                record.holder = Some(Process([9; 16]));
                let words = [&["running"], life, quiet, &flag_words(effect, prior, rerun)].concat();
                all.push(Known { record: Some(record), holder, words });
            }
        }
        for (quiet_from, quiet) in quiet_times(true) {
            for owner in [Some(OWNER), None] {
                let record = Record { owner, ..open(State::InDoubt, effect, prior, rerun, quiet_from) };
                let words = [&["in_doubt"][..], quiet, &flag_words(effect, prior, rerun)].concat();
                all.push(Known { record: Some(record), holder: Liveness::ByLease, words });
            }
        }
    }
    for (state, name) in [(State::Done, "done"), (State::Failed, "failed")] {
        for (expires_at, expired) in [(None, &[][..]), (Some(WALL + 1), &[]), (Some(WALL), &["expired"])] {
            let record = Record { expires_at, ..closed(state) };
            let words = [&[name], expired].concat();
            all.push(Known { record: Some(record.clone()), holder: Liveness::ByLease, words: words.clone() });
            if state == State::Done {
                let resolved_by = Some("clara".into());
                let record = Record { owner: None, resolved_by, why: Some("she looked".into()), ..record };
                let words = [&words[..], &["by_operator"]].concat();
                all.push(Known { record: Some(record), holder: Liveness::ByLease, words });
            }
        }
    }
    all
}

fn flags() -> impl Iterator<Item = (bool, bool, bool)> {
    (0..8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0))
}

fn flag_words(effect: bool, prior: bool, rerun: bool) -> Vec<&'static str> {
    [(effect, "effect"), (prior, "prior"), (rerun, "began_rerun")]
        .into_iter()
        .filter_map(|(set, word)| set.then_some(word))
        .collect()
}

/// Under the record's `AFTER` of 40: not over in any case, over unless the request brings a longer one, over.
fn quiet_times(doubt: bool) -> Vec<(Option<Micros>, &'static [&'static str])> {
    if doubt {
        vec![
            (Some(NOW - 10), &["recent"]),
            (Some(NOW - 55), &["between"]),
            (Some(NOW - 70), &["over"]),
            (None, &["over"]),
        ]
    } else {
        vec![(None, &[])]
    }
}

/// An open record carries leftovers that no run produces, so that it shows what a write clears.
fn open(state: State, effect: bool, prior: bool, rerun: bool, quiet_from: Option<Micros>) -> Record {
    Record {
        effect,
        prior,
        late: prior.then_some(LATE),
        rerun,
        after: AFTER,
        quiet_from,
        value: Some(value("left over")),
        error: Some(value("left over")),
        expires_at: Some(WALL),
        resolved_by: Some("nobody".into()),
        why: Some("left over".into()),
        ..closed(state)
    }
}

fn closed(state: State) -> Record {
    Record {
        state,
        fence: FENCE,
        owner: Some(OWNER),
        effect: false,
        prior: false,
        late: None,
        rerun: false,
        after: 0,
        lease_until: None,
        holder: None,
        quiet_from: None,
        attempt: 5,
        generation: Token([6; 16]),
        fingerprint: [7; 64],
        value: (state == State::Done).then(|| value("old")),
        error: (state == State::Failed).then(|| value("old error")),
        expires_at: None,
        resolved_by: None,
        why: None,
        last_error: Some("an old text".into()),
        began_at: 4_000,
        changed_at: 4_500,
    }
}

pub(crate) fn value(text: &str) -> Value {
    Value::Bytes { bytes: Arc::from(text.as_bytes()), codec: "json".into(), version: 1 }
}

/// Every request, from its own holder, from each half of it, from a stranger and from the last attempt that
/// may have acted.
pub(crate) fn requests() -> Vec<Asked> {
    let mut all = claims();
    for held in [
        Held { token: OWNER, fence: FENCE },
        Held { token: OWNER, fence: Fence(6) },
        Held { token: OTHER, fence: FENCE },
        Held { token: OTHER, fence: Fence(6) },
        Held { token: LATE, fence: Fence(6) },
        Held { token: LATE, fence: FENCE },
    ] {
        holder(held, &mut all);
    }
    for token in [OWNER, OTHER, LATE] {
        all.push(Asked { request: Request::Abandon { token }, words: vec!["abandon"] });
        all.push(Asked { request: Request::Note { token, text: "evidence".into() }, words: vec!["note"] });
    }
    for seen in sights() {
        let operator = Operator { seen, by: "ada".into(), why: "she asked".into() };
        for (request, word) in [
            (Request::ResolveDone { operator: operator.clone(), value: value("resolved") }, "resolve_done"),
            (Request::ResolveFree { operator: operator.clone() }, "resolve_free"),
            (Request::Revoke { operator: operator.clone() }, "revoke"),
            (Request::Forget { operator: operator.clone() }, "forget"),
            (Request::Sweep { fence: seen.fence }, "sweep"),
        ] {
            all.push(Asked { request, words: vec![word] });
        }
    }
    all
}

/// What operators may have seen: every state with every mark under the record's own fence, and other fences.
fn sights() -> Vec<Seen> {
    let mut all = Vec::new();
    for state in [State::Free, State::Running, State::InDoubt, State::Done, State::Failed] {
        for (effect, prior) in [(false, false), (true, false), (false, true), (true, true)] {
            all.push(Seen { fence: FENCE, state, effect, prior });
        }
        for fence in [Fence(6), Fence(8)] {
            all.push(Seen { fence, state, effect: true, prior: true });
        }
    }
    all
}

fn claims() -> Vec<Asked> {
    let mut all = Vec::new();
    for (policy, first, policy_words) in [
        (Policy::Stay, false, &["stay"][..]),
        (Policy::Rerun, false, &["rerun"]),
        (Policy::Check, false, &["check"]),
        (Policy::Check, true, &["check", "first"]),
    ] {
        for (has_marker, marker) in [(true, &["marker"][..]), (false, &[])] {
            for token in [OWNER, OTHER, LATE] {
                for (fingerprint, arguments) in [([7; 64], &[][..]), ([8; 64], &["other_arguments"])] {
                    for after in [SHORT, LONG] {
                        let claim =
                            Claim { token, fingerprint, policy, after, has_marker, first, lease: LEASE };
                        let words = [&["claim"], policy_words, marker, arguments].concat();
                        all.push(Asked { request: Request::Claim(claim), words });
                    }
                }
            }
        }
    }
    all
}

fn holder(held: Held, all: &mut Vec<Asked>) {
    for (has_marker, marker) in [(true, &["marker"][..]), (false, &[])] {
        for (after, length) in [(SHORT, "short"), (LONG, "long")] {
            let request = Request::Proceed { held, has_marker, after, lease: LEASE };
            all.push(Asked { request, words: [&["proceed", length], marker].concat() });
        }
    }
    all.push(Asked { request: Request::Mark { held, lease: LEASE }, words: vec!["mark"] });
    all.push(Asked { request: Request::Renew { held, lease: LEASE }, words: vec!["renew"] });
    let mut settle = |resolution, words: &[&'static str]| {
        all.push(Asked { request: Request::Settle { held, resolution }, words: words.to_vec() });
    };
    for keep in [None, Some(KEEP)] {
        settle(Resolution::Done { value: value("new"), keep }, &["settle_done"]);
        let failed = Resolution::Failed { error: value("new error"), text: "a text".into(), keep };
        settle(failed, &["settle_failed"]);
    }
    settle(Resolution::Free { last_error: None }, &["settle_free"]);
    settle(Resolution::Free { last_error: Some("a text".into()) }, &["settle_free", "text"]);
    settle(Resolution::InDoubt { last_error: None }, &["settle_in_doubt"]);
    settle(Resolution::InDoubt { last_error: Some("a text".into()) }, &["settle_in_doubt", "text"]);
}
