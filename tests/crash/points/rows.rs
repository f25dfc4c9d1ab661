//! The points at which a process is killed, in groups, and where a call is interrupted without a kill.

use idempotent_tests::robot::{Form, Place};
use serde::{Deserialize, Serialize};

/// What is done to a call before another one asks for its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Blow {
    /// Its process is killed at this point.
    Killed(&'static str),
    /// A first process is killed in its effect, with the booking sent or not, and a second one, which calls again, at
    /// this point.
    KilledAgain { sent: bool, at: &'static str },
    /// The call is interrupted, and its process killed as its keeper is at this point.
    KeeperKilled(Interruption, &'static str),
    /// Whoever acts on the record from outside is killed before or after the act is applied.
    ActorKilled(Act, &'static str),
    /// The call is interrupted, and its process lives on.
    Interrupted(Interruption),
    /// A first call panics in its effect, with the booking sent or not, and a second one, which is let in, is interrupted.
    InterruptedAgain { sent: bool, how: Interruption },
}

/// How a call ends without a kill and without a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Interruption {
    /// The body returns an error.
    Errs(Place),
    /// The body panics.
    Panics(Place),
    /// The future is dropped while the body is there.
    Dropped(Place),
    /// The future is dropped after its claim was applied, before its answer came.
    DroppedInClaim,
    /// The future is dropped while it settles what its body came to.
    DroppedInSettle,
}

/// An act on a record from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Act {
    /// "It happened", of a booking that was sent.
    Done,
    /// "It did not happen", of a booking that was not.
    NotDone,
    /// Takes the claim from a process that hangs in its effect.
    Revoke,
    /// Forgets a result.
    Forget,
    /// Removes a record that says nothing.
    Sweep,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// What the page calls it.
    pub(super) name: &'static str,
    /// Whether the booking has been made by then.
    pub(super) sent: bool,
    pub(super) blow: Blow,
}

const fn row(name: &'static str, sent: bool, blow: Blow) -> Row {
    Row { name, sent, blow }
}

/// One process, killed on its way from the call to the answer.
pub(super) const KILLED: [Row; 12] = [
    row("before the claim is written", false, Blow::Killed("before claim")),
    row("after the claim, before the body", false, Blow::Killed("after claim")),
    row("in the check before a first attempt", false, Blow::Killed("in the check")),
    row("in the body, before the effect", false, Blow::Killed("before the effect")),
    row("in `effect!`, before the mark is written", false, Blow::Killed("before mark")),
    row("in `effect!`, after the mark is written", false, Blow::Killed("after mark")),
    row("in the effect, before it is sent", false, Blow::Killed("in the effect")),
    row("in the effect, after it is sent", true, Blow::Killed("sent")),
    row("in the body, after the effect", true, Blow::Killed("after the effect")),
    row("before the result is written", true, Blow::Killed("before settle")),
    row("after the result is written, before the answer", true, Blow::Killed("after settle")),
    row("after the answer", true, Blow::Killed("answered")),
];

const fn again(name: &'static str, sent: bool, at: &'static str) -> Row {
    row(name, sent, Blow::KilledAgain { sent, at })
}

/// A second process, which finds what a killed one has left.
pub(super) const KILLED_AGAIN: [Row; 11] = [
    again("before its claim is written", false, "before claim"),
    again("after its claim", false, "after claim"),
    again("in the check, which will find nothing", false, "in the check"),
    again("before \"it did not happen\" is written", false, "before proceed"),
    again("after \"it did not happen\" is written", false, "after proceed"),
    again("in its body, before the effect", false, "before the effect"),
    again("in its effect, before it is sent", false, "in the effect"),
    row("in its effect, after it is sent", true, Blow::KilledAgain { sent: false, at: "sent" }),
    again("in the check, which will find it", true, "in the check"),
    again("before what was found is written", true, "before settle"),
    again("after what was found is written", true, "after settle"),
];

const fn keeper(name: &'static str, sent: bool, how: Interruption, at: &'static str) -> Row {
    row(name, sent, Blow::KeeperKilled(how, at))
}

/// A process whose call was interrupted, killed while its keeper writes that down.
pub(super) const KEEPER_KILLED: [Row; 12] = [
    keeper(
        "panic before the effect; not yet written",
        false,
        Interruption::Panics(Place::Before),
        "before settle",
    ),
    keeper("panic before the effect; written", false, Interruption::Panics(Place::Before), "after settle"),
    keeper(
        "panic after the effect; not yet written",
        true,
        Interruption::Panics(Place::Sent),
        "before settle",
    ),
    keeper("panic after the effect; written", true, Interruption::Panics(Place::Sent), "after settle"),
    keeper("dropped in its claim; not yet written", false, Interruption::DroppedInClaim, "before abandon"),
    keeper("dropped in its claim; written", false, Interruption::DroppedInClaim, "after abandon"),
    keeper(
        "dropped before the effect; not yet written",
        false,
        Interruption::Dropped(Place::Before),
        "before settle",
    ),
    keeper("dropped before the effect; written", false, Interruption::Dropped(Place::Before), "after settle"),
    keeper(
        "dropped after the effect; not yet written",
        true,
        Interruption::Dropped(Place::Sent),
        "before settle",
    ),
    keeper("dropped after the effect; written", true, Interruption::Dropped(Place::Sent), "after settle"),
    keeper("dropped with its result; not yet written", true, Interruption::DroppedInSettle, "before settle"),
    keeper("dropped with its result; written", true, Interruption::DroppedInSettle, "after settle"),
];

const fn actor(name: &'static str, sent: bool, act: Act, at: &'static str) -> Row {
    row(name, sent, Blow::ActorKilled(act, at))
}

/// An operator, or a sweep, killed in the act.
pub(super) const ACTOR_KILLED: [Row; 10] = [
    actor("`resolve_done`, not yet written", true, Act::Done, "before act"),
    actor("`resolve_done`, written", true, Act::Done, "after act"),
    actor("`resolve_not_done`, not yet written", false, Act::NotDone, "before act"),
    actor("`resolve_not_done`, written", false, Act::NotDone, "after act"),
    actor("`revoke` of one that hangs in its effect, not yet written", false, Act::Revoke, "before act"),
    actor("`revoke` of one that hangs in its effect, written", false, Act::Revoke, "after act"),
    actor("`forget` of a result, not yet written", true, Act::Forget, "before act"),
    actor("`forget` of a result, written", true, Act::Forget, "after act"),
    actor("`sweep`, not yet written", false, Act::Sweep, "before sweep"),
    actor("`sweep`, written", false, Act::Sweep, "after sweep"),
];

const fn interrupted(name: &'static str, sent: bool, how: Interruption) -> Row {
    row(name, sent, Blow::Interrupted(how))
}

const fn interrupted_again(name: &'static str, sent: bool, how: Interruption) -> Row {
    row(name, sent, Blow::InterruptedAgain { sent, how })
}

/// A call that is interrupted in a process that lives on.
pub(super) const INTERRUPTED: [Row; 16] = [
    interrupted("`Err` before the effect", false, Interruption::Errs(Place::Before)),
    interrupted("`Err` in the effect, before it is sent", false, Interruption::Errs(Place::In)),
    interrupted("`Err` in the effect, after it is sent", true, Interruption::Errs(Place::Sent)),
    interrupted("panic before the effect", false, Interruption::Panics(Place::Before)),
    interrupted("panic in the effect, before it is sent", false, Interruption::Panics(Place::In)),
    interrupted("panic in the effect, after it is sent", true, Interruption::Panics(Place::Sent)),
    interrupted("future dropped in its claim", false, Interruption::DroppedInClaim),
    interrupted("future dropped before the effect", false, Interruption::Dropped(Place::Before)),
    interrupted("future dropped in the effect, before it is sent", false, Interruption::Dropped(Place::In)),
    interrupted("future dropped after the effect", true, Interruption::Dropped(Place::Sent)),
    interrupted("future dropped with its result", true, Interruption::DroppedInSettle),
    interrupted_again("second attempt: `Err` from its check", true, Interruption::Errs(Place::Check)),
    interrupted_again("second attempt: panic in its check", true, Interruption::Panics(Place::Check)),
    interrupted_again("second attempt: `Err` before its effect", false, Interruption::Errs(Place::Before)),
    interrupted_again("second attempt: panic before its effect", false, Interruption::Panics(Place::Before)),
    interrupted_again(
        "second attempt: dropped before its effect",
        false,
        Interruption::Dropped(Place::Before),
    ),
];

/// Why this cannot happen to such a function, if it cannot.
pub(super) fn impossible(blow: Blow, form: Form, is_async: bool) -> Option<&'static str> {
    let dropped = |how| {
        use Interruption::{Dropped, DroppedInClaim, DroppedInSettle};
        matches!(how, Dropped(_) | DroppedInClaim | DroppedInSettle)
    };
    match blow {
        Blow::Killed(at) if at.ends_with("mark") && !form.marks() => Some("it has no marker"),
        Blow::Killed("in the check") if form != Form::AsksFirst => {
            Some("it asks no check before a first attempt")
        }
        Blow::KilledAgain { sent, at } => match at {
            "before claim" => None,
            _ if !form.checks() && !form.reruns() => Some("nobody is let in while there is doubt"),
            "in the check" | "before proceed" | "after proceed" if !form.checks() => Some("it asks no check"),
            _ if sent && !form.checks() => Some("it finds nothing out"),
            _ => None,
        },
        Blow::InterruptedAgain { .. } if !form.checks() && !form.reruns() => {
            Some("nobody is let in while there is doubt")
        }
        Blow::InterruptedAgain { sent: true, .. } if !form.checks() => Some("it asks no check"),
        Blow::KeeperKilled(how, _) | Blow::Interrupted(how) | Blow::InterruptedAgain { how, .. }
            if dropped(how) && !is_async =>
        {
            Some("a synchronous call cannot be dropped")
        }
        _ => None,
    }
}
