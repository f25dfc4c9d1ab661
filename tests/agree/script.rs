//! What happens in a sequence: the table of moves, and how their parts are chosen.
//!
//! A step names its token, fence and sight by what they are to the record (its owner, the fence before), so that the
//! same step means the same in every store, whatever numbers it hands out.

use std::sync::Arc;

use idempotent::protocol::{Micros, Policy, Value};

use crate::dice::Dice;

/// The lease that every claim asks for: a millisecond.
pub(crate) const LEASE: Micros = 1_000;

/// On whose behalf a request is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// The record's owner.
    Owner,
    /// The last attempt that may have acted.
    Late,
    /// The n-th claim of the sequence from the end.
    Earlier(usize),
    /// Nobody who was here before.
    New,
}

/// Which fence a request carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fenced {
    /// The record's own.
    Now,
    /// The n-th before it.
    Before(usize),
    /// One that was never granted.
    Never,
}

/// What an operator saw of the effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sight {
    /// What is there.
    Right,
    /// The state, but not what `mark` or `proceed` did since.
    Old,
}

/// One move, with what it says.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Claim { who: Who, other_arguments: bool, policy: Policy, first: bool, after: Micros, has_marker: bool },
    Proceed { who: Who, fence: Fenced, has_marker: bool, after: Micros },
    Mark { who: Who, fence: Fenced },
    Renew { who: Who, fence: Fenced },
    Done { who: Who, fence: Fenced, value: Value, keep: Option<Micros> },
    Failed { who: Who, fence: Fenced, value: Value, keep: Option<Micros> },
    Free { who: Who, fence: Fenced, text: Option<Arc<str>> },
    InDoubt { who: Who, fence: Fenced, text: Option<Arc<str>> },
    Abandon { who: Who },
    Note { who: Who },
    ResolveDone { fence: Fenced, sight: Sight, value: Value },
    ResolveFree { fence: Fenced, sight: Sight },
    Revoke { fence: Fenced, sight: Sight },
    Forget { fence: Fenced, sight: Sight },
    Sweep { fence: Fenced },
}

/// One step of a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Time that passes before it, on both clocks.
    pub(crate) passes: Micros,
    /// By how much the wall clock is set, besides.
    pub(crate) wall: Micros,
    pub(crate) event: Option<Event>,
    /// Which of the keys.
    pub(crate) key: usize,
    /// Which of the processes that have the store open.
    pub(crate) process: usize,
    pub(crate) blocking: bool,
    pub(crate) ask: Ask,
}

/// What happens to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// It dies, and another one takes its place.
    Death(usize),
    /// All die, and what would prove it is gone, too.
    LostProof,
}

pub(crate) const KEYS: usize = 2;
pub(crate) const PROCESSES: usize = 2;

/// How a sequence goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    /// No lease lapses and nobody dies, so that every store sees the same holders alive.
    Calm,
    /// Leases lapse.
    Slow,
    /// Leases lapse, processes die.
    Deadly,
}

/// A sequence of moves, some or some hundred.
pub(crate) fn sequence(dice: &mut Dice, is_long: bool) -> (Mood, Vec<Step>) {
    let mood = match dice.roll(20) {
        0..=8 if is_long => Mood::Slow,
        0..=8 => Mood::Calm,
        9..=17 => Mood::Slow,
        _ => Mood::Deadly,
    };
    let length = if is_long { 400 } else { 8 + dice.roll(25) };
    (mood, (0..length).map(|_| step(dice, mood)).collect())
}

