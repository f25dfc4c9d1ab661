//! What is called, and what must come of it.

use idempotent::testing::Call;

use super::case::Told;
use super::hows::How;
use super::states::{At, RECORDED};

/// Every way in which a program of a user's or the keeper comes to the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Act {
    Claim,
    Mark,
    Proceed,
    /// A renewal by the keeper, before the mark.
    Renew,
    SettleDone,
    SettleFailed,
    SettleDoubt,
    SettleFree,
    /// The late word of an attempt whose settle was refused.
    Note,
    /// A future that is dropped after its effect, and `drain`.
    Drop,
    /// A future that is dropped before its claim was answered, and `drain`.
    Abandon,
    List,
    ShowRecord,
    ShowTrail,
    Ended,
    ResolveDone,
    ResolveNotDone,
    Revoke,
    Forget,
    /// The same four, where the look before the act fails.
    SeesResolveDone,
    SeesResolveNotDone,
    SeesRevoke,
    SeesForget,
    Sweep,
}

/// What the next call of the same key must come to, and what may stand in the way of `drain`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Next {
    Runs,
    /// The very value.
    Replays(u32),
    /// The value that the caller was told, or would have been.
    ReplaysOwn,
    Own,
    Code(&'static str),
}

impl Act {
    pub(super) const ALL: [Act; 24] = [
        Act::Claim,
        Act::Mark,
        Act::Proceed,
        Act::Renew,
        Act::SettleDone,
        Act::SettleFailed,
        Act::SettleDoubt,
        Act::SettleFree,
        Act::Note,
        Act::Drop,
        Act::Abandon,
        Act::List,
        Act::ShowRecord,
        Act::ShowTrail,
        Act::Ended,
        Act::ResolveDone,
        Act::ResolveNotDone,
        Act::Revoke,
        Act::Forget,
        Act::SeesResolveDone,
        Act::SeesResolveNotDone,
        Act::SeesRevoke,
        Act::SeesForget,
        Act::Sweep,
    ];

    /// The call of the store that the fault hits.
    pub(super) fn call(self) -> Call {
        match self {
            Act::Claim => Call::Claim,
            Act::Mark => Call::Mark,
            Act::Proceed => Call::Proceed,
            Act::Renew => Call::Renew,
            Act::SettleDone | Act::SettleFailed | Act::SettleDoubt | Act::SettleFree | Act::Drop => {
                Call::Settle
            }
            Act::Note => Call::Note,
            Act::Abandon => Call::Abandon,
            Act::List => Call::List,
            Act::ShowRecord | Act::Ended => Call::Load,
            Act::ShowTrail => Call::Trail,
            Act::ResolveDone | Act::ResolveNotDone | Act::Revoke | Act::Forget => Call::Operator,
            Act::SeesResolveDone | Act::SeesResolveNotDone | Act::SeesRevoke | Act::SeesForget => Call::Load,
            Act::Sweep => Call::Sweep,
        }
    }

    /// Whether the record is in its state before anything is called; else it gets there while a body or a check runs.
    pub(super) fn begins_in_state(self) -> bool {
        !matches!(
            self.call(),
            Call::Mark | Call::Proceed | Call::Renew | Call::Settle | Call::Note | Call::Abandon
        )
    }

    pub(super) fn is_the_keepers(self) -> bool {
        matches!(self, Act::Renew | Act::Drop | Act::Abandon)
    }

    fn is_an_operators(self) -> bool {
        matches!(self, Act::ResolveDone | Act::ResolveNotDone | Act::Revoke | Act::Forget)
    }

    fn looks_first(self) -> bool {
        matches!(self, Act::SeesResolveDone | Act::SeesResolveNotDone | Act::SeesRevoke | Act::SeesForget)
    }

