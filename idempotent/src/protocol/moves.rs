//! What can be asked of a record, and what is answered.

use std::sync::Arc;

use super::state::{Fence, Micros, Process, Record, Seen, State, Token, Value};

/// What a function says about doubt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Policy {
    /// Doubt stays doubt until an operator resolves it.
    Stay,
    /// A hook of the user's finds out what happened.
    Check,
    /// Running again does no harm.
    Rerun,
}

/// Asks for the right to run an attempt.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// Fresh for each logical claim, the same on a retry of the request.
    pub token: Token,
    /// Of the arguments that are neither key nor skipped, and of their names.
    pub fingerprint: [u8; 64],
    /// What to do about doubt.
    pub policy: Policy,
    /// Quiet time of the check; 0 is none.
    pub after: Micros,
    /// Whether the code announces its effect with a marker.
    pub has_marker: bool,
    /// Whether the check is asked before a first attempt, too.
    pub first: bool,
    /// How long the claim lives unrenewed.
    pub lease: Micros,
}

/// Names the claim on whose behalf a holder speaks. Both halves must match.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Held {
    /// The token that the claim was made with.
    pub token: Token,
    /// The fence that the grant carried.
    pub fence: Fence,
}

/// How an attempt ended, as its holder tells it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Resolution {
    /// The effect happened, with this result.
    Done {
        /// The encoded result.
        value: Value,
        /// How long it is kept; `None` is for ever.
        keep: Option<Micros>,
    },
    /// A final failure, to be replayed.
    Failed {
        /// The encoded error.
        error: Value,
        /// Its text, for the operator, should the record end in doubt.
        text: Arc<str>,
        /// How long it is kept; `None` is for ever.
        keep: Option<Micros>,
    },
    /// Nothing happened.
    Free {
        /// The text of the error that ended the attempt.
        last_error: Option<Arc<str>>,
    },
    /// Something may have happened.
    InDoubt {
        /// The text of the error that ended the attempt.
        last_error: Option<Arc<str>>,
    },
}

/// Who acts on a record from outside, on which state of it, and why.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Operator {
    /// What the operator saw; another fence in the record is [`Answer::Stale`], and so is any other change
    /// where the operator says "not done".
    pub seen: Seen,
    /// The operator's name.
    pub by: Arc<str>,
    /// The operator's reason.
    pub why: Arc<str>,
}

/// One move of a record.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Asks for the right to run.
    Claim(Claim),
    /// The check said "certainly did not happen": go on to run the body.
    Proceed {
        /// The claim.
        held: Held,
        /// Whether the code announces its effect.
        has_marker: bool,
        /// The quiet time of this code; the longer of it and the record's counts.
        after: Micros,
        /// How long the claim lives unrenewed.
        lease: Micros,
    },
    /// The effect is about to begin.
    Mark {
        /// The claim.
        held: Held,
        /// How long the claim lives unrenewed.
        lease: Micros,
    },
    /// The holder is alive.
    Renew {
        /// The claim.
        held: Held,
        /// How long the claim lives unrenewed.
        lease: Micros,
    },
    /// The attempt has ended.
    Settle {
        /// The claim.
        held: Held,
        /// How it ended.
        resolution: Resolution,
    },
    /// The answer to a claim was lost, and nobody waits for it any more.
    Abandon {
        /// The token of that claim.
        token: Token,
    },
    /// Evidence for the trail: what a holder that was refused had to say.
    Note {
        /// Whose evidence it is.
        token: Token,
        /// What happened, in words.
        text: Arc<str>,
    },
    /// An operator says that it happened, with this result.
    ResolveDone {
        /// Who, why, and on which fence.
        operator: Operator,
        /// The encoded result.
        value: Value,
    },
    /// An operator says that it did not happen.
    ResolveFree {
        /// Who, why, and on which fence.
        operator: Operator,
    },
    /// An operator takes the claim from an attempt that hangs.
    Revoke {
        /// Who, why, and on which fence.
        operator: Operator,
    },
    /// An operator removes an ending, so that the next call runs.
    Forget {
        /// Who, why, and on which fence.
        operator: Operator,
    },
    /// Housekeeping: removes what is free or expired.
    Sweep {
        /// The fence that the sweeper saw.
        fence: Fence,
    },
}

impl Request {
    /// The request in a word, for logs and measurements.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Request::Claim(_) => "claim",
            Request::Proceed { .. } => "proceed",
            Request::Mark { .. } => "mark",
            Request::Renew { .. } => "renew",
            Request::Settle { .. } => "settle",
            Request::Abandon { .. } => "abandon",
            Request::Note { .. } => "note",
            Request::ResolveDone { .. } => "resolve_done",
            Request::ResolveFree { .. } => "resolve_not_done",
            Request::Revoke { .. } => "revoke",
            Request::Forget { .. } => "forget",
            Request::Sweep { .. } => "sweep",
        }
    }
}

/// What the store knows about the holder of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Liveness {
    /// Only its lease tells.
    ByLease,
    /// Its process lives, whatever the lease says.
    Alive,
    /// Its process is dead, whatever the lease says.
    Dead,
}

