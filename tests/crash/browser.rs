//! A robot dies, and its browser lives on and clicks.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::{Error, How, idempotent, observe};
use idempotent_tests::robot::{Form, Portal, Robot, Stops, Task};
use idempotent_tests::{Child, Ledger, Scene, run_as_child};

/// What a call does in the world: look, and act.
struct Hands<'a> {
    find: &'a dyn Fn() -> Option<String>,
    act: &'a dyn Fn() -> String,
}

fn find(_: &Robot, hands: &Hands<'_>, _: &str) -> Result<Option<String>, Error> {
    Ok((hands.find)())
}

#[idempotent(key = job, name = "browser.quiet", skip(robot, hands), store = robot, check(find, after = "500ms"))]
fn after_quiet_time(robot: &Robot, hands: &Hands<'_>, job: &str) -> Result<String, Error> {
    Ok(idempotent::effect!((hands.act)()))
}

#[idempotent(key = job, name = "browser.at_once", skip(robot, hands), store = robot, check(find, after = "0s"))]
fn at_once(robot: &Robot, hands: &Hands<'_>, job: &str) -> Result<String, Error> {
    Ok(idempotent::effect!((hands.act)()))
}

type Book = fn(&Robot, &Hands<'_>, &str) -> Result<String, Error>;

fn book(job: &str) -> Book {
    if job == "quiet" { after_quiet_time } else { at_once }
}

/// The word for the browser to click.
fn word(folder: &Path) -> PathBuf {
    folder.join("click")
}

/// Not a test of its own: a browser that clicks when it is told to, whether its robot lives or not.
#[test]
fn browser() {
    run_as_child("browser", |line| {
        let task = Task::read(line);
        until(|| word(task.ledger.parent().unwrap()).exists());
        Portal(Ledger::at(&task.ledger)).book(&task.job)
    });
}

/// Not a test of its own: a robot that opens a browser and dies.
#[test]
fn robot_with_a_browser() {
    run_as_child("robot with a browser", |line| {
        let task = Task::read(line);
        let robot = Robot::new(&task);
        #[expect(clippy::zombie_processes, reason = "it is to outlive its robot")]
        let open_it = || {
            Command::new(std::env::current_exe().unwrap())
                .args(["browser::browser", "--exact", "--nocapture"])
                .env("IDEMPOTENT_TEST_ROLE", "browser")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            robot.points.pass("the browser is open");
            unreachable!("this robot dies")
        };
        let hands = Hands { find: &|| None, act: &open_it };
        book(&task.job)(&robot, &hands, &task.job).unwrap()
    });
}

/// Waits for what another process does.
fn until(so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < deadline, "it does not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The second robot's check finds nothing, and right then the first one's browser clicks. Gives how the call came
/// to its result, how often it asked, and how many bookings there are.
fn clicked_late(job: &str) -> (How, u32, usize) {
    let scene = Scene::default();
    let task = Task { stops: Stops::Everywhere, ..scene.task(Form::Checked, job) };
    let mut child = Child::start("browser::robot_with_a_browser", "robot with a browser", &task.line());
    child.until("the browser is open");
    child.kill();

    let robot = Robot::new(&scene.task(Form::Checked, job));
    let asked = Cell::new(0);
    let find = || {
        asked.set(asked.get() + 1);
        let found = robot.portal.bookings(job).pop();
        std::fs::write(word(scene.folder()), "").unwrap();
        until(|| !robot.portal.bookings(job).is_empty());
        found
    };
    let hands = Hands { find: &find, act: &|| robot.portal.book(job) };
    let seen = observe(|| book(job)(&robot, &hands, job));
    let bookings = robot.portal.bookings(job);
    assert_eq!(&seen.result.unwrap(), bookings.last().unwrap());
    (seen.outcome.unwrap().how, asked.get(), bookings.len())
}

/// Red when `quiet_left` in `protocol/claim.rs` is 0; and when the browser inherits its robot's lock file, so that the
/// robot does not look dead.
#[test]
fn s72_quiet_time_covers_a_browser_that_outlives_its_robot() {
    assert_eq!(clicked_late("quiet"), (How::Recovered, 2, 1));
}

/// What `after` is for: without quiet time the same click is a second booking. This is no promise that is broken;
/// red when the setting above does not reach the harm that it is about.
#[test]
fn s72_without_quiet_time_the_browser_books_twice() {
    assert_eq!(clicked_late("at once"), (How::Executed, 1, 2));
}