    /// Why there is no such case.
    pub(super) fn impossible(self, at: At, has_bytes: bool) -> Option<&'static str> {
        match (self, at) {
            (_, At::Unreadable) if !has_bytes => Some("a store in memory keeps records, not bytes"),
            (Act::Claim, At::LiveOwn) => Some("a body that calls itself is told so without the store"),
            (Act::Note, At::LiveOwn) => Some("its settle is accepted: there is nothing to note"),
            (Act::Note, At::Unreadable) => {
                Some("its settle is not refused as late: there is nothing to note")
            }
            (act, At::Absent) if act.is_an_operators() => {
                Some("an operator looks first, and sees nothing to act on")
            }
            (act, At::LiveOwn) if act.begins_in_state() => Some("seen from outside, it is another's"),
            _ => None,
        }
    }

    /// What a call comes to that finds the record so.
    fn finds(self, at: At) -> Next {
        match at {
            At::Absent | At::Free | At::LapsedClean | At::Expired => Next::Runs,
            At::LapsedDoubt | At::InDoubt if self == Act::Proceed => Next::Runs,
            At::LapsedDoubt | At::InDoubt => Next::Code("in_doubt"),
            At::LiveOwn | At::LiveOther => Next::Code("in_progress"),
            At::Done => Next::Replays(RECORDED),
            At::Failed if self == Act::SettleDoubt => Next::Code("stored_value"),
            At::Failed => Next::Own,
            At::Unreadable => Next::Code("stored_value"),
        }
    }

    /// What an operator's act comes to, and what the next call then finds.
    fn rules(self, at: At) -> (Result<(), &'static str>, Next) {
        let stays = |why| (Err(why), self.finds(at));
        let lapsed_or_doubt = matches!(at, At::LapsedClean | At::LapsedDoubt | At::InDoubt);
        match (self, at) {
            (_, At::Unreadable) => stays("unreadable"),
            (Act::Forget | Act::SeesForget, At::Absent) => (Ok(()), Next::Runs),
            (_, At::Absent) => stays("not_found"),
            (Act::ResolveDone | Act::SeesResolveDone, _) if lapsed_or_doubt => (Ok(()), Next::Replays(9_000)),
            (Act::ResolveNotDone | Act::SeesResolveNotDone, _) if lapsed_or_doubt => (Ok(()), Next::Runs),
            (
                Act::ResolveDone | Act::SeesResolveDone | Act::ResolveNotDone | Act::SeesResolveNotDone,
                At::LiveOwn | At::LiveOther,
            ) => stays("busy"),
            (Act::Revoke | Act::SeesRevoke, At::LiveOwn | At::LiveOther | At::LapsedClean) => {
                (Ok(()), Next::Runs)
            }
            (Act::Revoke | Act::SeesRevoke, At::LapsedDoubt) => (Ok(()), Next::Code("in_doubt")),
            (Act::Forget | Act::SeesForget, At::LiveOwn | At::LiveOther | At::LapsedClean) => stays("busy"),
            (Act::Forget | Act::SeesForget, At::LapsedDoubt | At::InDoubt) => stays("in_doubt"),
            (Act::Forget | Act::SeesForget, _) => (Ok(()), Next::Runs),
            _ => stays("stale"),
        }
    }

    /// What the caller is told: `None` for a result of its own run.
    pub(super) fn told(self, at: At, how: How) -> Option<Told> {
        let passes = how.passes_if_sent_again();
        let code = |code: &str| Some(Told::code(code));
        if how.panics() && !self.is_the_keepers() {
            return Some(Told::Panicked);
        }
        match self {
            Act::Claim | Act::Proceed if !passes => code("store"),
            Act::Claim => told(self.finds(at)),
            Act::Proceed if at == At::LiveOwn => None,
            Act::Proceed => told(self.finds(at)),
            Act::Mark if !passes => code("store"),
            Act::Mark | Act::Renew => match at {
                At::LiveOwn => None,
                At::Unreadable => code("stored_value"),
                _ => code("lease_lost"),
            },
            Act::SettleDone if !passes || at == At::Unreadable => code("store"),
            Act::SettleDone | Act::Note if at == At::LiveOwn => None,
            Act::SettleDone | Act::Note => code("lease_lost"),
            Act::SettleFree => Some(Told::Own),
            Act::SettleFailed | Act::SettleDoubt => match at {
                At::LiveOwn | At::Unreadable => Some(Told::Own),
                _ if !passes => Some(Told::Own),
                _ => code("lease_lost"),
            },
            Act::Drop | Act::Abandon => Some(Told::Nobody),
            Act::List | Act::ShowRecord | Act::ShowTrail | Act::Ended | Act::Sweep => {
                if how.passes() {
                    Some(Told::Seen)
                } else {
                    code("store")
                }
            }
            _ if !how.passes() => code("store"),
            act => match act.rules(at).0 {
                Ok(()) => Some(Told::Seen),
                Err(why) => code(why),
            },
        }
    }

    /// What the next call of the key comes to, once the store is back and the keeper has done its work.
    pub(super) fn next(self, at: At, how: How) -> Next {
        if at != At::LiveOwn {
            let is_applied = if self.looks_first() { how.passes() } else { how.applies() };
            return match self {
                Act::Claim | Act::Proceed if self.told(at, how).is_none() => Next::ReplaysOwn,
                act if act.is_an_operators() || act.looks_first() => {
                    if is_applied {
                        act.rules(at).1
                    } else {
                        act.finds(at)
                    }
                }
                act => act.finds(at),
            };
        }
        match self {
            Act::Mark if self.told(at, how).is_none() => Next::ReplaysOwn,
            Act::Proceed if self.told(at, how).is_none() => Next::ReplaysOwn,
            Act::Mark | Act::Proceed | Act::SettleFree | Act::Abandon => Next::Runs,
            Act::Renew | Act::SettleDone => Next::ReplaysOwn,
            Act::SettleFailed => Next::Own,
            Act::SettleDoubt | Act::Drop => Next::Code("in_doubt"),
            other => unreachable!("{other:?} begins in its state"),
        }
    }
}

fn told(next: Next) -> Option<Told> {
    Some(match next {
        Next::Runs | Next::ReplaysOwn => return None,
        Next::Replays(value) => Told::Replayed(value),
        Next::Own => Told::Own,
        Next::Code(code) => Told::code(code),
    })
}
