//! Lanes: in each, process after process is started and killed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use idempotent::protocol::Micros;
use idempotent_tests::robot::{Ends, Form, Stops, Task, Told};
use idempotent_tests::{Child, Scene};
use indicatif::ProgressBar;

use super::life::{Life, Says, Work, form};
use super::locks::Busy;

const HOUR: Micros = 3_600_000_000;
/// The wall clocks of the lanes. Nothing but `keep` may depend on them.
const SKEWS: [Micros; 4] = [0, 0, HOUR, -HOUR];

/// Where robots are killed at the n-th time that they come by; the first three only by way of a check.
const POINTS: [&str; 14] = [
    "in the check",
    "before proceed",
    "after proceed",
    "before claim",
    "after claim",
    "before the effect",
    "before mark",
    "after mark",
    "in the effect",
    "sent",
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
    /// How many robots were killed, by when.
    pub(super) kills: BTreeMap<String, usize>,
    /// How many operators, sweeps and other programs were killed, by when.
    pub(super) others: BTreeMap<String, usize>,
}

impl Seen {
    /// How many robots were killed.
    pub(super) fn killed(&self) -> usize {
        self.kills.values().sum()
    }

    fn hear(&mut self, said: &[String]) -> Heard {
        let mut heard = Heard::default();
        for line in said {
            match serde_json::from_str(line).unwrap() {
                Says::Begins(job) => {
                    heard.begun.insert(job);
                    self.begun.insert(job);
                }
                Says::Answers(job, told) => {
                    if is_final(job, &told) {
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

/// Whether a caller may stop calling: the booking, the portal's last word, or the word that nobody knows.
fn is_final(job: u64, told: &Told) -> bool {
    match &*told.code {
        "ok" | "in_doubt" => true,
        "portal" => form(job) == Form::Stored,
        _ => false,
    }
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

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    pub(super) fn sleep(&mut self, below: Duration) {
        thread::sleep(Duration::from_micros(self.below(u64::try_from(below.as_micros()).unwrap())));
    }
}

const MILLI: Duration = Duration::from_millis(1);

/// The fleet: where it works, and what has been seen of it.
struct Fleet<'a> {
    scene: &'a Scene,
    database: PathBuf,
    wanted: usize,
    seen: Mutex<Seen>,
    bar: ProgressBar,
}

/// A kill: when it hit, and what its process had said.
struct Kill {
    when: String,
    said: Vec<String>,
}

/// Kills `wanted` robots, four at work at a time, and whoever is at an errand beside them, and gives what was seen.
pub(super) fn kill(scene: &Scene, wanted: usize, seed: u64) -> Seen {
    let bar = ProgressBar::new(wanted as u64).with_message("kills");
    let database = scene.folder().join("records.db");
    let fleet = Fleet { scene, database, wanted, seen: Mutex::default(), bar };
    thread::scope(|scope| {
        let dice = |lane: u64| Dice::new(seed.wrapping_add(lane).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for (lane, skew) in SKEWS.into_iter().enumerate() {
            let (fleet, dice) = (&fleet, dice(lane as u64));
            scope.spawn(move || fleet.robots(skew, dice));
        }
        let (fleet, dice) = (&fleet, dice(SKEWS.len() as u64));
        scope.spawn(move || fleet.errands(dice));
    });
    fleet.bar.finish_and_clear();
    fleet.seen.into_inner().unwrap()
}

impl Fleet<'_> {
    fn goes_on(&self) -> bool {
        self.seen.lock().unwrap().killed() < self.wanted
    }

    fn count(&self, kill: Kill) -> Heard {
        let mut seen = self.seen.lock().unwrap();
        *seen.kills.entry(kill.when).or_default() += 1;
        self.bar.inc(1);
        seen.hear(&kill.said)
    }

    fn start(&self, stops: Stops, skew: Micros, work: Work) -> Child {
        let task = Task { stops, skew, ends: Ends::Moody, ..self.scene.task(Form::Bare, "") };
        start(&Life { task, work })
    }

    /// A lane of robots. What one has begun and not answered, its successor calls again.
    fn robots(&self, skew: Micros, mut dice: Dice) {
        let mut unanswered = BTreeSet::new();
        while self.goes_on() {
            // Near the others, so that they meet at keys.
            let front = self.seen.lock().unwrap().begun.last().map_or(0, |job| job + 1);
            let from = front.saturating_sub(dice.below(8));
            let again: Vec<u64> = unanswered.iter().copied().collect();
            for kill in self.lives(skew, &again, from, &mut dice) {
                let heard = self.count(kill);
                unanswered.extend(heard.begun);
                unanswered.retain(|job| !heard.answered.contains(job));
            }
        }
    }

    /// A robot, or two at once, from start to kill.
    fn lives(&self, skew: Micros, again: &[u64], from: u64, dice: &mut Dice) -> Vec<Kill> {
        let start = |stops, to| self.start(stops, skew, Work::Jobs { again: again.to_vec(), from, to });
        let far = from + 5_000;
        match dice.below(16) {
            0..=5 => {
                // Few come by a check; this one does.
                let doubts = again.iter().any(|job| form(*job).checks());
                let points = if doubts && dice.below(2) == 0 { &POINTS[..3] } else { &POINTS[3..] };
                vec![at_a_point(points, |stops| start(stops, far), dice)]
            }
            6..=8 => vec![at_a_time(start(Stops::Nowhere, far), dice)],
            9..=11 => {
                let busy = dice.one_of(&[Busy::Turn, Busy::Writes, Busy::Checkpoints]);
                let mut child = start(Stops::Nowhere, far);
                child.speaks();
                dice.sleep(20 * MILLI);
                vec![self.busy_with(busy, child)]
            }
            12 => vec![in_passing("opens", 5 * MILLI, |stops| start(stops, far), dice)],
            13 => vec![in_passing("closes", 3 * MILLI, |stops| start(stops, from + 3), dice)],
            _ => {
                let mut both = [start(Stops::Nowhere, far), start(Stops::Nowhere, far)];
                both.iter_mut().for_each(Child::speaks);
                dice.sleep(100 * MILLI);
                both.map(|child| ended("two at once", child)).into()
            }
        }
    }

    fn busy_with(&self, busy: Busy, child: Child) -> Kill {
        // A robot does not check point so often.
        let caught = busy.catch(&child, &self.database, 100 * MILLI);
        ended(&if caught { format!("has {busy:?}") } else { "at random".to_owned() }, child)
    }

    /// The lane of operators, sweeps and another program.
    fn errands(&self, mut dice: Dice) {
        while self.goes_on() {
            let kill = match dice.below(8) {
                0 => self.busy_with(Busy::Checkpoints, self.start(Stops::Nowhere, 0, Work::Checkpoints)),
                1..=2 => self.at_an_act("sweep", || Work::Sweeps, &mut dice),
                _ => self.at_an_act("act", || Work::Operates, &mut dice),
            };
            *self.seen.lock().unwrap().others.entry(kill.when).or_default() += 1;
        }
    }

    fn at_an_act(&self, act: &str, work: impl Fn() -> Work, dice: &mut Dice) -> Kill {
        let stops = match dice.below(3) {
            0 => Stops::Nowhere,
            1 => Stops::At(format!("before {act}"), 1),
            _ => Stops::At(format!("after {act}"), 1),
        };
        let mut child = self.start(stops.clone(), 0, work());
        let reached = match &stops {
            Stops::At(point, _) => child.step_within(150 * MILLI).is_some().then(|| point.clone()),
            Stops::Nowhere | Stops::Everywhere => {
                dice.sleep(100 * MILLI);
                None
            }
        };
        ended(&reached.unwrap_or_else(|| format!("in some {act}")), child)
    }
}

fn start(life: &Life) -> Child {
    Child::start("fleet::life::robot", "life", &serde_json::to_string(life).unwrap())
}

/// Kills a process, which must not have ended by itself.
fn ended(when: &str, child: Child) -> Kill {
    let (status, said) = child.kill_and_hear();
    assert_eq!(status.signal(), Some(9), "{when}: the process had ended: {status}");
    Kill { when: when.to_owned(), said }
}

fn at_a_point(points: &[&str], start: impl Fn(Stops) -> Child, dice: &mut Dice) -> Kill {
    let point = dice.one_of(points);
    let nth = if POINTS[..3].contains(&point) { 1 } else { 1 + dice.below(8) };
    let mut child = start(Stops::At(point.to_owned(), usize::try_from(nth).unwrap()));
    // A robot does not come by every point so often.
    let reached = child.step_within(500 * MILLI).is_some();
    ended(if reached { point } else { "at random" }, child)
}

fn at_a_time(mut child: Child, dice: &mut Dice) -> Kill {
    child.speaks();
    dice.sleep(100 * MILLI);
    match dice.below(3) {
        // Stopped first, perhaps in the middle of a commit.
        0 => {
            child.stop();
            dice.sleep(20 * MILLI);
            ended("stopped", child)
        }
        1 => {
            child.stop();
            dice.sleep(20 * MILLI);
            child.wake();
            dice.sleep(20 * MILLI);
            ended("stopped and woken", child)
        }
        _ => ended("at random", child),
    }
}

/// Kills a process shortly after it has come by a point. One that has come to its end first is followed by another.
fn in_passing(point: &str, most: Duration, start: impl Fn(Stops) -> Child, dice: &mut Dice) -> Kill {
    let mut all = Vec::new();
    for _ in 0..50 {
        let mut child = start(Stops::At(point.to_owned(), 1));
        child.until(point);
        child.go_on();
        dice.sleep(most);
        let (status, said) = child.kill_and_hear();
        all.extend(said);
        if status.signal() == Some(9) {
            return Kill { when: format!("shortly after it {point}"), said: all };
        }
    }
    panic!("{point}: each of them comes to its end");
}

/// A robot does so many jobs and is killed before it closes: its log is left.
pub(super) fn fill(scene: &Scene, jobs: u64) {
    let task = Task { stops: Stops::At("closes".to_owned(), 1), ..scene.task(Form::Bare, "") };
    let mut child = start(&Life { task, work: Work::Jobs { again: Vec::new(), from: 0, to: jobs } });
    child.until("closes");
    child.kill();
}

/// One more robot that calls every job, and is not killed: its answers.
pub(super) fn finish(scene: &Scene, jobs: &BTreeSet<u64>) -> BTreeMap<u64, Told> {
    let task = Task { ends: Ends::Moody, ..scene.task(Form::Bare, "") };
    let work = Work::Jobs { again: jobs.iter().copied().collect(), from: 0, to: 0 };
    let mut child = start(&Life { task, work });
    assert_eq!(child.step(), Err(String::new()));
    let mut seen = Seen::default();
    seen.hear(&child.kill_and_hear().1);
    let last = |told: Vec<Told>| told.into_iter().next_back().unwrap();
    seen.answers.into_iter().map(|(job, told)| (job, last(told))).collect()
}
