//! Files and folders that may not be written, from the start or from some moment on.
//!
//! Root may do everything, so where the tests run as root the store is used by a process of another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::robot::Robot;
use super::support::*;

const OPEN: u32 = 0o777;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A process that has no more rights than everybody, or `None` where there can be none.
fn nobody(place: &Place) -> Option<Robot> {
    if !rustix::process::geteuid().is_root() {
        return Some(Robot::try_start(&place.file()));
    }
    if !Robot::can_be_nobody() {
        println!("LEFT OUT: no process of another user can be started here");
        return None;
    }
    Some(Robot::try_start_as_nobody(&place.file()))
}

/// A folder that everybody may write, with a database in it that everybody may write.
fn open_to_all() -> Place {
    let place = Place::new();
    chmod(place.folder.path(), OPEN);
    place
}

fn assert_refused(robot: &Robot, words: &[&str]) {
    let told = robot.answer();
    assert!(told.starts_with("refused: "), "{told}");
    for word in words.iter().chain(&["robot.db"]) {
        assert!(told.contains(word), "{word:?} is missing in: {told}");
    }
}

/// Fails when a file, or a folder, without the right to write is passed over, or the error does not name it and say what
/// to do.
#[test]
fn s40_a_read_only_file_or_folder_is_named() {
    let place = open_to_all();
    let Some(robot) = nobody(&place) else { return };
    assert_eq!(robot.answer(), "ready");
    robot.end();

    chmod(&place.file(), 0o444);
    assert_refused(&nobody(&place).unwrap(), &["right"]);
    chmod(&place.file(), 0o000);
    assert_refused(&nobody(&place).unwrap(), &["right"]);
    chmod(&place.file(), 0o666);

    // The log cannot be made in a folder that cannot be written.
    chmod(place.folder.path(), 0o555);
    assert_refused(&nobody(&place).unwrap(), &["right"]);
    // And with a folder that cannot even be entered.
    chmod(place.folder.path(), 0o000);
    assert_refused(&nobody(&place).unwrap(), &["could not", "ermission denied", "rights"]);
    chmod(place.folder.path(), OPEN);

    let holders = place.folder.path().join("robot.db-holders");
    chmod(&holders, 0o000);
    assert_refused(&nobody(&place).unwrap(), &["robot.db-holders", "ermission denied", "rights"]);
    chmod(&holders, OPEN);

    let robot = nobody(&place).unwrap();
    assert_eq!(robot.answer(), "ready");
    robot.end();

    // A folder that may be read, without a database in it.
    let place = Place::new();
    chmod(place.folder.path(), 0o555);
    assert_refused(&nobody(&place).unwrap(), &["could not create", "ermission denied", "rights"]);
}

/// Fails when rights that are taken away under a running program lead to a run of what is recorded or to a panic, or
/// when the program does not go on when they are given back.
#[test]
fn s44_rights_that_change_while_the_program_runs() {
    let place = open_to_all();
    let Some(mut robot) = nobody(&place) else { return };
    assert_eq!(robot.answer(), "ready");
    assert_eq!(robot.ask("keep first 10"), "kept");
    let holders = place.folder.path().join("robot.db-holders");
    let paths = [place.file(), place.folder.path().to_owned(), holders];
    let mut refused = 0;
    for (number, (path, mode)) in
        paths.iter().flat_map(|path| [0o000, 0o444, 0o555].map(|mode| (path, mode))).enumerate()
    {
        chmod(path, mode);
        let seen = robot.ask("try first");
        assert!(seen == "replay" || seen.starts_with("error: "), "{} {mode:o}: {seen}", path.display());
        let fresh = robot.ask(&format!("keep fresh{number} 10"));
        assert!(fresh == "kept" || fresh.starts_with("error: "), "{} {mode:o}: {fresh}", path.display());
        if fresh.starts_with("error: ") {
            refused += 1;
            assert!(fresh.contains("robot.db"), "{fresh}");
        }
        chmod(path, OPEN);
        assert_eq!(robot.ask("try first"), "replay", "{} {mode:o}", path.display());
        let after = robot.ask(&format!("try fresh{number}"));
        // Refused at the claim or at the settle: the key is free, or still held by the claim that was refused then.
        let held = after.starts_with("run") || after.starts_with("busy");
        assert!(
            if fresh == "kept" { after == "replay" } else { held },
            "{} {mode:o}: {after}",
            path.display()
        );
    }
    println!("{refused} of 9 changes were felt");
    assert!(refused > 0);
    robot.end();
}
