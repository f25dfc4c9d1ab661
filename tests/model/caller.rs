//! The caller's side: what a worker does between two requests, rule by rule.

use idempotent::protocol::State;

use crate::promises::{self, Broken};
use crate::setting::{Outcome, Refused, Rule, Setting};
use crate::steps::Steps;
use crate::store::Told;
use crate::world::{At, Flight, Kind, Msg, Worker, World, bit};

const CLAIM: [&str; 3] =
    ["claims", "claims, and the answer is lost", "claims, and the request stays on the way"];
const PROCEED: [&str; 3] = [
    "says that it did not happen",
    "says that it did not happen, and the answer is lost",
    "says that it did not happen, and the request stays on the way",
];
const MARK: [&str; 3] = ["marks", "marks, and the answer is lost", "marks, and the request stays on the way"];
const SETTLE: [&str; 3] =
    ["settles", "settles, and the answer is lost", "settles, and the request stays on the way"];
const RENEW: [&str; 3] =
    ["renews", "renews, and the answer is lost", "renews, and the request stays on the way"];

pub(crate) fn steps(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let me = steps.from.workers[index];
    match me.at {
        At::Idle => {
            if usize::from(me.calls) < setting.workers[index].len() {
                steps.go("calls", |world| {
                    let me = &mut world.workers[index];
                    me.at = At::Claim;
                    me.claim = index as u8 * 4 + 1 + me.calls;
                    me.calls += 1;
                });
            }
            return;
        }
        At::Claim => claim(steps, index),
        At::Ask => ask(steps, index),
        At::Proceed => proceed(steps, index),
        At::Body => {
            steps.go("comes to its marker", |world| world.workers[index].at = At::Mark);
            if setting.drops {
                steps.go("ends before its marker", |world| world.workers[index].ends(Outcome::Free));
            }
        }
        At::Mark => mark(steps, index),
        At::Granted => steps.go("looks at the clock", |world| {
            let me = &mut world.workers[index];
            let rule = if me.proceeded && !setting.program(me.claim).marker {
                Rule::LateAnswerOfAProceed
            } else {
                Rule::LateAnswerOfAMark
            };
            if me.left > 0 || setting.is_off(rule) {
                me.at = At::Ready;
                me.left = me.left.max(1)
                    + if setting.is_off(Rule::FreezeEndsWithTheLease) {
                        setting.program(me.claim).after
                    } else {
                        0
                    };
            } else {
                // Nothing more is evaluated under this claim.
                me.ends(Outcome::Free);
            }
        }),
        At::Ready => {
            steps.go("acts", |world| world.acts(setting, index));
            if setting.flight(me.claim) == Some(0) {
                let broken = promises::of_effect(&steps.from, setting, me.claim);
                let mut next = steps.from;
                next.workers[index].at = At::Acted;
                next.landed |= bit(me.claim);
                steps.push("acts, and the effect shows at once", None, next, broken);
            }
            if setting.drops {
                steps.go("is dropped after its mark", |world| world.workers[index].ends(Outcome::InDoubt));
            }
        }
        At::Acted => acted(steps, index),
        At::Settle => settle(steps, index),
    }
    if setting.renew && matches!(me.at, At::Ask | At::Proceed | At::Body | At::Mark | At::Ready | At::Acted) {
        let msg = me.says(Kind::Renew);
        let from = steps.from;
        steps.send(RENEW, &from, msg, |world, told| {
            let me = &mut world.workers[index];
            if told == Told::Ok && matches!(me.at, At::Ready | At::Ask) {
                me.left = setting.lease;
            }
            None
        });
    }
    if setting.crashes {
        steps.go("dies", |world| world.dies(setting, index));
    }
}

impl Worker {
    pub(crate) fn says(&self, kind: Kind) -> Msg {
        Msg { kind, seen: None, claim: self.claim, fence: self.fence, file: self.file }
    }

    /// The body has ended: this is the only outcome that will ever be sent.
    fn ends(&mut self, outcome: Outcome) {
        self.at = At::Settle;
        self.outcome = Some(outcome);
    }
}

