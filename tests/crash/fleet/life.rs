//! The life of one robot: job after job until it is killed.

use std::sync::Mutex;
use std::thread;

use idempotent_tests::robot::{Form, Robot, Task, Told};
use idempotent_tests::{run_as_child, say};
use serde::{Deserialize, Serialize};

/// What a robot of the fleet is told: one line of JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Life {
    /// Store, ledger, clock and where it is to stop; not which job.
    pub(super) task: Task,
    /// The jobs that its predecessor began and did not answer.
    pub(super) again: Vec<u64>,
    /// The first of its own; then one after the other.
    pub(super) from: u64,
    /// Up to here, not included.
    pub(super) to: u64,
}

/// What a robot says.
#[derive(Serialize, Deserialize)]
pub(super) enum Says {
    /// It begins a call.
    Begins(u64),
    /// The call has come to this.
    Answers(u64, Told),
}

/// The form of a job: each number has its own.
pub(super) fn form(job: u64) -> Form {
    Form::ALL[usize::try_from(job % 4).unwrap_or(0)]
}

pub(super) fn name(job: u64) -> String {
    format!("job {job}")
}

/// The call of a job.
pub(super) fn task(task: &Task, job: u64) -> Task {
    Task { form: form(job), is_async: job / 4 % 2 == 1, job: name(job), ..task.clone() }
}

/// Not a test of its own: the robots of the fleet begin here.
#[test]
fn robot() {
    run_as_child("life", |line| {
        let life: Life = serde_json::from_str(line).unwrap();
        let robot = Robot::new(&life.task);
        let jobs = Mutex::new(life.again.into_iter().chain(life.from..life.to));
        let work = || {
            loop {
                let Some(job) = jobs.lock().unwrap().next() else { return };
                tell(&Says::Begins(job));
                let told = robot.call(&task(&life.task, job));
                tell(&Says::Answers(job, told));
            }
        };
        // Two at once, so that batches, bypasses and waits inside the process are killed, too.
        thread::scope(|scope| {
            scope.spawn(work);
            scope.spawn(work);
        });
        String::new()
    });
}

fn tell(what: &Says) {
    say(&serde_json::to_string(what).unwrap());
}
