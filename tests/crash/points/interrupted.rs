//! Calls that are interrupted without a kill, in a process that may then be killed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use idempotent::testing::{Call, Fault, Gate};
use idempotent::{Filter, Which};
use idempotent_tests::robot::{Ends, Place, Robot, Task, Told};
use idempotent_tests::{Child, run_as_child};
use serde::{Deserialize, Serialize};

use super::rows::Interruption;

/// What a process is told to do.
#[derive(Serialize, Deserialize)]
struct Order {
    task: Task,
    /// One after the other.
    how: Vec<Interruption>,
}

/// What it found afterwards.
#[derive(Serialize, Deserialize)]
pub(super) struct Found {
    /// Whether the store listed the key as in doubt before the second call.
    pub(super) was_in_doubt: bool,
    /// How often the body, the check and the effect had run before the second call.
    pub(super) before: [usize; 3],
    /// What the second call came to.
    pub(super) told: Told,
    /// Whether the store lists the key as in doubt at the end.
    pub(super) is_in_doubt: bool,
}

fn in_doubt(robot: &Robot) -> bool {
    let filter = Filter { which: Which::InDoubt, ..Filter::default() };
    !robot.handle.list(&filter).wait().unwrap().is_empty()
}

/// Calls, and is interrupted.
fn interrupt(robot: &Robot, task: &Task, how: Interruption) {
    let gate = Gate::new();
    match how {
        Interruption::Errs(place) => {
            robot.ends(Ends::Errs(place));
            let told = robot.call(task);
            assert_eq!(told.code == "portal", place != Place::Check, "{told:?}");
        }
        Interruption::Panics(place) => {
            robot.ends(Ends::Panics(place));
            catch_unwind(AssertUnwindSafe(|| robot.call(task))).unwrap_err();
        }
        Interruption::Dropped(place) => {
            robot.ends(Ends::Stands(place));
            assert_eq!(robot.call_and_drop(task, || robot.stands()), None);
        }
        Interruption::DroppedInClaim => {
            robot.faults.on(Call::Claim.nth(1), Fault::HoldAnswer(gate.clone()));
            assert_eq!(robot.call_and_drop(task, || gate.arrived() > 0), None);
        }
        Interruption::DroppedInSettle => {
            robot.faults.on(Call::Settle.nth(1), Fault::HoldRequest(gate.clone()));
            assert_eq!(robot.call_and_drop(task, || gate.arrived() > 0), None);
        }
    }
    robot.ends(Ends::Well);
    // What its keeper holds is written; a robot that is to be killed there does not come back from here.
    assert_eq!(robot.handle.drain(Duration::from_secs(50)).wait(), 0);
}

/// Not a test of its own: the processes whose calls are interrupted begin here.
#[test]
fn robot() {
    run_as_child("interrupted", |line| {
        let Order { task, how } = serde_json::from_str(line).unwrap();
        let robot = Robot::new(&task);
        how.into_iter().for_each(|how| interrupt(&robot, &task, how));
        let portal = &robot.portal;
        let before =
            [&portal.bodies(&task.job), &portal.questions(&task.job), &portal.bookings(&task.job).len()]
                .map(|count| *count);
        let was_in_doubt = in_doubt(&robot);
        let told = robot.call(&task);
        let found = Found { was_in_doubt, before, told, is_in_doubt: in_doubt(&robot) };
        serde_json::to_string(&found).unwrap()
    });
}

/// A process that calls and is interrupted, so often, and calls once more.
pub(super) fn start(task: &Task, how: &[Interruption]) -> Child {
    let order = Order { task: task.clone(), how: how.to_vec() };
    Child::start("points::interrupted::robot", "interrupted", &serde_json::to_string(&order).unwrap())
}

/// What it found.
pub(super) fn found(child: Child) -> Found {
    serde_json::from_str(&child.result()).unwrap()
}
