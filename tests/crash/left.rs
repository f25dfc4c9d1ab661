//! What a killed robot leaves behind: a record that nobody calls for, or that only newer code calls for.

use idempotent::protocol::Status;
use idempotent::{Error, Which, effect, idempotent, observe};
use idempotent_tests::robot::{Form, Robot, Stops, Task, Told};
use idempotent_tests::{Child, Scene, run_as_child, sight};

/// Red when `protocol/decide.rs` does not call the record of a dead holder doubt, or `store/sqlite/holders.rs` takes
/// a process for alive whose lock is free.
#[test]
fn s57_a_robot_is_killed_and_nobody_calls_again() {
    let scene = Scene::default();
    for (form, job) in [(Form::Marked, "marked"), (Form::Bare, "bare")] {
        scene.start_until(&scene.task(form, job), "in the effect").kill();
    }
    scene.start_until(&scene.task(Form::Marked, "unmarked"), "before mark").kill();
    let handle = scene.handle();
    let mut doubtful = scene.jobs(&handle, Which::InDoubt);
    doubtful.sort();
    assert_eq!(doubtful, ["bare", "marked"]);
    assert_eq!(scene.jobs(&handle, Which::Unfinished), ["unmarked"]);

    // Nothing is stuck: an operator's word lets it go on.
    for job in ["marked", "bare"] {
        let seen = scene.entry(&handle, job);
        assert_eq!(seen.status, Status::Doubt);
        assert!(seen.holder.as_deref().is_some_and(|holder| holder.starts_with("process ")), "{seen:?}");
        let operator = handle.operator("ada", "not in the portal");
        operator.resolve_not_done(&seen.subject.key, sight(&seen)).wait().unwrap();
    }
    assert_eq!(scene.call(&scene.task(Form::Marked, "marked")).code, "ok");
    assert_eq!(scene.call(&scene.task(Form::Bare, "bare")).code, "ok");
    assert_eq!(scene.jobs(&handle, Which::InDoubt), Vec::<String>::new());
}

/// The operation as it was written before and after a deploy.
mod deployed {
    use super::*;

    #[idempotent(key = job, name = "left.deployed", skip(robot), store = robot)]
    pub(super) fn without_marker(robot: &Robot, job: &str) -> Result<String, Error> {
        robot.points.pass("before the effect");
        let booked = robot.portal.book(job);
        robot.points.pass("after the effect");
        Ok(booked)
    }

    #[idempotent(key = job, name = "left.deployed", skip(robot), store = robot)]
    pub(super) fn with_marker(robot: &Robot, job: &str) -> Result<String, Error> {
        robot.points.pass("before the effect");
        let booked = effect!(robot.portal.book(job));
        robot.points.pass("after the effect");
        Ok(booked)
    }
}

/// Not a test of its own: the processes of `s54` begin here.
#[test]
fn version() {
    run_as_child("version", |line| {
        let task = Task::read(line);
        let robot = Robot::new(&task);
        let call = if task.form.marks() { deployed::with_marker } else { deployed::without_marker };
        Told::of(observe(|| call(&robot, &task.job))).line()
    });
}

/// Red when `protocol/claim.rs` sets `effect` by anything but the code of the attempt that is granted.
#[test]
fn s54_the_code_changes_between_two_attempts() {
    let scene = Scene::default();
    let start = |task: &Task| Child::start("left::version", "version", &task.line());
    for (first, point, second, code) in [
        // The marker's proof is only that of code that has one.
        (Form::Bare, "after the effect", Form::Marked, "in_doubt"),
        (Form::Bare, "before the effect", Form::Marked, "in_doubt"),
        // And it counts whoever asks.
        (Form::Marked, "before the effect", Form::Bare, "ok"),
        (Form::Marked, "after the effect", Form::Bare, "in_doubt"),
    ] {
        let job = format!("{first:?} {point}");
        let mut dying = start(&Task { stops: Stops::At(point.to_owned(), 1), ..scene.task(first, &job) });
        dying.until(point);
        dying.kill();
        let acted = scene.portal.bookings(&job).len();
        let told = Told::read(&start(&scene.task(second, &job)).result());
        assert_eq!(told.code, code, "{job}: {told:?}");
        let booked = scene.portal.bookings(&job).len();
        assert_eq!(booked, if code == "ok" { 1 } else { acted }, "{job}");
    }
}
