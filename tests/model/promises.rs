//! What is promised, judged by what the outside world counts and by what callers were told.

use idempotent::protocol::{Answer, Policy, State, Status};

use crate::setting::{Outcome, Setting, Verb};
use crate::store::{Told, stands, told_in_the_end};
use crate::world::{At, Expiry, Kind, Msg, Worker, World, bit};

/// A promise that a run has broken, in words.
pub(crate) type Broken = &'static str;

pub(crate) const TWICE: Broken = "I4: the effect happened twice";
pub(crate) const DOUBT_LOST: Broken =
    "I4: the effect happened, and the record says that nothing can have happened";
pub(crate) const CHANGED: Broken = "I2: a recorded ending changed";
pub(crate) const SEEN_TWO: Broken = "I2: callers saw two results";
pub(crate) const LATE_HOLDER: Broken = "I1: a claim that is not the current one changed the record";
pub(crate) const HIDDEN: Broken = "I4: \"failed\" is recorded, and another attempt's effect happened";
pub(crate) const NOTHING_DONE: Broken = "I3: done is recorded, and nothing was done";
pub(crate) const NOT_KEPT: Broken = "I3: a caller was told Ok for a value that was not kept";
pub(crate) const BUSY_ON_ITSELF: Broken = "I5: a caller is busy on its own claim";
pub(crate) const LOST_OWN: Broken = "I3: a caller was told that it lost the claim whose result is recorded";
pub(crate) const UNSEEN: Broken = "I4: an operator's answer replaced another's that its author had not seen";
pub(crate) const STUCK: Broken = "I5: nothing can have happened, and yet no caller may run";
pub(crate) const NEEDLESS: Broken = "I5: in doubt, though its caller was told that the key is free";
pub(crate) const OTHER_PAYLOAD: Broken = "I6: a result was replayed for other arguments";

/// What one move may not do. `before` and `after` are around it.
pub(crate) fn of_move(
    before: &World,
    after: &World,
    setting: &Setting,
    msg: &Msg,
    told: Told,
) -> Option<Broken> {
    let wrote = before.rec != after.rec;
    let operator = matches!(msg.kind, Kind::Operator(_));
    if let Some(old) = before.rec.filter(|old| old.ended()) {
        let same = after.rec.is_some_and(|new| (new.state, new.value) == (old.state, old.value));
        let may = operator && (old.by_operator || matches!(msg.kind, Kind::Operator(Verb::Forget)));
        if !same && !may {
            return Some(CHANGED);
        }
    }
    match msg.kind {
        Kind::Claim => {
            let own =
                before.rec.is_some_and(|rec| rec.state == State::Running) && before.granted == msg.claim;
            if told == Told::Busy && own {
                return Some(BUSY_ON_ITSELF);
            }
            if let (Told::Replay(_), Some(rec)) = (told, before.rec)
                && rec.payload != setting.program(msg.claim).payload
            {
                return Some(OTHER_PAYLOAD);
            }
        }
        Kind::Proceed | Kind::Mark | Kind::Renew | Kind::Settle(_) | Kind::Abandon if wrote => {
            let Some(old) = before.rec else { return Some(LATE_HOLDER) };
            let current = before.granted == msg.claim
                && (old.fence == msg.fence || msg.kind == Kind::Abandon)
                && !old.by_operator;
            let late_truth = matches!(msg.kind, Kind::Settle(Outcome::Done(_))) && old.prior && !old.effect;
            if !current && !late_truth {
                return Some(LATE_HOLDER);
            }
        }
        Kind::Operator(_) | Kind::Sweep | Kind::Proceed | Kind::Mark | Kind::Renew => {}
        Kind::Settle(outcome) => match (outcome, told, before.rec) {
            (Outcome::Done(value), Told::Fenced, Some(rec))
                if rec.state == State::Done && rec.value == value && before.granted == msg.claim =>
            {
                return Some(LOST_OWN);
            }
            (Outcome::Done(value), Told::Settled(State::Done), Some(rec)) if rec.value != value => {
                return Some(NOT_KEPT);
            }
            _ => {}
        },
        Kind::Abandon => {}
    }
    None
}

/// What no state may be, whatever led to it.
pub(crate) fn of_state(world: &World, setting: &Setting) -> Option<Broken> {
    let Some(rec) = world.rec else {
        return if world.landed != 0 { Some(DOUBT_LOST) } else { None };
    };
    let stands = stands(world, setting);
    let anyone_may_run = matches!(stands, Some(Status::Free | Status::LapsedClean));
    if anyone_may_run && world.landed != 0 {
        return Some(DOUBT_LOST);
    }
    let fresh = rec.expiry != Expiry::Passed;
    if rec.state == State::Failed && fresh && world.landed & !bit(world.granted) != 0 {
        return Some(HIDDEN);
    }
    if rec.state == State::Done && fresh && world.landed == 0 {
        return Some(NOTHING_DONE);
    }
    if setting.no_needless_doubt
        && rec.state == State::Running
        && rec.effect
        && world.told_free & bit(world.granted) != 0
    {
        return Some(NEEDLESS);
    }
    if anyone_may_run {
        for payload in [1, 2] {
            match told_in_the_end(world, setting, payload) {
                Answer::Run(_) => {}
                _ => return Some(STUCK),
            }
        }
    }
    None
}

/// An effect shows in the outside world.
pub(crate) fn of_effect(world: &World, setting: &Setting, claim: u8) -> Option<Broken> {
    let rerun = |claim: u8| setting.program(claim).policy == Policy::Rerun;
    let earlier = (1..16).filter(|other| world.landed & bit(*other) != 0);
    // Running twice does no harm if all the attempts that acted said so.
    for other in earlier {
        if !(rerun(claim) && rerun(other)) {
            return Some(TWICE);
        }
    }
    None
}

/// A caller is shown an ending.
pub(crate) fn shown(world: &mut World, value: u8) -> Option<Broken> {
    let by_operator = world.rec.is_some_and(|rec| rec.by_operator);
    match world.seen {
        Some(seen) if seen != value && !by_operator => Some(SEEN_TWO),
        _ => {
            world.seen = Some(value);
            None
        }
    }
}

/// Whether an operator who says "it did not happen" now tells the truth, also of what is still to come: nothing
/// has shown, nothing is on its way, and no attempt is alive that the record, as it is, already lets act.
pub(crate) fn not_done_is_true(world: &World, setting: &Setting) -> bool {
    let let_act = |worker: &Worker| world.rec.is_some_and(|rec| world.granted == worker.claim && rec.effect);
    let may_act = world.workers.iter().any(|worker| match worker.at {
        At::Granted | At::Ready | At::Acted => true,
        At::Claim | At::Ask | At::Proceed => !setting.program(worker.claim).marker && let_act(worker),
        // Its mark has arrived, and only the answer is lost.
        At::Mark => let_act(worker),
        At::Body | At::Idle | At::Settle => false,
    });
    world.landed == 0 && world.flights == [None; 3] && !may_act
}

/// An operator's answer must be about what its author saw: `seen` and `now` count operators' writes.
pub(crate) fn of_operator(seen: u8, now: u8, wrote: bool) -> Option<Broken> {
    (wrote && seen != now).then_some(UNSEEN)
}