fn step(dice: &mut Dice, mood: Mood) -> Step {
    let passes = match mood {
        // At most 33 steps of at most 20 are less than a lease.
        Mood::Calm => dice.of(&[0, 1, 20]),
        Mood::Slow | Mood::Deadly => dice.of(&[0, 1, 100, 300, LEASE - 1, LEASE, 3 * LEASE]),
    };
    let wall = if dice.once_in(12) { dice.of(&[-5_000, -100, 100, 5_000]) } else { 0 };
    let dies = mood == Mood::Deadly && dice.once_in(8);
    let event = dies.then(|| match dice.roll(4) {
        0 => Event::LostProof,
        _ => Event::Death(dice.roll(PROCESSES as u64) as usize),
    });
    Step {
        passes,
        wall,
        event,
        // One of the keys has most of it, so that long lives come about.
        key: usize::from(dice.once_in(4)),
        process: dice.roll(PROCESSES as u64) as usize,
        blocking: dice.once_in(2),
        ask: ask(dice),
    }
}

/// The table of moves: of a hundred moves, how many are of each kind.
fn ask(dice: &mut Dice) -> Ask {
    let who = match dice.roll(20) {
        0..=11 => Who::Owner,
        12..=15 => Who::Late,
        16 | 17 => Who::Earlier(dice.roll(4) as usize),
        _ => Who::New,
    };
    let fence = match dice.roll(12) {
        // An attempt that was taken over knows the fence before.
        0..=7 if who == Who::Late => Fenced::Before(1 + dice.roll(2) as usize),
        0..=8 => Fenced::Now,
        9 | 10 => Fenced::Before(1 + dice.roll(3) as usize),
        _ => Fenced::Never,
    };
    let sight = if dice.once_in(4) { Sight::Old } else { Sight::Right };
    let after = dice.of(&[0, 0, 300, 6 * LEASE]);
    let keep = dice.of(&[None, None, Some(0), Some(400)]);
    let text = dice.of(&[None, Some("timeout".into()), Some("né \"1\"\0".into())]);
    let has_marker = !dice.once_in(3);
    match dice.roll(100) {
        0..=25 => {
            let (policy, first) = dice.of(&[
                (Policy::Stay, false),
                (Policy::Check, false),
                (Policy::Check, false),
                (Policy::Check, true),
                (Policy::Rerun, false),
            ]);
            let who = match dice.roll(10) {
                0 | 1 => Who::Owner,
                2 => Who::Earlier(dice.roll(4) as usize),
                _ => Who::New,
            };
            Ask::Claim { who, other_arguments: dice.once_in(8), policy, first, after, has_marker }
        }
        26..=38 => Ask::Proceed { who, fence, has_marker, after },
        39..=46 => Ask::Mark { who, fence },
        47..=50 => Ask::Renew { who, fence },
        51..=57 => {
            // Late truth is rare, and three cells are about it.
            let late = dice.of(&[Fenced::Now, Fenced::Before(1)]);
            let (who, fence) = if dice.once_in(3) { (Who::Late, late) } else { (who, fence) };
            Ask::Done { who, fence, value: value(dice), keep }
        }
        58..=61 => Ask::Failed { who, fence, value: value(dice), keep },
        62..=65 => Ask::Free { who, fence, text },
        66..=71 => Ask::InDoubt { who, fence, text },
        72..=74 => Ask::Abandon { who },
        75..=76 => Ask::Note { who },
        77..=81 => Ask::ResolveDone { fence, sight, value: value(dice) },
        82..=86 => Ask::ResolveFree { fence, sight },
        87..=91 => Ask::Revoke { fence, sight },
        92..=95 => Ask::Forget { fence, sight },
        _ => Ask::Sweep { fence },
    }
}

fn value(dice: &mut Dice) -> Value {
    let bytes = |bytes: &[u8], codec: &str, version| Value::Bytes {
        bytes: bytes.into(),
        codec: codec.into(),
        version,
    };
    match dice.roll(7) {
        0 => bytes(b"\xff\0'", "bin \"x\"", u32::MAX),
        1 => bytes(b"", "json", 0),
        2 => Value::Missing { why: "NaN is not \"JSON\"".into() },
        3 => bytes(b"null", "json", 1),
        _ => bytes(format!("{{\"id\": {}}}", dice.roll(1_000)).as_bytes(), "json", 1),
    }
}
