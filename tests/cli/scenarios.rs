//! What becomes of robots that are killed, hang or are wrong, when an operator types.

use std::path::PathBuf;

use idempotent_tests::Scene;
use idempotent_tests::robot::Form;

use crate::command::{Ran, run};

/// A scene, and the program on its file.
#[derive(Default)]
struct Desk(Scene);

impl Desk {
    fn file(&self) -> PathBuf {
        self.0.folder().join("records.db")
    }

    fn types(&self, arguments: &[&str]) -> Ran {
        run(&self.file(), arguments)
    }

    /// An act that needs no terminal.
    fn acts(&self, arguments: &[&str]) -> Ran {
        self.types(&[arguments, &["--why", "looked it up", "--by", "ada", "--yes"]].concat())
    }

    /// A robot begins to book and is killed in the middle.
    fn killed(&self, job: &str, point: &str) {
        let status = self.0.start_until(&self.0.task(Form::Marked, job), point).kill();
        assert!(!status.success());
    }

    /// What stands in the first line of a list: the key and what was seen.
    fn first(&self, arguments: &[&str]) -> (String, String) {
        let ran = self.types(&[arguments, &["--json"]].concat());
        let line = ran.out.lines().next().unwrap_or_else(|| panic!("an empty list: {ran:?}"));
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| record[field].as_str().unwrap().to_owned();
        (text("key"), text("seen"))
    }

    fn in_doubt(&self) -> String {
        self.first(&["ls", "--in-doubt"]).0
    }
}

/// Red when a dead holder's record is not shown as doubt, or the exit status does not say so (`main.rs` `doubt`).
#[test]
fn s57_a_robot_is_killed_and_ls_in_doubt_says_so() {
    let desk = Desk::default();
    let robot = desk.0.start_until(&desk.0.task(Form::Marked, "p1"), "in the effect");
    let pid = robot.id().to_string();
    let ran = desk.types(&["ls", "--in-doubt"]);
    assert_eq!((ran.status, &*ran.out), (0, ""), "it is alive: {ran:?}");
    let ran = desk.types(&["ls", "--running"]);
    assert!(ran.status == 0 && ran.out.contains("p1"), "{ran:?}");

    robot.kill();
    let ran = desk.types(&["ls", "--in-doubt"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(ran.out.contains("in doubt") && ran.out.contains("p1"), "{ran:?}");
    assert_eq!(desk.types(&["stats"]).status, 3);
    let ran = desk.types(&["show", &desk.in_doubt()]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(ran.out.contains(&format!("process {pid} ")) && ran.out.contains("which is gone"), "{ran:?}");

    desk.killed("p2", "before mark");
    let ran = desk.types(&["ls", "--unfinished"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.out.contains("interrupted") && ran.out.contains("p2") && !ran.out.contains("p1"), "{ran:?}");
}

/// Red when what an operator types is not what callers get.
#[test]
fn s27_a_typed_result_is_replayed_and_not_done_runs() {
    let desk = Desk::default();
    desk.killed("p1", "in the effect");
    let ran = desk.acts(&["resolve", &desk.in_doubt(), "--as", "done", "--value", "\"by phone\""]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let told = desk.0.call(&desk.0.task(Form::Marked, "p1"));
    assert_eq!((told.confirmation(), &*told.how), ("by phone", "replayed"));
    assert_eq!(desk.types(&["ls", "--in-doubt"]).status, 0);

    desk.killed("p2", "in the effect");
    let ran = desk.acts(&["resolve", "--in-doubt", "--as", "not-done"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let told = desk.0.call(&desk.0.task(Form::Marked, "p2"));
    assert_eq!((&*told.code, &*told.how), ("ok", "executed"));
}

/// Red when "not done" is taken while somebody may act, or a revoked robot's late word is lost.
#[test]
fn s58_a_robot_that_hangs_is_revoked() {
    let desk = Desk::default();
    let mut robot = desk.0.start_until(&desk.0.task(Form::Marked, "p1"), "in the effect");
    let (key, _) = desk.first(&["ls", "--running"]);
    let ran = desk.acts(&["resolve", &key, "--as", "not-done"]);
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(ran.err.contains(&format!("idempotent revoke {}", &key[..12])), "{ran:?}");
    assert_eq!(desk.acts(&["revoke", &key]).status, 0);
    assert_eq!(desk.in_doubt(), key);

    robot.go_on();
    let told = idempotent_tests::robot::Told::read(&robot.result());
    assert_eq!(told.code, "lease_lost");
    let ran = desk.types(&["show", &key]);
    assert!(ran.out.contains("an attempt that had lost its claim said"), "{ran:?}");
    assert_eq!(ran.status, 3, "{ran:?}");
}

/// Red when `--seen` is not compared with the record.
#[test]
fn s61_a_word_about_an_older_attempt_is_stale() {
    let desk = Desk::default();
    desk.killed("p1", "in the effect");
    let (key, first) = desk.first(&["ls", "--in-doubt"]);
    assert_eq!(desk.acts(&["resolve", &key, "--as", "not-done", "--seen", &first]).status, 0);
    desk.killed("p1", "in the effect");
    for late in [&["--as", "not-done"][..], &["--as", "done", "--value", "1"]] {
        let ran = desk.acts(&[&["resolve", &key, "--seen", &first], late].concat());
        assert_eq!(ran.status, 5, "{ran:?}");
        assert!(ran.err.contains("idempotent show"), "{ran:?}");
    }
    let (_, second) = desk.first(&["ls", "--in-doubt"]);
    assert_eq!(desk.acts(&["resolve", &key, "--as", "not-done", "--seen", &second]).status, 0);
}

/// Red when a typed result cannot be corrected.
#[test]
fn s83_a_typed_result_of_the_wrong_shape_can_be_corrected() {
    let desk = Desk::default();
    desk.killed("p1", "in the effect");
    let key = desk.in_doubt();
    assert_eq!(desk.acts(&["resolve", &key, "--as", "done", "--value", "17"]).status, 0);
    let told = desk.0.call(&desk.0.task(Form::Marked, "p1"));
    assert_eq!(told.code, "stored_value");
    assert_eq!(desk.acts(&["resolve", &key, "--as", "done", "--value", "\"17\""]).status, 0);
    assert_eq!(desk.0.call(&desk.0.task(Form::Marked, "p1")).confirmation(), "17");
}
