//! The SQLite store and the memory store run the same protocol: the same requests in the same order get the same
//! answers and leave the same records.
//!
//! Fences differ in number, not in order, so each key's fences are told apart by their turn. The seed of each
//! history is printed with its failure; `IDEMPOTENT_TEST_SEED` runs one alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use idempotent::key::Key;
use idempotent::protocol::{
    Answer, Claim, Fence, Held, Operator, Policy, Process, Record, Request, Resolution, Seen, State,
};
use idempotent::store::Which;
use idempotent::testing::FakeClock;
use idempotent::{MemoryStore, SqliteStore, Store};

use super::support::*;

/// A small generator of numbers (xorshift): the same seed gives the same history on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn heads(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len() as u64) as usize].clone()
    }
}

/// The fences of one key in both stores, oldest first.
#[derive(Default)]
struct Fences(Vec<(Fence, Fence)>);

impl Fences {
    /// Notes a pair that came up together.
    fn meet(&mut self, memory: Fence, sqlite: Fence) {
        if self.0.last() != Some(&(memory, sqlite)) && !self.0.contains(&(memory, sqlite)) {
            if let Some((before, there)) = self.0.last() {
                assert!(memory > *before && sqlite > *there, "a fence went back");
            }
            self.0.push((memory, sqlite));
        }
    }

    /// A fence of this key, mostly the last one; `None` if there was none yet.
    fn pick(&self, dice: &mut Dice) -> (Fence, Fence) {
        let last = self.0.len().wrapping_sub(1);
        let index = if dice.roll(5) == 0 { dice.roll(self.0.len().max(1) as u64) as usize } else { last };
        self.0.get(index).copied().unwrap_or((Fence(1), Fence(1)))
    }
}

fn fence_of(answer: &mut Answer) -> Option<&mut Fence> {
    match answer {
        Answer::Run(grant) | Answer::Check { grant, .. } => Some(&mut grant.fence),
        Answer::Busy(busy) => Some(&mut busy.fence),
        Answer::InDoubt(doubt) => Some(&mut doubt.fence),
        Answer::Replay(_)
        | Answer::KeyReused { .. }
        | Answer::Unreadable { .. }
        | Answer::Stale
        | Answer::Ok
        | Answer::Early { .. }
        | Answer::Fenced(_)
        | Answer::Settled(_)
        | Answer::NotFound => None,
    }
}

/// Takes out of an answer what depends on how a store sees its holders.
fn plain(answer: &mut Answer) {
    if let Answer::Busy(busy) = answer {
        (busy.left, busy.holder, busy.named) = (0, None, None);
    }
}

struct Pair {
    place: Place,
    clock: FakeClock,
    memory: MemoryStore,
    sqlite: SqliteStore,
    fences: HashMap<Key, Fences>,
    /// Whether holders die in this history. Then the moment from which quiet time counts differs: the end of a
    /// lease there, the death here.
    deaths: bool,
}

impl Pair {
    fn new(deaths: bool) -> Pair {
        let (place, clock) = (Place::new(), FakeClock::new());
        let sqlite = place.open_at(&clock);
        let memory = MemoryStore::with_clock(Arc::new(clock.clone()));
        Pair { place, clock, memory, sqlite, fences: HashMap::new(), deaths }
    }

    fn die(self) -> Pair {
        let Pair { place, clock, memory, sqlite, fences, deaths } = self;
        drop(sqlite);
        // In memory a holder is dead when its lease has passed.
        clock.advance(Duration::from_micros(2 * LEASE as u64));
        let sqlite = place.open_at(&clock);
        Pair { place, clock, memory, sqlite, fences, deaths }
    }

    fn step(&mut self, dice: &mut Dice) {
        // More than fences can grow in one step, so that they never meet the clock.
        self.clock.advance(Duration::from_micros(50 + dice.roll(500)));
        let subject = subject(dice.of(&["a", "b", "c"]));
        let fences = self.fences.entry(subject.key).or_default();
        let (memory, sqlite) = request(dice, fences, self.deaths);
        let told = format!("{sqlite:?}");
        let mut expected = wait(self.memory.apply(&subject, memory)).unwrap();
        let mut found = if dice.heads() {
            wait(self.sqlite.apply(&subject, sqlite)).unwrap()
        } else {
            self.sqlite.apply_blocking(&subject, sqlite).unwrap()
        };
        if let (Some(left), Some(right)) = (fence_of(&mut expected), fence_of(&mut found)) {
            fences.meet(*left, *right);
            (*left, *right) = (Fence(0), Fence(0));
        }
        plain(&mut expected);
        plain(&mut found);
        assert_eq!(found, expected, "the answer to {told}");
        self.compare(&subject.key);
    }

