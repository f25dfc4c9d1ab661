//! Two hundred robots are killed at one file, four at work at a time, and every job is called until it answers.

mod lanes;
mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use idempotent::Which;
use idempotent_tests::robot::{Form, Task, Told};
use idempotent_tests::{Scene, sight};

use self::lanes::Seen;
use self::life::{form, name};

const KILLS: usize = 200;

/// What became of a job, by the portal's book first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Column {
    Duplicate,
    InDoubt,
    Once,
    Lost,
}

/// Red when in `src`
/// - `protocol/holder.rs` leaves out `next.effect = true` in `mark`, or `protocol/claim.rs` begins with
///   `effect: false` whatever the code (a second run),
/// - `protocol/claim.rs` keeps the fence where it takes over (I1),
/// - `store/sqlite/holders.rs` takes a process for dead whose lock is held,
/// - `operation/claim.rs` answers `Ok` without waiting for the settle (I3: an answer that is gone).
#[test]
fn two_hundred_kills() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = match std::env::var("IDEMPOTENT_TEST_SEED") {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => u64::try_from(clock.as_micros()).unwrap(),
    };
    println!("IDEMPOTENT_TEST_SEED={seed}");
    let scene = Scene::default();
    let seen = lanes::kill(&scene, KILLS, seed);
    println!("kills by point: {:?}", seen.kills);
    assert_eq!(seen.kills.values().sum::<usize>(), KILLS);
    assert_eq!(integrity(&scene), "ok");

    let finished = lanes::finish(&scene, &seen.begun);
    every_job_is_in_one_column(&scene, &seen, &finished);
    nothing_that_was_answered_is_lost_or_different(&scene, &seen, &finished);
    one_holder_and_no_silent_second_run(&scene, &seen);
    another_payload_is_refused(&scene, &finished);
    what_cannot_be_read_is_not_absent(&scene, &finished);
    an_operator_can_end_every_doubt(&scene, &finished);
    without_its_file_nothing_runs(&scene);
    assert_eq!(integrity(&scene), "ok");
}

