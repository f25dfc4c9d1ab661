//! All that can happen next in a state: a list of what is done, and the state that it leads to.

use crate::promises::Broken;
use crate::setting::Setting;
use crate::store::Told;
use crate::world::{Msg, World};

/// Who does what, for the printed run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    /// A worker's number; none for the network, time, operators and the world.
    pub(crate) worker: Option<u8>,
    pub(crate) what: &'static str,
    pub(crate) told: Option<Told>,
}

/// Something that can happen, the state it leads to, and the promise that it breaks.
pub(crate) struct Found {
    pub(crate) step: Step,
    pub(crate) world: World,
    pub(crate) broken: Option<Broken>,
}

pub(crate) struct Steps<'s> {
    pub(crate) setting: &'s Setting,
    pub(crate) from: World,
    worker: Option<u8>,
    found: Vec<Found>,
}

impl<'s> Steps<'s> {
    /// What can happen next in `from`, put into `found`.
    pub(crate) fn of(setting: &'s Setting, from: World, mut found: Vec<Found>) -> Vec<Found> {
        found.clear();
        let mut steps = Steps { setting, from, worker: None, found };
        for index in 0..setting.workers.len() {
            steps.worker = Some(index as u8);
            crate::caller::steps(&mut steps, index);
        }
        steps.worker = None;
        crate::outside::steps(&mut steps);
        steps.found
    }

    /// Something happens that is no request.
    pub(crate) fn go(&mut self, what: &'static str, change: impl FnOnce(&mut World)) {
        let mut next = self.from;
        change(&mut next);
        self.push(what, None, next, None);
    }

    /// A request is sent; its answer comes, or does not, or a copy of it stays on the way.
    pub(crate) fn send(
        &mut self,
        what: [&'static str; 3],
        sent: &World,
        msg: Msg,
        answered: impl FnOnce(&mut World, Told) -> Option<Broken>,
    ) {
        let (next, told, broken) = sent.apply(self.setting, &msg);
        let mut heard = next;
        let misled = answered(&mut heard, told);
        self.push(what[0], Some(told), heard, broken.or(misled));
        if self.setting.lost && next.rec != sent.rec {
            self.push(what[1], Some(told), next, broken);
        }
        if sent.copies < self.setting.copies {
            let mut next = *sent;
            next.copies += 1;
            if next.post(msg) {
                self.push(what[2], None, next, None);
            }
        }
    }

    /// A request arrives whose answer nobody waits for.
    pub(crate) fn late(&mut self, what: &'static str, sent: &World, msg: Msg) {
        let (next, told, broken) = sent.apply(self.setting, &msg);
        self.push(what, Some(told), next, broken);
    }

    pub(crate) fn push(
        &mut self,
        what: &'static str,
        told: Option<Told>,
        next: World,
        broken: Option<Broken>,
    ) {
        let world = next.canonical(self.setting);
        if world == self.from && broken.is_none() {
            return;
        }
        self.found.push(Found { step: Step { worker: self.worker, what, told }, world, broken });
    }
}

impl World {
    /// Puts a request on its way; false if there is no room.
    pub(crate) fn post(&mut self, msg: Msg) -> bool {
        match self.bag.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(msg);
                true
            }
            None => false,
        }
    }
}
