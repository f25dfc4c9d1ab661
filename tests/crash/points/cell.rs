//! One cell of a table: a blow, a form, and what the next call then comes to.

use std::fmt;

use idempotent::Which;
use idempotent_tests::Scene;
use idempotent_tests::robot::{Form, Place, Task, Told};

use super::rows::{Blow, Interruption, Row};
use super::{actor, interrupted};

/// What the next call comes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Next {
    /// Its body runs, as nothing can have happened.
    Runs,
    /// Its body runs, although something may have happened.
    RunsAgain,
    /// It asks the check, which finds nothing, and its body runs.
    AsksAndRuns,
    /// It asks the check, which finds the booking.
    AsksAndFinds,
    /// It gets the result on record.
    Replays,
    /// It gets the error on record.
    ReplaysErr,
    /// It is refused: nobody knows.
    InDoubt,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Next::Runs => "runs",
            Next::RunsAgain => "runs again",
            Next::AsksAndRuns => "asks, runs",
            Next::AsksAndFinds => "asks, finds",
            Next::Replays => "replays",
            Next::ReplaysErr => "replays `Err`",
            Next::InDoubt => "in doubt",
        })
    }
}

/// What was observed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    pub(super) next: Next,
    /// How many bookings the portal has at the end.
    pub(super) bookings: usize,
}

/// What the portal and the store knew before the next call.
struct Before {
    in_doubt: bool,
    /// How often the body, the check and the effect had run.
    counts: [usize; 3],
}

fn counts(scene: &Scene, job: &str) -> [usize; 3] {
    [scene.portal.bodies(job), scene.portal.questions(job), scene.portal.bookings(job).len()]
}

fn listed(scene: &Scene, job: &str) -> bool {
    scene.jobs(&scene.handle(), Which::InDoubt).iter().any(|listed| listed == job)
}

/// Deals the blow, calls again, and reads what happened from the portal and from the store's list.
pub(super) fn observe(row: &Row, form: Form, is_async: bool, url: Option<&str>) -> Cell {
    let scene = Scene::default();
    let job = "job";
    let mut task = Task { is_async, ..scene.task(form, job) };
    let in_memory = url.is_some();
    if let Some(url) = url {
        task.url = url.to_owned();
    }
    let what = format!("{}, {form:?}, async {is_async}, {}", row.name, task.url);
    match row.blow {
        Blow::Killed(at) => {
            scene.start_until(&task, at).kill();
        }
        Blow::KilledAgain { sent, at } => {
            scene.start_until(&task, if sent { "sent" } else { "in the effect" }).kill();
            scene.start_until(&task, at).kill();
        }
        Blow::KeeperKilled(how, at) => {
            let stops = idempotent_tests::robot::Stops::At(at.to_owned(), 1);
            let mut child = interrupted::start(&Task { stops, ..task.clone() }, &[how]);
            child.until(at);
            child.kill();
        }
        Blow::ActorKilled(act, at) => actor::killed(&scene, &task, act, at),
        Blow::Interrupted(how) => return interrupted_by(&scene, row, form, &task, &[how], &what),
        Blow::InterruptedAgain { sent, how } => {
            let first = Interruption::Panics(if sent { Place::Sent } else { Place::In });
            return interrupted_by(&scene, row, form, &task, &[first, how], &what);
        }
    }
    // The records of a store in memory are gone with their process: there is nothing to look into.
    let in_doubt = !in_memory && listed(&scene, job);
    let before = Before { in_doubt, counts: counts(&scene, job) };
    let told = scene.call(&task);
    let is_in_doubt = !in_memory && listed(&scene, job);
    judge(&scene, row, form, &before, &told, is_in_doubt, &what)
}

/// The process lives on, and calls again itself.
fn interrupted_by(
    scene: &Scene,
    row: &Row,
    form: Form,
    task: &Task,
    how: &[Interruption],
    what: &str,
) -> Cell {
    let found = interrupted::found(interrupted::start(task, how));
    let before = Before { in_doubt: found.was_in_doubt, counts: found.before };
    judge(scene, row, form, &before, &found.told, found.is_in_doubt, what)
}

fn judge(
    scene: &Scene,
    row: &Row,
    form: Form,
    before: &Before,
    told: &Told,
    is_in_doubt: bool,
    what: &str,
) -> Cell {
    let [bodies, questions, bookings] = before.counts;
    assert_eq!(bookings, usize::from(row.sent), "{what}: the point is not where it should be");
    let after = counts(scene, "job");
    let [ran, asked] = [after[0] - bodies, after[1] - questions];
    assert!(ran <= 1 && asked <= 1, "{what}: {told:?}");
    assert!(asked == 0 || form.checks(), "{what}: {told:?}");
    assert_eq!(told.code == "in_doubt", is_in_doubt, "{what}: {told:?} is not what the store lists");
    let last = scene.portal.bookings("job").pop();
    let next = match (&*told.code, ran, asked) {
        ("in_doubt", 0, 0) => Next::InDoubt,
        ("portal", 0, 0) => Next::ReplaysErr,
        ("ok", 1, 1) => Next::AsksAndRuns,
        ("ok", 0, 1) => Next::AsksAndFinds,
        ("ok", 0, 0) => Next::Replays,
        ("ok", 1, 0) if before.in_doubt => Next::RunsAgain,
        // After a word of the user's, or where nobody remembers, the body runs again as if nothing had been sent.
        ("ok", 1, 0) if row.sent => Next::RunsAgain,
        ("ok", 1, 0) => Next::Runs,
        _ => panic!("{what}: {told:?}, and the body ran {ran} times"),
    };
    if told.code == "ok" {
        assert_eq!(Some(&told.text), last.as_ref(), "{what}: the caller got another booking");
    }
    let acted = after[2] - bookings;
    assert!(acted <= ran, "{what}: somebody else acted");
    Cell { next, bookings: after[2] }
}