fn integrity(scene: &Scene) -> String {
    let file = rusqlite::Connection::open(scene.folder().join("records.db")).unwrap();
    file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// Counted in the portal's book, and in the store's list of doubt.
fn every_job_is_in_one_column(scene: &Scene, seen: &Seen, finished: &BTreeMap<u64, Told>) {
    let listed: BTreeSet<String> = scene.jobs(&scene.handle(), Which::InDoubt).into_iter().collect();
    let bookings = scene.portal.all_bookings();
    let column = |job: u64| match bookings.get(&name(job)).map_or(0, Vec::len) {
        2.. => Column::Duplicate,
        _ if listed.contains(&name(job)) => Column::InDoubt,
        1 => Column::Once,
        _ => Column::Lost,
    };
    let mut table: BTreeMap<(&str, Column), usize> = BTreeMap::new();
    for job in &seen.begun {
        let form = match form(*job) {
            Form::Checked => "check + marker",
            Form::CheckedUnmarked => "check",
            Form::Marked => "marker",
            Form::Bare => "neither",
        };
        *table.entry((form, column(*job))).or_default() += 1;
        let doubt = finished[job].code == "in_doubt";
        assert_eq!(doubt, column(*job) == Column::InDoubt, "job {job}: {:?}", finished[job]);
    }
    println!("{} jobs: {table:?}", seen.begun.len());
    let total = |which: Column| -> usize {
        table.iter().filter(|((_, column), _)| *column == which).map(|(_, count)| count).sum()
    };
    let columns = [Column::Duplicate, Column::InDoubt, Column::Once, Column::Lost].map(total);
    assert_eq!(columns.iter().sum::<usize>(), seen.begun.len());
    assert_eq!((columns[0], columns[3]), (0, 0), "duplicates and losses");
    // Enough of each for the counts to mean something.
    assert!(columns[1] > 0 && columns[2] > KILLS, "{table:?}");
    let doubt = |form| table.get(&(form, Column::InDoubt)).copied().unwrap_or(0);
    assert_eq!(doubt("check + marker") + doubt("check"), 0, "with a check nothing stays in doubt");
    assert!(listed.len() == columns[1], "doubt about a job that nobody began");
}

/// I2 and I3: an answer was given once the record was durable, and stays.
fn nothing_that_was_answered_is_lost_or_different(
    scene: &Scene,
    seen: &Seen,
    finished: &BTreeMap<u64, Told>,
) {
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for (job, answers) in &seen.answers {
        for told in answers {
            match &*told.code {
                "ok" => {
                    assert_eq!(finished[job].confirmation(), told.text, "job {job} was answered otherwise");
                }
                "in_doubt" => {
                    assert_eq!(finished[job].code, "in_doubt", "job {job}: a dead robot has spoken")
                }
                other => *others.entry(other).or_default() += 1,
            }
        }
    }
    println!("answers that are none: {others:?}");
    assert_eq!(others, BTreeMap::new(), "robots were told of trouble although only others were killed");
    let bookings = scene.portal.all_bookings();
    for (job, told) in finished.iter().filter(|(_, told)| told.code == "ok") {
        // I7, too: nobody has the record of another.
        assert_eq!(bookings[&name(*job)], [told.text.as_str()]);
    }
}

/// I1 and I4, by what the bodies wrote down as they ran; I10 and I11, as half of the robots had wrong wall clocks
/// and all were killed.
fn one_holder_and_no_silent_second_run(scene: &Scene, seen: &Seen) {
    let mut attempts: BTreeMap<String, Vec<idempotent_tests::robot::Attempted>> = BTreeMap::new();
    for attempt in scene.portal.attempts() {
        attempts.entry(attempt.job.clone()).or_default().push(attempt);
    }
    for job in &seen.begun {
        let attempts = attempts.remove(&name(*job)).unwrap_or_default();
        let (acts, begins): (Vec<_>, Vec<_>) = attempts.iter().partition(|attempt| attempt.acts);
        for pair in begins.windows(2) {
            assert!(pair[0].fence < pair[1].fence, "job {job}: two holders: {attempts:?}");
            assert!(pair[0].number < pair[1].number, "job {job}: {attempts:?}");
        }
        match form(*job) {
            Form::Marked => assert!(acts.len() <= 1, "job {job}: a second run in doubt: {attempts:?}"),
            Form::Bare => assert!(begins.len() <= 1, "job {job}: a second run in doubt: {attempts:?}"),
            Form::Checked | Form::CheckedUnmarked => {}
        }
    }
    assert!(attempts.is_empty(), "jobs that nobody began: {attempts:?}");
}

/// I6.
fn another_payload_is_refused(scene: &Scene, finished: &BTreeMap<u64, Told>) {
    for code in ["ok", "in_doubt"] {
        let (job, _) = finished.iter().find(|(_, told)| told.code == code).unwrap();
        let before = scene.portal.bookings(&name(*job));
        let other = Task { payload: 1, ..life::task(&scene.task(Form::Bare, ""), *job) };
        assert_eq!(scene.call(&other).code, "key_reused");
        assert_eq!(scene.portal.bookings(&name(*job)), before);
    }
}

/// I8.
fn what_cannot_be_read_is_not_absent(scene: &Scene, finished: &BTreeMap<u64, Told>) {
    let (job, told) = finished.iter().find(|(_, told)| told.code == "ok").unwrap();
    let file = rusqlite::Connection::open(scene.folder().join("records.db")).unwrap();
    let call = format!("job={:?}", name(*job));
    let damage = "UPDATE record SET value = substr(value, 1, 5) WHERE call = ?1";
    let kept: String =
        file.query_row("SELECT value FROM record WHERE call = ?1", [&call], |row| row.get(0)).unwrap();
    assert_eq!(file.execute(damage, [&call]).unwrap(), 1);
    let task = life::task(&scene.task(Form::Bare, ""), *job);
    assert_eq!(scene.call(&task).code, "stored_value");
    assert_eq!(scene.portal.bookings(&name(*job)).len(), 1);
    file.execute("UPDATE record SET value = ?2 WHERE call = ?1", [&call, &kept]).unwrap();
    assert_eq!(scene.call(&task).confirmation(), told.text);
}

/// I5: an operator looks into the portal's book; then every job has been done exactly once.
fn an_operator_can_end_every_doubt(scene: &Scene, finished: &BTreeMap<u64, Told>) {
    let handle = scene.handle();
    let filter = idempotent::Filter { which: Which::InDoubt, limit: usize::MAX, ..Default::default() };
    let operator = handle.operator("ada", "looked into the portal's book");
    let bookings = scene.portal.all_bookings();
    for entry in handle.list(&filter).wait().unwrap() {
        let job = entry.subject.call.trim_start_matches("job=").trim_matches('"').to_owned();
        match bookings.get(&job).and_then(|booked| booked.last()) {
            Some(booked) => operator.resolve_done(&entry.subject.key, sight(&entry), booked).wait().unwrap(),
            None => operator.resolve_not_done(&entry.subject.key, sight(&entry)).wait().unwrap(),
        }
    }
    drop(handle);
    let jobs: BTreeSet<u64> = finished.keys().copied().collect();
    let finished = lanes::finish(scene, &jobs);
    let bookings = scene.portal.all_bookings();
    for (job, told) in finished {
        assert_eq!(bookings[&name(job)], [told.confirmation()]);
    }
    assert!(scene.jobs(&scene.handle(), Which::InDoubt).is_empty());
    assert!(scene.jobs(&scene.handle(), Which::Unfinished).is_empty());
}

/// I9.
fn without_its_file_nothing_runs(scene: &Scene) {
    let task = scene.task(Form::Bare, "without a store");
    let mut robot = scene.start_until(&task, "before claim");
    let (file, away) = (scene.folder().join("records.db"), scene.folder().join("away.db"));
    fs::rename(&file, &away).unwrap();
    robot.go_on();
    assert_eq!(Told::read(&robot.result()).code, "store");
    fs::rename(&away, &file).unwrap();
    assert!(scene.portal.bookings("without a store").is_empty());
    assert_eq!(scene.call(&task).code, "ok");
}