impl World {
    fn dies(&mut self, setting: &Setting, index: usize) {
        self.workers[index].at = At::Idle;
        if setting.locks.is_some() {
            self.locked &= !bit(self.workers[index].file);
            self.names_new_file(index);
        }
    }

    fn names_new_file(&mut self, index: usize) {
        self.workers[index].file = self.next_file;
        self.files |= bit(self.next_file);
        self.locked |= bit(self.next_file);
        self.next_file += 1;
    }

    /// Claim, proceed, mark and renewal look at the holder's own lock file first.
    fn looks_at_own_file(&mut self, setting: &Setting, index: usize) {
        if setting.locks.is_some() && self.files & bit(self.workers[index].file) == 0 {
            self.names_new_file(index);
        }
    }

    /// The request goes out. It shows before `after` is over, counted from now, or never; with 0 at once.
    fn acts(&mut self, setting: &Setting, index: usize) {
        let me = &mut self.workers[index];
        me.at = At::Acted;
        let claim = me.claim;
        let left = match setting.flight(claim) {
            Some(0) => return,
            Some(after) => Some(after - 1),
            None => None,
        };
        // What an attempt of an earlier life does is not this life's.
        if self.life & bit(claim) != 0
            && let Some(place) = self.flights.iter_mut().find(|place| place.is_none())
        {
            *place = Some(Flight { claim, left });
        }
    }
}

fn claim(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let mut sent = steps.from;
    sent.looks_at_own_file(setting, index);
    sent.workers[index].left = setting.lease;
    let msg = Msg { fence: 0, ..sent.workers[index].says(Kind::Claim) };
    let program = setting.program(msg.claim);
    steps.send(CLAIM, &sent, msg, |world, told| {
        let me = &mut world.workers[index];
        match told {
            Told::Run(fence) => {
                me.fence = fence;
                me.at = if program.marker { At::Body } else { At::Granted };
            }
            Told::Check { fence, quiet, prior } => {
                me.fence = fence;
                me.quiet = quiet;
                me.first = !prior;
                me.at = At::Ask;
            }
            Told::Replay(value) => {
                me.at = At::Idle;
                return promises::shown(world, value);
            }
            Told::Busy => {}
            Told::Refused => me.at = At::Idle,
            Told::Ok | Told::Early(_) | Told::Fenced | Told::Settled(_) => {
                unreachable!("{told:?} to a claim")
            }
        }
        None
    });
    if setting.drops {
        steps.go("gives up, and the keeper abandons the claim", |world| {
            let msg = world.workers[index].says(Kind::Abandon);
            if world.post(msg) {
                world.workers[index].at = At::Idle;
            }
        });
    }
}

fn ask(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let me = steps.from.workers[index];
    let program = setting.program(me.claim);
    let landed = steps.from.landed;
    if landed != 0 {
        steps.go("finds that it happened", |world| {
            world.workers[index].ends(Outcome::Done(100 + landed.trailing_zeros() as u8));
        });
    } else if me.quiet == 0 || setting.is_off(Rule::NoneOnlyAfterQuiet) {
        steps.go("finds that it did not happen", |world| {
            let me = &mut world.workers[index];
            me.early_none = false;
            // Where nothing was in doubt the marker will tell whether the claim still stands; without one, proceed does.
            me.at = match (me.first, program.marker) {
                (true, true) => At::Body,
                (true, false) if setting.is_off(Rule::FirstNoneIsDurableWithoutAMarker) => At::Ready,
                (true | false, true | false) => At::Proceed,
            };
        });
    } else if setting.is_off(Rule::NoneAskedAfterQuiet) && !me.early_none {
        steps.go("finds too early that it did not happen, and keeps that", |world| {
            world.workers[index].early_none = true;
        });
    }
    if me.early_none && me.quiet == 0 {
        steps.go("believes what it found too early", |world| {
            world.workers[index].early_none = false;
            world.workers[index].at = At::Proceed;
        });
    }
    if setting.drops {
        steps.go("cannot tell, or is dropped", |world| world.workers[index].ends(Outcome::Free));
    }
}

