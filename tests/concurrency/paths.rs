//! One file by several paths, and a cleaner at its lock files.

use std::fs;
use std::path::{Path, PathBuf};

use idempotent::protocol::{Micros, Status};
use idempotent_tests::robot::{Form, Task, Told, run};
use idempotent_tests::{Child, Scene, run_as_child};

const HOUR: Micros = 3_600_000_000;

/// Not a test of its own: a robot whose working directory is where its ledger lies.
#[test]
fn robot_at_home() {
    run_as_child("robot at home", |line| {
        let task = Task::read(line);
        std::env::set_current_dir(task.ledger.parent().unwrap()).unwrap();
        run(line)
    });
}

/// Red when `store/sqlite/place.rs` uses the path as it is given: the lock files then lie in three folders.
#[test]
fn s79_each_sees_the_others_live_holders_whatever_path_they_take() {
    let scene = Scene::default();
    let absolute = scene.folder().join("records.db");
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&absolute, &link).unwrap();
    let paths = [absolute.as_path(), Path::new("records.db"), &link];
    // A link to a file that is not there is refused, so the file comes first.
    drop(scene.handle());
    let task = |path: &Path, job: &str| Task {
        url: format!("sqlite:{}", path.display()),
        ..scene.task(Form::Marked, job)
    };
    let start = |task: &Task| Child::start("paths::robot_at_home", "robot at home", &task.line());

    for (index, holders_path) in paths.iter().enumerate() {
        let job = format!("job {index}");
        let stops = idempotent_tests::robot::Stops::At("in the effect".to_owned(), 1);
        let mut holder = start(&Task { stops, ..task(holders_path, &job) });
        holder.until("in the effect");
        for path in paths {
            let told = start(&Task { hasty: true, ahead: HOUR, ..task(path, &job) }).result();
            let told = Told::read(&told);
            assert_eq!(told.code, "in_progress", "{} after {}", path.display(), holders_path.display());
            assert!(told.text.contains(&format!("process {} ", holder.id())), "{told:?}");
        }
        holder.go_on();
        let told = Told::read(&holder.result());
        assert_eq!(scene.portal.bookings(&job), [told.confirmation()]);
    }
}

/// The lock files of robots: 32 hexadecimal digits each.
fn lock_files(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.folder().join("records.db-holders")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().len() == 32).collect()
}

/// The robot has not acted, and looks at its lock file as it marks.
///
/// Red when `protocol/claim.rs` grants a live record.
#[test]
fn s79_a_cleaner_deletes_the_lock_file_before_the_mark() {
    let scene = Scene::default();
    let task = scene.task(Form::Marked, "a");
    let mut holder = scene.start_until(&Task { ..task.clone() }, "before mark");
    let files = lock_files(&scene);
    assert_eq!(files.len(), 1);
    fs::remove_file(&files[0]).unwrap();
    // Its lease still stands.
    assert_eq!(scene.call(&Task { hasty: true, ..task.clone() }).code, "in_progress");
    assert_eq!(scene.entry(&scene.handle(), "a").status, Status::Live);

    holder.go_on();
    let told = Told::read(&holder.result());
    assert_eq!(scene.portal.bookings("a"), [told.confirmation()]);
    assert_eq!(scene.call(&task).confirmation(), told.text);
}

/// After the mark only the lease protects it, until the keeper's next renewal makes a new lock file: from then on
/// no clock counts.
///
/// Red when `holders.rs` makes no new file in `stand`, or `register` does not move the open records to it.
#[test]
fn s79_a_cleaner_deletes_the_lock_file_after_the_mark() {
    let scene = Scene::new("?lease=300ms");
    let task = scene.task(Form::Marked, "a");
    let mut holder = scene.start_until(&task, "in the effect");
    let gone = lock_files(&scene);
    fs::remove_dir_all(scene.folder().join("records.db-holders")).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !scene.folder().join("records.db-holders").exists() || lock_files(&scene).is_empty() {
        assert!(std::time::Instant::now() < deadline, "no new lock file is made");
        std::thread::yield_now();
    }
    let made = lock_files(&scene);
    assert_ne!(made, gone);
    // The renewal that made the file has been committed when the record names it; until then the old lease may
    // still stand, and would not in the eyes of a robot whose clock is ahead.
    let handle = scene.handle();
    let named = || scene.entry(&handle, "a").record.unwrap().holder.map(|holder| holder.to_string());
    while named().as_deref() != made[0].file_name().unwrap().to_str() {
        assert!(std::time::Instant::now() < deadline, "the record does not name the new lock file");
        std::thread::yield_now();
    }
    let told = scene.call(&Task { hasty: true, ahead: HOUR, ..task.clone() });
    assert_eq!(told.code, "in_progress", "{told:?}");

    holder.go_on();
    let told = Told::read(&holder.result());
    assert_eq!(scene.portal.bookings("a"), [told.confirmation()]);
}

/// Even where clocks lie and the lock file is gone, nobody acts twice: the one who comes late is refused.
///
/// Red when `protocol/holder.rs` accepts a mark from whoever is not the holder.
#[test]
fn s79_without_lock_file_and_with_a_clock_that_lies() {
    let scene = Scene::default();
    // Before its mark the robot is taken over, and refused.
    let task = scene.task(Form::Marked, "unmarked");
    let mut holder = scene.start_until(&task, "before mark");
    lock_files(&scene).iter().for_each(|file| fs::remove_file(file).unwrap());
    let other = scene.call(&Task { ahead: HOUR, ..task.clone() });
    holder.go_on();
    assert_eq!(Told::read(&holder.result()).code, "lease_lost");
    assert_eq!(scene.portal.bookings("unmarked"), [other.confirmation()]);

    // After it there is doubt, until the robot itself has the last word.
    let task = scene.task(Form::Marked, "marked");
    let mut holder = scene.start_until(&task, "in the effect");
    lock_files(&scene).iter().for_each(|file| fs::remove_file(file).unwrap());
    assert_eq!(scene.call(&Task { ahead: HOUR, ..task.clone() }).code, "in_doubt");
    holder.go_on();
    let told = Told::read(&holder.result());
    assert_eq!(scene.portal.bookings("marked"), [told.confirmation()]);
    assert_eq!(scene.call(&task).confirmation(), told.text);
}
