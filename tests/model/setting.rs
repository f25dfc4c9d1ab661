//! What a search is about: who calls with which version of the code, which faults there are, and which one rule
//! is taken away.

use idempotent::protocol::Policy;

/// How an attempt ends, as it tells the store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Outcome {
    /// With this result.
    Done(u8),
    /// A final failure of the attempt of this claim.
    Failed(u8),
    Free,
    InDoubt,
}

/// One version of the code. Times are in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) policy: Policy,
    pub(crate) marker: bool,
    pub(crate) first: bool,
    pub(crate) after: u8,
    /// Stands for the arguments outside the key.
    pub(crate) payload: u8,
    /// What its `on_err` says when the outside world refused the effect for certain.
    pub(crate) refused: Refused,
    /// Whether its endings expire.
    pub(crate) keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    Doubt,
    Release,
    Store,
}

pub(crate) const fn stay() -> Program {
    Program {
        policy: Policy::Stay,
        marker: true,
        first: false,
        after: 0,
        payload: 1,
        refused: Refused::Doubt,
        keep: false,
    }
}

pub(crate) const fn check(after: u8) -> Program {
    Program { policy: Policy::Check, after, ..stay() }
}

pub(crate) const fn rerun() -> Program {
    Program { policy: Policy::Rerun, ..stay() }
}

impl Program {
    pub(crate) const fn unmarked(self) -> Program {
        Program { marker: false, ..self }
    }
    pub(crate) const fn first(self) -> Program {
        Program { first: true, ..self }
    }
    pub(crate) const fn payload(self, payload: u8) -> Program {
        Program { payload, ..self }
    }
    pub(crate) const fn refused(self, refused: Refused) -> Program {
        Program { refused, ..self }
    }
    pub(crate) const fn expires(self) -> Program {
        Program { keep: true, ..self }
    }
}

/// What an operator may do in a setting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Verb {
    Done,
    NotDone,
    Revoke,
    Forget,
}

/// The rules of the protocol that a search may take away, one at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    ClaimRetryByToken,
    SettleAgainAfterDone,
    TokenBesideFence,
    FenceBesideToken,
    EffectAtClaim,
    Prior,
    DurableProceed,
    ProceedRefusedOnceMarked,
    DoubtNeverOverwritesDone,
    OperatorsCarryTheFence,
    OperatorsClearTheOwner,
    NoneOnlyAfterQuiet,
    NoneAskedAfterQuiet,
    QuietFromLeaseEnd,
    FreshTokenPerClaim,
    SweepSparesDoubt,
    LapsedCleanBeforeKeyReused,
    StaleForLateCopies,
    FailedWithPriorIsDoubt,
    Latch,
    RerunIsTheAttempts,
    ProceedClearsRerun,
    LongerAfterCounts,
    LateForDoneOnly,
    OperatorsTakeTheNextFence,
    MarkLooksAtTheLockFile,
    ProceedLooksAtTheLockFile,
    LateAnswerOfAMark,
    LateAnswerOfAProceed,
    FreezeEndsWithTheLease,
    OperatorsCarryTheDoubt,
    FirstNoneIsDurableWithoutAMarker,
}

#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The versions of the code that each worker calls with, one call after the other.
    pub(crate) workers: Vec<Vec<Program>>,
    /// One rule that is taken away.
    pub(crate) off: Option<Rule>,
    pub(crate) lease: u8,
    /// How long a sent effect may take to show, where the code that sent it names no quiet time; none: any time.
    pub(crate) flight: Option<u8>,
    /// Processes die at any point.
    pub(crate) crashes: bool,
    /// Answers get lost, and the caller retries.
    pub(crate) lost: bool,
    /// Callers give up, or are dropped, and hand what they hold to the keeper.
    pub(crate) drops: bool,
    /// How many copies of requests may stay on the way and arrive at any later time.
    pub(crate) copies: u8,
    /// Whether an attempt may be frozen, between its mark and its request, beyond its lease.
    pub(crate) frozen: bool,
    /// Holders renew.
    pub(crate) renew: bool,
    /// The world may refuse the effect for certain.
    pub(crate) refusals: bool,
    pub(crate) sweeps: u8,
    pub(crate) operators: Vec<Vec<Verb>>,
    /// A store that takes fences from the record alone, so that they start again after a sweep.
    pub(crate) fences_restart: bool,
    /// Holders are known by lock files, and this many files may be lost.
    pub(crate) locks: Option<u8>,
    /// A caller that, when its settle is dropped, reports doubt instead of the outcome.
    pub(crate) careless_drop: bool,
    /// Whether doubt must have a cause here: nobody dies or sweeps in this setting.
    pub(crate) no_needless_doubt: bool,
}

impl Setting {
    /// A setting without faults; each worker calls once.
    pub(crate) fn of(programs: &[Program]) -> Setting {
        Setting {
            workers: programs.iter().map(|program| vec![*program]).collect(),
            off: None,
            lease: 1,
            flight: None,
            crashes: false,
            lost: false,
            drops: false,
            copies: 0,
            frozen: true,
            renew: false,
            refusals: false,
            sweeps: 0,
            operators: Vec::new(),
            fences_restart: false,
            locks: None,
            careless_drop: false,
            no_needless_doubt: false,
        }
    }

    pub(crate) fn without(&self, rule: Rule) -> Setting {
        Setting { off: Some(rule), ..self.clone() }
    }

    pub(crate) fn is_off(&self, rule: Rule) -> bool {
        self.off == Some(rule)
    }

    /// The program of a claim: claims are numbered 1, 2, 3 for the first worker, 5, 6, 7 for the second.
    pub(crate) fn program(&self, claim: u8) -> Program {
        let claim = usize::from(claim - 1);
        self.workers[claim / 4][claim % 4]
    }

    /// How long an effect that this claim's attempt has sent may take to show.
    pub(crate) fn flight(&self, claim: u8) -> Option<u8> {
        let program = self.program(claim);
        if program.policy == Policy::Check { Some(program.after) } else { self.flight }
    }
}
