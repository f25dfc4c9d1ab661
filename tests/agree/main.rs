//! Random sequences of moves, on the pure protocol and on every store: the same answers, the same records, the same
//! trails, the same lists.
//!
//! Each store is compared with the pure protocol under the same time and the same holders: memory and the compare-and-swap
//! adapter are told who is alive by leases, SQLite by the locks of its processes, and the adapter once more by an engine
//! that sees them. In half of the sequences nothing lapses and nobody dies; there the first three must agree with each
//! other, too.
//!
//! What makes it fail when taken away: any column of a store, any field that is written or read, any answer that is
//! not the protocol's, a hit that is answered otherwise than a write, a holder that is taken for dead or alive. And in
//! the protocol, whose every move is looked at: the comparison of token and fence (I1), the rule that an ending is never
//! overwritten (I2), `prior` and `effect` in a grant over doubt, `rerun` (I4), the take-over of what has lapsed (I5), the
//! comparison of fingerprints (I6).
//!
//! `IDEMPOTENT_TEST_SEQUENCES` is how many (10,000), `IDEMPOTENT_TEST_SEED` the first one's seed, which is printed.

mod cells;
mod dice;
mod kinds;
mod model;
mod promises;
mod script;
mod side;
#[expect(dead_code, reason = "the records and requests of the protocol's table, without its words")]
#[path = "../protocol/cells.rs"]
mod table;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use idempotent::Clock;
use idempotent::key::Key;
use idempotent::protocol::{Answer, Fence};
use idempotent::store::Subject;
use idempotent::testing::FakeClock;

use cells::Met;
use dice::Dice;
use kinds::{Memory, Sqlite, Swapped};
use model::{Life, Model};
use script::{Event, KEYS, Mood, Step};
use side::{Kind, Side};

/// After so many sequences the stores are made anew, so that lists stay short.
const BATCH: u64 = 25;
const THREADS: u64 = 2;

/// One kind of life, its time, and the stores that live it.
struct World {
    life: Life,
    clock: FakeClock,
    sides: Vec<Side>,
}

impl World {
    fn new(life: Life, sides: impl FnOnce(&FakeClock) -> Vec<Side>) -> World {
        let clock = FakeClock::new();
        World { life, sides: sides(&clock), clock }
    }

    fn passes(&self, step: &Step) {
        self.clock.advance(Duration::from_micros(step.passes.unsigned_abs()));
        if self.life != Life::Seen {
            self.clock.step_wall(step.wall);
        }
    }
}

/// Plays one sequence; an error says what differs, and where.
fn play(seed: u64, worlds: &mut [World], met: &mut Met) -> Result<(), String> {
    let mut dice = Dice::new(seed);
    let (mood, steps) = script::sequence(&mut dice, worlds.iter().all(|world| world.sides.is_empty()));
    let mut subjects: Vec<_> = (0..KEYS).map(|_| subject(&mut dice, seed)).collect();
    subjects.sort_by_key(|subject| subject.key);
    let mut models: Vec<Model> = worlds.iter().map(|world| Model::new(world.life, seed)).collect();
    worlds.iter_mut().flat_map(|world| &mut world.sides).for_each(Side::forget);
    for (number, step) in steps.iter().enumerate() {
        let mut answers = Vec::new();
        for (world, model) in worlds.iter_mut().zip(&mut models) {
            world.passes(step);
            happen(step.event, world, model);
            let told = take(step, &subjects[step.key], world, model, met).map_err(|why| {
                format!("seed {seed}, {mood:?}, step {number} of {}: {why}\n{step:#?}", steps.len())
            })?;
            if world.life != Life::Seen {
                answers.push(told);
            }
        }
        let plain: Vec<Answer> = answers.into_iter().map(plain).collect();
        if mood == Mood::Calm && plain.iter().any(|answer| *answer != plain[0]) {
            return Err(format!("seed {seed}, step {number}: the stores answer {plain:#?} to {step:#?}"));
        }
    }
    for (world, model) in worlds.iter_mut().zip(&models) {
        for side in &mut world.sides {
            let context = |key: &Key| model.context(key, 0, world.clock.now(), world.clock.wall());
            side.compare_at_the_end(model, &subjects, context)
                .map_err(|why| format!("seed {seed}, at the end, {}: {why}", side.kind.name()))?;
        }
    }
    Ok(())
}

fn subject(dice: &mut Dice, seed: u64) -> Arc<Subject> {
    let mut key = [0; 32];
    key.chunks_mut(8).for_each(|part| part.copy_from_slice(&dice.next().to_be_bytes()));
    let name = format!("agree.{seed}");
    Arc::new(Subject {
        key: Key::from_bytes(key),
        scope: "tenant".into(),
        operation: name.into(),
        call: "1".into(),
    })
}

