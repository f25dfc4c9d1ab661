//! The life of one process of the fleet: job after job, or errand after errand, until it is killed.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use idempotent::{Filter, Which};
use idempotent_tests::robot::{Ends, Form, Robot, Task, Told};
use idempotent_tests::{run_as_child, say, sight};
use serde::{Deserialize, Serialize};

/// What a process of the fleet is told: one line of JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Life {
    /// Store, ledger, clock and where it is to stop; not which job.
    pub(super) task: Task,
    pub(super) work: Work,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Work {
    /// Calls jobs.
    Jobs {
        /// Those that its predecessor began and did not answer.
        again: Vec<u64>,
        /// The first of its own; then one after the other.
        from: u64,
        /// Up to here, not included.
        to: u64,
    },
    /// Resolves doubt, and revokes now and then.
    Operates,
    /// Sweeps.
    Sweeps,
    /// Is another program, which copies the log back again and again.
    Checkpoints,
}

/// What a robot says.
#[derive(Serialize, Deserialize)]
pub(super) enum Says {
    /// It begins a call.
    Begins(u64),
    /// The call has come to this.
    Answers(u64, Told),
}

/// How long those rest who would otherwise keep the robots from work.
const REST: Duration = Duration::from_millis(20);

/// The forms of the jobs. `rerun` by itself is not among them: where the portal takes repeats, it books twice, as its
/// author said that it may.
const FORMS: [Form; 8] = [
    Form::Bare,
    Form::Marked,
    Form::CheckedUnmarked,
    Form::Checked,
    Form::AsksFirst,
    Form::RequestId,
    Form::Released,
    Form::Stored,
];

/// A number, taken apart: what it says about a job.
fn split(job: u64) -> (usize, u64) {
    let forms = FORMS.len() as u64;
    (usize::try_from(job % forms).unwrap_or(0), job / forms)
}

/// The form of a job: each number has its own.
pub(super) fn form(job: u64) -> Form {
    FORMS[split(job).0]
}

/// Whether operators resolve the doubt about a job; the others stay in doubt. Nobody who could be resolved is revoked:
/// an operator cannot know what a process that lives will still do.
pub(super) fn is_resolved(job: u64) -> bool {
    split(job).1 % 4 < 2
}

/// Whether operators may take the claim from whoever holds it.
fn is_revoked(job: u64) -> bool {
    let form = form(job);
    !is_resolved(job) && !form.checks() && !form.reruns()
}

pub(super) fn name(job: u64) -> String {
    format!("job {job}")
}

/// The job of a record, by the readable form of its key.
pub(super) fn job_of(call: &str) -> u64 {
    let name = call.trim_start_matches("job=").trim_matches('"');
    name.trim_start_matches("job ").parse().expect("a job of the fleet")
}

/// The call of a job.
pub(super) fn task(task: &Task, job: u64) -> Task {
    Task { form: form(job), is_async: split(job).1 % 2 == 1, job: name(job), ..task.clone() }
}

/// Not a test of its own: the processes of the fleet begin here.
#[test]
fn robot() {
    run_as_child("life", |line| {
        let Life { task, work } = serde_json::from_str(line).unwrap();
        match work {
            Work::Jobs { again, from, to } => jobs(&task, again.into_iter().chain(from..to)),
            Work::Operates => operates(&task),
            Work::Sweeps => sweeps(&task),
            Work::Checkpoints => checkpoints(&task),
        }
        String::new()
    });
}

fn jobs(life: &Task, jobs: impl Iterator<Item = u64> + Send) {
    let robot = Robot::new(life);
    let jobs = Mutex::new(jobs);
    let work = || {
        loop {
            let Some(job) = jobs.lock().unwrap().next() else { return };
            tell(&Says::Begins(job));
            // The portal asks some to come again.
            for _ in 0..3 {
                let told = robot.call(&task(life, job));
                tell(&Says::Answers(job, told.clone()));
                if told.code != "portal" || form(job) != Form::Released {
                    break;
                }
            }
        }
    };
    // Two at once, so that batches, bypasses and waits inside the process are killed, too.
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let points = robot.points.clone();
    points.pass("closes");
    drop(robot);
}

/// Looks into the portal's book for each job in doubt, and says what it says there. What was seen of the record first
/// goes with it, so that the word is refused if anything has happened since.
fn operates(task: &Task) {
    let robot = Robot::new(&Task { ends: Ends::Well, ..task.clone() });
    let operator = robot.handle.operator("ada", "looked into the portal's book");
    let all = |which| {
        let filter = Filter { which, limit: usize::MAX, ..Filter::default() };
        robot.handle.list(&filter).wait().unwrap()
    };
    for round in 0_u64.. {
        thread::sleep(REST);
        for entry in all(Which::InDoubt) {
            let job = job_of(&entry.subject.call);
            if !is_resolved(job) {
                continue;
            }
            let key = &entry.subject.key;
            // A robot may have let in its check meanwhile: then this is refused, and right so.
            let _ = match robot.portal.bookings(&name(job)).pop() {
                Some(booked) => operator.resolve_done(key, sight(&entry), &booked).wait(),
                None => operator.resolve_not_done(key, sight(&entry)).wait(),
            };
        }
        let mut live = all(Which::Running).into_iter();
        if let Some(entry) = live.find(|entry| round % 4 == 0 && is_revoked(job_of(&entry.subject.call))) {
            // Its attempt may have ended meanwhile.
            let _ = operator.revoke(&entry.subject.key, sight(&entry)).wait();
        }
    }
}

fn sweeps(task: &Task) {
    let robot = Robot::new(task);
    loop {
        robot.handle.sweep(1_000).wait().unwrap();
        thread::sleep(REST);
    }
}

fn checkpoints(task: &Task) {
    let file = rusqlite::Connection::open(task.url.trim_start_matches("sqlite:")).unwrap();
    loop {
        // Whether it came to the end of the log; it is often in the way of others, as they are in its.
        let done = file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
        done.unwrap();
        thread::yield_now();
    }
}

fn tell(what: &Says) {
    say(&serde_json::to_string(what).unwrap());
}