    fn compare(&mut self, key: &Key) {
        let left = wait(self.memory.load(key)).unwrap();
        let right = wait(self.sqlite.load(key)).unwrap();
        match (left, right) {
            (None, None) => {}
            (Some(left), Some(right)) => {
                let (mut expected, mut found) = (left.record.unwrap(), right.record.unwrap());
                let fences = self.fences.entry(*key).or_default();
                fences.meet(expected.fence, found.fence);
                for record in [&mut expected, &mut found] {
                    record.fence = Fence(0);
                    record.holder = None::<Process>;
                    if self.deaths {
                        record.quiet_from = None;
                    }
                }
                assert_eq!(found, expected);
                assert_eq!((left.subject, left.status), (right.subject, right.status));
            }
            (left, right) => panic!("memory {left:?}, SQLite {right:?}"),
        }
        let lines = |store: &dyn Store| {
            let trail = wait(store.trail(key)).unwrap();
            trail
                .into_iter()
                .map(|line| (line.at, line.what, line.by, line.why, line.before, line.after))
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&self.sqlite), lines(&self.memory));
    }

    fn compare_lists(&self) {
        for which in [Which::All, Which::InDoubt, Which::Unfinished] {
            let keys = |store: &dyn Store| -> Vec<(Key, Option<State>)> {
                let shown = list(store, which);
                let state = |record: &Record| record.state;
                shown.iter().map(|entry| (entry.subject.key, entry.record.as_ref().ok().map(state))).collect()
            };
            assert_eq!(keys(&self.sqlite), keys(&self.memory), "{which:?}");
        }
    }
}

/// The same request for both, each with the fence that it knows.
fn request(dice: &mut Dice, fences: &Fences, deaths: bool) -> (Request, Request) {
    let number = 1 + dice.roll(6) as u8;
    let (memory, sqlite) = fences.pick(dice);
    let state = dice.of(&[State::Running, State::InDoubt]);
    let (effect, prior) = (dice.heads(), dice.heads());
    let operator = |fence| {
        let seen = Seen { fence, state, effect, prior };
        Operator { seen, by: "ada".into(), why: "looked".into() }
    };
    let hold = |fence| Held { token: token(number), fence };
    let after = if deaths { 0 } else { dice.of(&[0, 300, 2_000]) };
    let keep = dice.of(&[None, None, Some(400)]);
    let text: Option<Arc<str>> = dice.of(&[None, Some("timeout".into())]);
    let json = dice.of(&["1", "{\"id\":7}"]);
    let both = |make: &dyn Fn(Fence) -> Request| (make(memory), make(sqlite));
    match dice.roll(20) {
        0..=6 => {
            let asked = Claim {
                fingerprint: if dice.roll(8) == 0 { [8; 64] } else { [7; 64] },
                policy: dice.of(&[Policy::Stay, Policy::Check, Policy::Check, Policy::Rerun]),
                after,
                has_marker: dice.roll(3) > 0,
                first: dice.roll(6) == 0,
                ..asked(number)
            };
            both(&|_| Request::Claim(asked.clone()))
        }
        7 | 8 => both(&|fence| mark(hold(fence))),
        9 => {
            let has_marker = dice.heads();
            both(&|fence| Request::Proceed { held: hold(fence), has_marker, after, lease: LEASE })
        }
        10 => both(&|fence| Request::Renew { held: hold(fence), lease: LEASE }),
        11 | 12 => both(&|fence| {
            let resolution = Resolution::Done { value: value(json), keep };
            Request::Settle { held: hold(fence), resolution }
        }),
        13 => both(&|fence| {
            let resolution = Resolution::Failed { error: value(json), text: "refused".into(), keep };
            Request::Settle { held: hold(fence), resolution }
        }),
        14 => both(&|fence| Request::Settle {
            held: hold(fence),
            resolution: Resolution::Free { last_error: text.clone() },
        }),
        15 => both(&|fence| Request::Settle {
            held: hold(fence),
            resolution: Resolution::InDoubt { last_error: text.clone() },
        }),
        16 => match dice.heads() {
            true => both(&|_| Request::Abandon { token: token(number) }),
            false => both(&|_| Request::Note { token: token(number), text: "late".into() }),
        },
        17 => match dice.heads() {
            true => both(&|fence| Request::ResolveDone { operator: operator(fence), value: value(json) }),
            false => both(&|fence| Request::ResolveFree { operator: operator(fence) }),
        },
        18 => match dice.heads() {
            true => both(&|fence| Request::Revoke { operator: operator(fence) }),
            false => both(&|fence| Request::Forget { operator: operator(fence) }),
        },
        _ => both(&|fence| Request::Sweep { fence }),
    }
}

fn history(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let deaths = dice.heads();
    let mut pair = Pair::new(deaths);
    for _ in 0..80 {
        pair.step(&mut dice);
        if deaths && dice.roll(25) == 0 {
            pair = pair.die();
        }
    }
    pair.compare_lists();
}

/// Fails when a column is lost or changed on its way to the file and back, when a move is decided otherwise
/// than by the protocol, or when a hit is answered otherwise than a write.
#[test]
fn random_histories_agree_with_the_memory_store() {
    if let Ok(seed) = std::env::var("IDEMPOTENT_TEST_SEED") {
        return history(seed.parse().expect("a number"));
    }
    let first = u64::from(std::process::id()) * 1_000;
    for seed in first..first + 40 {
        let run = std::panic::catch_unwind(|| history(seed));
        assert!(run.is_ok(), "IDEMPOTENT_TEST_SEED={seed} shows it again");
    }
}
