//! Breadth first over all states that a setting can reach, so that the first bad run found is a shortest one.

use std::collections::HashSet;
use std::fmt::Write as _;

use idempotent::protocol::State;

use crate::promises::{self, Broken};
use crate::setting::Setting;
use crate::steps::{Step, Steps};
use crate::store::Told;
use crate::world::{Rec, World};

/// What a search found.
pub(crate) struct Found {
    pub(crate) states: usize,
    pub(crate) bad: Option<Bad>,
}

pub(crate) struct Bad {
    pub(crate) promise: Broken,
    pub(crate) run: String,
}

/// Searches all that can happen under `setting`, from the empty record.
///
/// `only` looks for one promise and goes on where another is broken; without it, any will do.
pub(crate) fn search(setting: &Setting, only: Option<Broken>) -> Found {
    let start = World::new(setting).canonical(setting);
    let mut seen = HashSet::from([start.digest()]);
    // For each state: the state it was reached from, and by which of that one's steps.
    let mut reached: Vec<(u32, u16)> = vec![(0, 0)];
    let mut layer = vec![(start, 0)];
    let mut room = Vec::new();
    while !layer.is_empty() {
        let mut below = Vec::new();
        for (world, number) in layer {
            room = Steps::of(setting, world, room);
            for (at, found) in room.iter().enumerate() {
                let new = seen.insert(found.world.digest());
                let broken = found
                    .broken
                    .or_else(|| if new { promises::of_state(&found.world, setting) } else { None });
                if let Some(promise) = broken
                    && only.is_none_or(|only| only == promise)
                {
                    let run = tell(setting, start, &reached, number, at);
                    return Found { states: reached.len(), bad: Some(Bad { promise, run }) };
                }
                if new {
                    below.push((found.world, reached.len() as u32));
                    reached.push((number, at as u16));
                }
            }
        }
        layer = below;
    }
    Found { states: reached.len(), bad: None }
}

/// The run that leads to a state's last step, line by line.
fn tell(setting: &Setting, start: World, reached: &[(u32, u16)], last: u32, at: usize) -> String {
    let mut path = vec![at];
    let mut number = last;
    while number != 0 {
        let (from, step) = reached[number as usize];
        path.push(usize::from(step));
        number = from;
    }
    let mut world = start;
    let mut told = String::new();
    for (line, at) in path.into_iter().rev().enumerate() {
        let found = &Steps::of(setting, world, Vec::new())[at];
        world = found.world;
        let _ =
            writeln!(told, "{:4}. {:52} | {}", line + 1, found.step.to_string(), shown(world.rec.as_ref()));
        if let Some(promise) = found.broken.or_else(|| promises::of_state(&world, setting)) {
            let _ = writeln!(told, "      broken: {promise}");
        }
    }
    told
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(worker) = self.worker {
            write!(f, "{} ", ["A", "B", "C"][usize::from(worker)])?;
        }
        write!(f, "{}", self.what)?;
        match self.told {
            None => Ok(()),
            Some(Told::Run(_)) => write!(f, ": Run"),
            Some(Told::Check { quiet, .. }) => write!(f, ": Check, quiet in {quiet}"),
            Some(Told::Settled(state)) => write!(f, ": Settled, {}", state.name()),
            Some(told) => write!(f, ": {told:?}"),
        }
    }
}

fn shown(rec: Option<&Rec>) -> String {
    let Some(rec) = rec else { return "no record".into() };
    let mut text = format!("{} fence {}", rec.state.name(), rec.fence);
    if rec.owner != 0 {
        let (worker, call) = ((rec.owner - 1) / 4, (rec.owner - 1) % 4 + 1);
        let _ = write!(text, " owner {}{call}", ["A", "B", "C"][usize::from(worker)]);
    }
    for (set, word) in [(rec.effect, "effect"), (rec.prior, "prior"), (rec.rerun, "rerun")] {
        if set {
            let _ = write!(text, " {word}");
        }
    }
    if rec.state == State::Running {
        let _ = write!(text, " lease {}", rec.lease);
    }
    if rec.after != 0 {
        let _ = write!(text, " after {}", rec.after);
    }
    if matches!(rec.state, State::Done | State::Failed) {
        let _ = write!(text, " value {}", rec.value);
    }
    text
}

/// The search without one rule must break that promise; with the rule back it must break none.
pub(crate) fn needs(setting: &Setting, rule: crate::setting::Rule, promise: Broken) {
    let without = search(&setting.without(rule), Some(promise));
    let Some(bad) = without.bad else {
        panic!("without {rule:?} nothing goes wrong in {} states of this setting", without.states);
    };
    println!("without {rule:?}: {}, found after {} states\n{}", bad.promise, without.states, bad.run);
    println!("with it: {} states, clean", holds(setting));
}

/// No run of the setting breaks a promise; how many states it has.
pub(crate) fn holds(setting: &Setting) -> usize {
    let found = search(setting, None);
    if let Some(bad) = found.bad {
        panic!("{}\n{}", bad.promise, bad.run);
    }
    found.states
}