/// What a store adds to a request. Only the store decides who is alive and what time it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Context {
    /// The store's steady clock: leases and quiet time.
    pub now: Micros,
    /// The store's wall clock: expiry and the audit. The same as `now` where there is only one.
    pub wall: Micros,
    /// A fence of a new grant is at least this (a sequence or the clock); it always exceeds the record's.
    pub next_fence: u64,
    /// What is known about the process that holds the record.
    pub holder: Liveness,
    /// The process that asks, where the store can see processes live.
    pub process: Option<Process>,
}

/// The right to run an attempt.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Grant {
    /// The fence that every move of this attempt must carry.
    pub fence: Fence,
    /// Which run of the body this is, from 1.
    pub attempt: u32,
    /// The token that began this life of the key.
    pub generation: Token,
    /// Whether an earlier attempt may have acted.
    pub prior: bool,
    /// The text of the last error of an earlier attempt or check.
    pub last_error: Option<Arc<str>>,
}

/// A recorded ending.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Ending {
    /// The result.
    Done(Value),
    /// The final error.
    Failed(Value),
}

/// Why a key is busy.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Busy {
    /// How long the lease still runs unrenewed, in microseconds; 0 where only the process counts.
    pub left: Micros,
    /// The process that holds it, where known.
    pub holder: Option<Process>,
    /// That process as a person would name it (`process 4711 on host`); filled in by the store.
    pub named: Option<Arc<str>>,
    /// The fence of the holder's claim.
    pub fence: Fence,
    /// Which run of the body is under way.
    pub attempt: u32,
}

/// What is known about a doubt.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Doubt {
    /// The fence to show to an operator.
    pub fence: Fence,
    /// The last run of the body.
    pub attempt: u32,
    /// The text of the last error of the body or its check.
    pub last_error: Option<Arc<str>>,
    /// When the record was last written, on the wall clock.
    pub since: Micros,
}

/// A settle that the record has accepted, now or before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Settled {
    /// The state in which the record is: not always the one that was sent.
    pub state: State,
}

/// A holder's move that came too late.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fenced {
    /// The state in which the record is; `None` when there is none.
    pub state: Option<State>,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// Run the body.
    Run(Grant),
    /// Ask the check; a "did not happen" may be believed after `quiet_left` microseconds.
    Check {
        /// The right to ask, and after [`Request::Proceed`] to run.
        grant: Grant,
        /// What is left of the quiet time.
        quiet_left: Micros,
    },
    /// The recorded ending.
    Replay(Ending),
    /// Another attempt holds the key.
    Busy(Busy),
    /// The record belongs to a call with other arguments; its fingerprint.
    KeyReused {
        /// The fingerprint in the record.
        stored: [u8; 64],
    },
    /// Something may have happened, and the caller may not run.
    InDoubt(Doubt),
    /// The record cannot be read. Never the same as absent.
    Unreadable {
        /// What is wrong with it.
        why: Arc<str>,
    },
    /// The request is about a state of the record that is gone.
    Stale,
    /// Accepted.
    Ok,
    /// The quiet time is not over: microseconds left.
    Early {
        /// What is left of it.
        left: Micros,
    },
    /// The claim is no longer this holder's.
    Fenced(Fenced),
    /// The ending is recorded.
    Settled(Settled),
    /// There is no such record.
    NotFound,
}

impl Answer {
    /// The answer in a word, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Answer::Run(_) => "run",
            Answer::Check { .. } => "check",
            Answer::Replay(_) => "replay",
            Answer::Busy(_) => "busy",
            Answer::KeyReused { .. } => "key_reused",
            Answer::InDoubt(_) => "in_doubt",
            Answer::Unreadable { .. } => "unreadable",
            Answer::Stale => "stale",
            Answer::Ok => "ok",
            Answer::Early { .. } => "early",
            Answer::Fenced(_) => "fenced",
            Answer::Settled(_) => "settled",
            Answer::NotFound => "not_found",
        }
    }
}

/// What to do to the stored record.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would allocate at every write")]
pub enum Write {
    /// Nothing: costs the store no commit, unless there is an event.
    Keep,
    /// Store this record in its place.
    Put(Record),
    /// Remove the record.
    Remove,
}

/// An entry of the trail: exceptional events only, written in the move that they tell of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    /// What happened: `taken_over`, `check_did_not_happen`, `recovered`, `in_doubt`, `late_done`,
    /// `late_evidence`, `resolved_done`, `resolved_not_done`, `revoked` or `forgotten`.
    pub what: &'static str,
    /// The fence after the move.
    pub fence: Fence,
    /// Who did it, when it was an operator.
    pub by: Option<Arc<str>>,
    /// The reason, or the text of an error.
    pub why: Option<Arc<str>>,
    /// The state before.
    pub before: Option<State>,
    /// The state after; `None` when the record is gone.
    pub after: Option<State>,
}

/// What [`decide`](super::decide) decided.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Decision {
    /// What to write.
    pub write: Write,
    /// What to add to the trail, in the same commit.
    pub event: Option<Event>,
    /// What to answer once the write is durable.
    pub answer: Answer,
}

impl Decision {
    pub(super) const fn keep(answer: Answer) -> Decision {
        Decision { write: Write::Keep, event: None, answer }
    }

    pub(super) const fn put(record: Record, answer: Answer) -> Decision {
        Decision { write: Write::Put(record), event: None, answer }
    }

    pub(super) fn with(self, event: Option<Event>) -> Decision {
        Decision { event, ..self }
    }
}