fn happen(event: Option<Event>, world: &mut World, model: &mut Model) {
    match event {
        None => {}
        Some(Event::Death(place)) => {
            model.death(place);
            world.sides.iter_mut().for_each(|side| side.kind.death(place));
        }
        Some(Event::LostProof) => {
            model.lost_proof();
            world.sides.iter_mut().for_each(|side| side.kind.lost_proof());
        }
    }
}

/// One move on the model and on its stores.
fn take(
    step: &Step,
    subject: &Arc<Subject>,
    world: &mut World,
    model: &mut Model,
    met: &mut Met,
) -> Result<Answer, String> {
    let key = &subject.key;
    let request = model.request(key, &step.ask);
    let context = model.context(key, step.process, world.clock.now(), world.clock.wall());
    let before = model.records.get(key).cloned();
    let answer = model
        .apply(key, &request, &context)
        .map_err(|broken| format!("{broken}\n  {request:?}\n  on {before:?}"))?;
    met.count(before.as_ref(), &request, &context, &answer);
    for side in &mut world.sides {
        let found = side
            .apply(model, subject, &request, step.process, step.blocking)
            .map_err(|why| format!("{}: {why}\n  {request:?}\n  on {before:?}", side.kind.name()))?;
        if found != answer {
            return Err(format!(
                "{} answers\n  {found:?}\nand should\n  {answer:?}\n  to {request:?}\n  on {before:?}",
                side.kind.name()
            ));
        }
    }
    Ok(answer)
}

/// An answer without what a kind of life adds to it.
fn plain(mut answer: Answer) -> Answer {
    if let Answer::Busy(busy) = &mut answer {
        (busy.left, busy.holder, busy.fence) = (0, None, Fence(0));
    }
    answer
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays the sequences of these seeds, with stores of its own.
fn part(seeds: std::ops::Range<u64>) -> Result<Met, String> {
    let mut met = Met::default();
    for first in seeds.clone().step_by(BATCH as usize) {
        let side = |kind: Box<dyn Kind>| Side::new(kind);
        let mut worlds = [
            World::new(Life::Leases, |clock| {
                vec![side(Box::new(Memory::new(clock))), side(Box::new(Swapped::by_leases(clock)))]
            }),
            World::new(Life::Locks, |clock| vec![side(Box::new(Sqlite::new(clock)))]),
            World::new(Life::Seen, |clock| vec![side(Box::new(Swapped::by_holders(clock)))]),
        ];
        for seed in first..(first + BATCH).min(seeds.end) {
            play(seed, &mut worlds, &mut met)?;
        }
    }
    Ok(met)
}

#[test]
fn every_store_does_what_the_protocol_says() {
    let sequences = number("IDEMPOTENT_TEST_SEQUENCES").unwrap_or(10_000);
    let first = number("IDEMPOTENT_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20);
    println!("{sequences} sequences from seed {first} on; IDEMPOTENT_TEST_SEED={first} plays them again");
    let share = sequences.div_ceil(THREADS);
    let parts: Vec<Result<Met, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|n| (first + n * share)..(first + (n + 1) * share).min(first + sequences))
            .map(|seeds| scope.spawn(|| part(seeds)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a panic, see above".into())))
            .collect()
    });
    let mut met = Met::default();
    for part in parts {
        met.add(&part.unwrap_or_else(|why| panic!("{why}\nIDEMPOTENT_TEST_SEED={first}")));
    }
    for (cell, times) in &met.0 {
        println!("{times:7}  {} · {} · {} · {}", cell.0, cell.1, cell.2, cell.3);
    }
    let possible = cells::possible();
    let (missed, unknown) = (met.missed(&possible), met.unknown(&possible));
    let (moves, cells) = (met.0.values().sum::<usize>(), possible.len());
    println!("{moves} moves, {} of {cells} cells", cells - missed.len());
    assert!(unknown.is_empty(), "the protocol's table does not have: {unknown:#?}");
    assert!(sequences < 10_000 || missed.is_empty(), "never met: {missed:#?}");
}

/// The protocol alone, in sequences of some hundred moves.
#[test]
fn the_promises_hold_in_long_lives() {
    let first = number("IDEMPOTENT_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20);
    println!("400 sequences from seed {first} on; IDEMPOTENT_TEST_SEED={first} plays them again");
    let mut met = Met::default();
    for seed in first..first + 400 {
        let mut worlds = [Life::Leases, Life::Locks].map(|life| World::new(life, |_| Vec::new()));
        play(seed, &mut worlds, &mut met).unwrap_or_else(|why| panic!("{why}"));
    }
    println!("{} moves, {} cells", met.0.values().sum::<usize>(), met.0.len());
    let unknown = met.unknown(&cells::possible());
    assert!(unknown.is_empty(), "the protocol's table does not have: {unknown:#?}");
}
