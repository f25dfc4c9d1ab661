//! Operators and sweeps, in processes that are killed in the act.

use idempotent::Filter;
use idempotent_tests::robot::{Form, Robot, Stops, Task};
use idempotent_tests::{Child, Scene, run_as_child, sight};
use serde::{Deserialize, Serialize};

use super::rows::Act;

#[derive(Serialize, Deserialize)]
struct Order {
    task: Task,
    act: Act,
}

/// Not a test of its own: the processes that act on records begin here.
#[test]
fn actor() {
    run_as_child("actor", |line| {
        let Order { task, act } = serde_json::from_str(line).unwrap();
        let robot = Robot::new(&task);
        let entry = robot.handle.list(&Filter::default()).wait().unwrap().remove(0);
        let operator = robot.handle.operator("ada", "looked into the portal's book");
        let key = &entry.subject.key;
        match act {
            Act::Done => {
                let booked = robot.portal.bookings(&task.job).pop().unwrap();
                operator.resolve_done(key, sight(&entry), &booked).wait().unwrap();
            }
            Act::NotDone => operator.resolve_not_done(key, sight(&entry)).wait().unwrap(),
            Act::Revoke => operator.revoke(key, sight(&entry)).wait().unwrap(),
            Act::Forget => operator.forget(key, sight(&entry)).wait().unwrap(),
            Act::Sweep => assert_eq!(robot.handle.sweep(10).wait().unwrap(), 1),
        }
        String::new()
    });
}

/// Brings the record into the state that the act is for, and kills whoever acts at `at`.
pub(super) fn killed(scene: &Scene, task: &Task, act: Act, at: &str) {
    let hangs = match act {
        Act::Done => {
            scene.start_until(task, "sent").kill();
            None
        }
        Act::NotDone => {
            scene.start_until(task, "in the effect").kill();
            None
        }
        Act::Revoke => Some(scene.start_until(task, "in the effect")),
        Act::Forget => {
            scene.call(task).confirmation();
            None
        }
        Act::Sweep => {
            scene.start_until(task, "in the effect").kill();
            let handle = scene.handle();
            let entry = scene.entry(&handle, &task.job);
            handle
                .operator("bob", "it did not")
                .resolve_not_done(&entry.subject.key, sight(&entry))
                .wait()
                .unwrap();
            None
        }
    };
    let stops = Stops::At(at.to_owned(), 1);
    let order = Order { task: Task { stops, form: Form::Bare, ..task.clone() }, act };
    let mut actor = Child::start("points::actor::actor", "actor", &serde_json::to_string(&order).unwrap());
    actor.until(at);
    actor.kill();
    if let Some(hangs) = hangs {
        hangs.kill();
    }
}
