//! Lanes: in each, robot after robot is started and killed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use idempotent::protocol::Micros;
use idempotent_tests::robot::{Form, Stops, Task, Told};
use idempotent_tests::{Child, Scene};

use super::life::{Life, Says};

const HOUR: Micros = 3_600_000_000;
/// The wall clocks of the lanes. Nothing but `keep` may depend on them.
const SKEWS: [Micros; 4] = [0, 0, HOUR, -HOUR];

/// Where half of the kills hit: at the n-th time that a robot comes by.
const POINTS: [&str; 13] = [
    "before claim",
    "after claim",
    "in the check",
    "before proceed",
    "after proceed",
    "before the effect",
    "before mark",
    "after mark",
    "in the effect",
    "after the effect",
    "before settle",
    "after settle",
    "waiting",
];

/// What all robots have said.
#[derive(Default)]
pub(super) struct Seen {
    /// The jobs that were begun.
    pub(super) begun: BTreeSet<u64>,
    /// Every answer that reached somebody, final or not.
    pub(super) answers: BTreeMap<u64, Vec<Told>>,
    /// How many kills hit each point; those at random times under "".
    pub(super) kills: BTreeMap<&'static str, usize>,
}

impl Seen {
    fn hear(&mut self, said: &[String]) -> Heard {
        let mut heard = Heard::default();
        for line in said {
            match serde_json::from_str(line).unwrap() {
                Says::Begins(job) => {
                    heard.begun.insert(job);
                    self.begun.insert(job);
                }
                Says::Answers(job, told) => {
                    if is_final(&told) {
                        heard.answered.insert(job);
                    }
                    self.answers.entry(job).or_default().push(told);
                }
            }
        }
        heard
    }
}

#[derive(Default)]
struct Heard {
    begun: BTreeSet<u64>,
    answered: BTreeSet<u64>,
}

/// Whether a caller may stop calling: the booking, or the word that nobody knows.
pub(super) fn is_final(told: &Told) -> bool {
    matches!(&*told.code, "ok" | "in_doubt")
}

/// Random numbers that a seed brings back.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}

fn start(life: &Life) -> Child {
    Child::start("fleet::life::robot", "life", &serde_json::to_string(life).unwrap())
}

fn life(scene: &Scene, stops: Stops, skew: Micros, again: Vec<u64>, from: u64, to: u64) -> Life {
    let task = Task { stops, skew, ..scene.task(Form::Bare, "") };
    Life { task, again, from, to }
}

/// Kills `kills` robots, four at work at a time, and gives what they have said.
pub(super) fn kill(scene: &Scene, kills: usize, seed: u64) -> Seen {
    let seen = Mutex::new(Seen::default());
    let started = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (lane, skew) in SKEWS.into_iter().enumerate() {
            let (seen, started) = (&seen, &started);
            scope.spawn(move || {
                let mut dice = Dice::new(seed.wrapping_add(lane as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                let mut unanswered = BTreeSet::new();
                while started.fetch_add(1, Ordering::SeqCst) < kills {
                    // Near the others, so that they meet at keys.
                    let front = seen.lock().unwrap().begun.last().map_or(0, |job| job + 1);
                    let from = front.saturating_sub(dice.below(6));
                    let again = unanswered.iter().copied().collect();
                    let (point, said) = one_life(scene, skew, again, from, &mut dice);
                    let mut seen = seen.lock().unwrap();
                    *seen.kills.entry(point).or_default() += 1;
                    let heard = seen.hear(&said);
                    unanswered.extend(heard.begun);
                    unanswered.retain(|job| !heard.answered.contains(job));
                }
            });
        }
    });
    seen.into_inner().unwrap()
}

/// Kills a robot, which must not have ended by itself: what it said.
fn killed(child: Child) -> Vec<String> {
    let (status, said) = child.kill_and_hear();
    assert_eq!(status.signal(), Some(9), "the robot had ended: {status}");
    said
}

/// One robot from its start to its kill: where it was killed, and what it said.
fn one_life(
    scene: &Scene,
    skew: Micros,
    again: Vec<u64>,
    from: u64,
    dice: &mut Dice,
) -> (&'static str, Vec<String>) {
    let to = from + 5_000;
    if dice.below(2) == 0 {
        let child = start(&life(scene, Stops::Nowhere, skew, again, from, to));
        thread::sleep(Duration::from_micros(dice.below(150_000)));
        if dice.below(4) == 0 {
            // Stopped first, perhaps in the middle of a commit.
            child.stop();
            thread::sleep(Duration::from_micros(dice.below(20_000)));
        }
        return ("", killed(child));
    }
    let point = POINTS[usize::try_from(dice.below(POINTS.len() as u64)).unwrap()];
    let rare = point.ends_with("check") || point.ends_with("proceed");
    let nth = if rare { 1 } else { 1 + dice.below(8) };
    let stops = Stops::At(point.to_owned(), usize::try_from(nth).unwrap());
    let mut child = start(&life(scene, stops, skew, again, from, to));
    // A robot does not come by every point so often.
    let reached = child.step_within(Duration::from_millis(200)).is_some();
    (if reached { point } else { "" }, killed(child))
}

/// One more robot that calls every job, and is not killed: its answers.
pub(super) fn finish(scene: &Scene, jobs: &BTreeSet<u64>) -> BTreeMap<u64, Told> {
    let mut child = start(&life(scene, Stops::Nowhere, 0, jobs.iter().copied().collect(), 0, 0));
    assert_eq!(child.step(), Err(String::new()));
    let mut seen = Seen::default();
    seen.hear(&child.kill_and_hear().1);
    let last = |told: Vec<Told>| told.into_iter().next_back().unwrap();
    seen.answers.into_iter().map(|(job, told)| (job, last(told))).collect()
}