fn proceed(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let me = steps.from.workers[index];
    let program = setting.program(me.claim);
    let body = if program.marker { At::Body } else { At::Granted };
    if setting.is_off(Rule::DurableProceed) {
        steps.go("goes on to the body", |world| {
            world.workers[index].at = body;
            world.workers[index].left = setting.lease;
        });
        return;
    }
    let mut sent = steps.from;
    if !setting.is_off(Rule::ProceedLooksAtTheLockFile) {
        sent.looks_at_own_file(setting, index);
    }
    sent.workers[index].left = setting.lease;
    let msg = sent.workers[index].says(Kind::Proceed);
    steps.send(PROCEED, &sent, msg, |world, told| {
        let me = &mut world.workers[index];
        match told {
            Told::Ok => {
                me.at = body;
                me.proceeded = true;
            }
            Told::Early(left) => {
                me.quiet = left;
                me.at = At::Ask;
            }
            // It claims once more, with a fresh token.
            Told::Fenced => me.at = At::Idle,
            _ => unreachable!("{told:?} to proceed"),
        }
        None
    });
    if setting.drops {
        steps.go("gives up before its body", |world| world.workers[index].ends(Outcome::Free));
    }
}

fn mark(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let mut sent = steps.from;
    if !setting.is_off(Rule::MarkLooksAtTheLockFile) {
        sent.looks_at_own_file(setting, index);
    }
    sent.workers[index].left = setting.lease;
    let msg = sent.workers[index].says(Kind::Mark);
    // Refused or unanswered: nothing more is evaluated, whatever the body makes of it.
    let latched = |me: &mut Worker| {
        let outcome = if setting.is_off(Rule::Latch) { Outcome::Done(me.claim) } else { Outcome::Free };
        me.ends(outcome);
    };
    steps.send(MARK, &sent, msg, |world, told| {
        let me = &mut world.workers[index];
        match told {
            Told::Ok => me.at = At::Granted,
            Told::Fenced => latched(me),
            _ => unreachable!("{told:?} to a mark"),
        }
        None
    });
    if setting.lost {
        steps.go("has no answer to its mark", |world| latched(&mut world.workers[index]));
    }
}

fn acted(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let claim = steps.from.workers[index].claim;
    if steps.from.landed & bit(claim) != 0 {
        steps.go("has its confirmation", |world| world.workers[index].ends(Outcome::Done(claim)));
    }
    let own = |flight: &Option<Flight>| flight.is_some_and(|flight| flight.claim == claim);
    if setting.refusals && steps.from.flights.iter().any(own) {
        steps.go("is refused by the world", |world| {
            for flight in world.flights.iter_mut().filter(|flight| own(flight)) {
                *flight = None;
            }
            world.workers[index].ends(match setting.program(claim).refused {
                Refused::Doubt => Outcome::InDoubt,
                Refused::Release => Outcome::Free,
                Refused::Store => Outcome::Failed(claim),
            });
        });
    }
    steps.go("cannot tell what became of it", |world| world.workers[index].ends(Outcome::InDoubt));
}

fn settle(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let me = steps.from.workers[index];
    let Some(outcome) = me.outcome else { unreachable!("a body that ended has an outcome") };
    let from = steps.from;
    steps.send(SETTLE, &from, me.says(Kind::Settle(outcome)), |world, told| {
        world.workers[index].at = At::Idle;
        settled(world, me.claim, outcome, told)
    });
    if setting.drops {
        steps.go("is dropped, and the keeper settles", |world| {
            let careless = setting.careless_drop && matches!(outcome, Outcome::Done(_));
            let told = if careless { Outcome::InDoubt } else { outcome };
            if world.post(me.says(Kind::Settle(told))) && !careless {
                world.workers[index].at = At::Idle;
            }
        });
    }
}

/// What the caller makes of the answer to its settle.
fn settled(world: &mut World, claim: u8, outcome: Outcome, told: Told) -> Option<Broken> {
    match (outcome, told) {
        (Outcome::Done(value), Told::Settled(State::Done))
        | (Outcome::Failed(value), Told::Settled(State::Failed)) => promises::shown(world, value),
        (Outcome::Free, Told::Settled(State::Free)) => {
            world.told_free |= bit(claim);
            None
        }
        _ => None,
    }
}
