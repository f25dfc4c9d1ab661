//! What no caller does: the network delivers what was late, effects show, time passes, operators look and act,
//! housekeeping sweeps, lock files are lost.

use idempotent::protocol::{State, Status};

use crate::promises;
use crate::setting::{Setting, Verb};
use crate::steps::Steps;
use crate::store::stands;
use crate::world::{At, Expiry, Kind, Looked, Msg, Op, World, bit};

pub(crate) fn steps(steps: &mut Steps<'_>) {
    delivers(steps);
    shows(steps);
    ticks(steps);
    sweeps(steps);
    for index in 0..steps.setting.operators.len() {
        operator(steps, index);
    }
    loses_a_file(steps);
}

fn delivers(steps: &mut Steps<'_>) {
    let from = steps.from;
    for (place, msg) in from.bag.iter().enumerate() {
        let Some(msg) = msg else { continue };
        let mut sent = from;
        sent.bag[place] = None;
        let what = match msg.kind {
            Kind::Claim => "a claim arrives late",
            Kind::Proceed => "a \"did not happen\" arrives late",
            Kind::Mark => "a mark arrives late",
            Kind::Renew => "a renewal arrives late",
            Kind::Settle(_) => "a settle arrives late",
            Kind::Abandon => "an abandoned claim is given back",
            Kind::Sweep => "a sweep arrives late",
            Kind::Operator(_) => "an operator's answer arrives late",
        };
        steps.late(what, &sent, *msg);
    }
}

fn shows(steps: &mut Steps<'_>) {
    let from = steps.from;
    for (place, flight) in from.flights.iter().enumerate() {
        let Some(flight) = flight else { continue };
        let broken = promises::of_effect(&from, steps.setting, flight.claim);
        let mut next = from;
        next.flights[place] = None;
        next.landed |= bit(flight.claim);
        steps.push("the effect shows in the world", None, next, broken);
    }
}

fn ticks(steps: &mut Steps<'_>) {
    let setting = steps.setting;
    // An attempt that the record lets act is not frozen beyond its lease: the proviso of `check`.
    let held_up = steps.from.workers.iter().any(|worker| worker.at == At::Ready && worker.left <= 1);
    if setting.frozen || !held_up {
        steps.go("time passes", World::tick);
    }
    if let Some(rec) = steps.from.rec
        && rec.expiry == Expiry::Later
        && rec.ended()
    {
        steps.go("the ending expires", |world| {
            if let Some(rec) = &mut world.rec {
                rec.expiry = Expiry::Passed;
            }
        });
    }
}

impl World {
    fn tick(&mut self) {
        if let Some(rec) = &mut self.rec {
            rec.tick();
        }
        for worker in &mut self.workers {
            worker.left = worker.left.saturating_sub(1);
            worker.quiet = worker.quiet.saturating_sub(1);
        }
        for place in &mut self.flights {
            // What has not shown by its time never does.
            *place = match *place {
                Some(flight) => match flight.left {
                    None => Some(flight),
                    Some(0) => None,
                    Some(left) => Some(crate::world::Flight { left: Some(left - 1), ..flight }),
                },
                None => None,
            };
        }
    }
}

fn sweeps(steps: &mut Steps<'_>) {
    let from = steps.from;
    if let Some(rec) = from.rec
        && from.sweeps < steps.setting.sweeps
    {
        let mut sent = from;
        sent.sweeps += 1;
        let msg = Msg { kind: Kind::Sweep, seen: None, claim: 0, fence: rec.fence, file: 0 };
        steps.late("a sweep passes", &sent, msg);
    }
}

fn operator(steps: &mut Steps<'_>, index: usize) {
    let setting = steps.setting;
    let from = steps.from;
    match from.ops[index] {
        Op::Idle => {
            for verb in &setting.operators[index] {
                if let Some(looked) = looks(&from, setting, *verb) {
                    let what = match verb {
                        Verb::Done => "an operator finds that it happened",
                        Verb::NotDone => "an operator finds that it did not and will not happen",
                        Verb::Revoke => "an operator sees an attempt hang",
                        Verb::Forget => "an operator sees an ending to forget",
                    };
                    steps.go(what, |world| world.ops[index] = Op::Looked(looked));
                }
            }
        }
        Op::Looked(looked) => {
            let mut sent = from;
            sent.ops[index] = Op::Finished;
            let msg = Msg {
                kind: Kind::Operator(looked.verb),
                seen: Some(looked.seen),
                claim: index as u8 + 1,
                fence: looked.fence,
                file: 0,
            };
            steps.send(["the operator says so"; 3], &sent, msg, |world, _| {
                promises::of_operator(looked.operator_writes, from.operator_writes, world.rec != from.rec)
            });
        }
        Op::Finished => {}
    }
}

/// What an operator sees who tells the truth.
fn looks(world: &World, setting: &Setting, verb: Verb) -> Option<Looked> {
    let rec = world.rec?;
    let stands = stands(world, setting)?;
    let open = matches!(stands, Status::Doubt | Status::LapsedClean);
    let may = match verb {
        Verb::Done => world.landed != 0 && (open || (stands == Status::Ended && rec.by_operator)),
        Verb::NotDone => open && promises::not_done_is_true(world, setting),
        Verb::Revoke => rec.state == State::Running,
        Verb::Forget => matches!(stands, Status::Ended | Status::Expired),
    };
    may.then_some(Looked {
        verb,
        fence: rec.fence,
        seen: (rec.state, rec.effect, rec.prior),
        operator_writes: world.operator_writes,
    })
}

fn loses_a_file(steps: &mut Steps<'_>) {
    let Some(most) = steps.setting.locks else { return };
    if steps.from.lost_files >= most {
        return;
    }
    for (index, worker) in steps.from.workers.into_iter().enumerate().take(steps.setting.workers.len()) {
        // Lost between the mark and the request, a file reopens the gap that it closes.
        if !matches!(worker.at, At::Granted | At::Ready) && steps.from.files & bit(worker.file) != 0 {
            steps.go("a lock file is lost", |world| {
                world.lost_files += 1;
                world.files &= !bit(world.workers[index].file);
            });
        }
    }
}
