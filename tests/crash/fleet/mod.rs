//! A thousand processes are killed at one file, five at work at a time, and every job is called until it answers.

mod lanes;
mod life;
mod locks;
mod opening;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use idempotent::Which;
use idempotent_tests::robot::{Form, Task, Told};
use idempotent_tests::{Scene, sight};

use self::lanes::Seen;
use self::life::{form, is_resolved, job_of, name};

const KILLS: usize = 1_000;

/// What became of a job, by the portal's book first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Column {
    Duplicate,
    InDoubt,
    Once,
    /// The portal's last word was no, and that is on record.
    Refused,
    Lost,
}

fn seed() -> u64 {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = match std::env::var("IDEMPOTENT_TEST_SEED") {
        Ok(seed) => seed.parse().expect("a seed is a number"),
        Err(_) => u64::try_from(clock.as_micros()).unwrap(),
    };
    println!("IDEMPOTENT_TEST_SEED={seed}");
    seed
}

/// Red when in `src`
/// - `protocol/holder.rs` leaves out `next.effect = true` in `mark`, or `protocol/claim.rs` begins with
///   `effect: false` whatever the code (a second run),
/// - `protocol/claim.rs` keeps the fence where it takes over (I1),
/// - `protocol/operator.rs` sweeps a record with doubt,
/// - `store/sqlite/holders.rs` takes a process for dead whose lock is held,
/// - `operation/claim.rs` answers `Ok` without waiting for the settle (I3: an answer that is gone).
#[test]
fn a_thousand_kills() {
    let seed = seed();
    let scene = Scene::default();
    let began = Instant::now();
    let seen = lanes::kill(&scene, KILLS, seed);
    let others: usize = seen.others.values().sum();
    println!("{} robots and {others} others killed in {:.1?}", seen.killed(), began.elapsed());
    println!("{:#?}\n{:#?}", seen.kills, seen.others);
    assert!(seen.killed() >= KILLS && others > KILLS / 20);
    #[cfg(target_os = "linux")]
    for busy in ["has Turn", "has Writes", "has Checkpoints"] {
        let kills = [&seen.kills, &seen.others].map(|kills| kills.get(busy).copied().unwrap_or(0));
        assert!(kills.iter().sum::<usize>() > 0, "nobody was killed who {busy}");
    }
    assert_eq!(integrity(&scene), "ok");

    let finished = lanes::finish(&scene, &seen.begun);
    println!("{} jobs called again after {:.1?}", finished.len(), began.elapsed());
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
        _ if form(job) == Form::Stored && finished[&job].code == "portal" => Column::Refused,
        _ => Column::Lost,
    };
    let mut table: BTreeMap<(Form, Column), usize> = BTreeMap::new();
    for job in &seen.begun {
        *table.entry((form(*job), column(*job))).or_default() += 1;
        let doubt = finished[job].code == "in_doubt";
        assert_eq!(doubt, column(*job) == Column::InDoubt, "job {job}: {:?}", finished[job]);
    }
    println!("{} jobs: {table:?}", seen.begun.len());
    let total = |which: Column| -> usize {
        table.iter().filter(|((_, column), _)| *column == which).map(|(_, count)| count).sum()
    };
    let all = [Column::Duplicate, Column::InDoubt, Column::Once, Column::Refused, Column::Lost];
    let columns = all.map(total);
    println!("duplicate, in doubt, once, refused, lost: {columns:?}");
    assert_eq!(columns.iter().sum::<usize>(), seen.begun.len());
    assert_eq!((columns[0], columns[4]), (0, 0), "duplicates and losses");
    // Enough of each for the counts to mean something.
    assert!(columns[1] > 0 && columns[2] > KILLS / 2 && columns[3] > 0, "{table:?}");
    for form in Form::ALL.into_iter().filter(|form| form.checks() || form.reruns()) {
        assert_eq!(table.get(&(form, Column::InDoubt)), None, "{form:?}: nothing of it stays in doubt");
    }
    assert!(listed.len() == columns[1], "doubt about a job that nobody began");
}

/// I2 and I3: an answer was given once the record was durable, and stays; doubt ends only by an operator's word.
fn nothing_that_was_answered_is_lost_or_different(
    scene: &Scene,
    seen: &Seen,
    finished: &BTreeMap<u64, Told>,
) {
    let revoked = acted_on(scene, "revoked");
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for (job, answers) in &seen.answers {
        for told in answers {
            let last = &finished[job];
            match &*told.code {
                "ok" => assert_eq!(last.confirmation(), told.text, "job {job} was answered otherwise"),
                "portal" if form(*job) == Form::Stored => {
                    assert_eq!((&last.code, &last.text), (&told.code, &told.text), "job {job}");
                }
                "in_doubt" if !is_resolved(*job) => {
                    assert_eq!(last.code, "in_doubt", "job {job}: a dead robot has spoken");
                }
                "in_doubt" => {}
                "portal" if form(*job) == Form::Released => {}
                "lease_lost" if revoked.contains(job) => {}
                other => *others.entry(other).or_default() += 1,
            }
        }
    }
    assert_eq!(others, BTreeMap::new(), "robots were told of trouble although only others were killed");
    println!("{} jobs revoked, {} resolved", revoked.len(), acted_on(scene, "resolved").len());
    let bookings = scene.portal.all_bookings();
    for (job, told) in finished.iter().filter(|(_, told)| told.code == "ok") {
        // I7, too: nobody has the record of another.
        assert_eq!(bookings[&name(*job)], [told.text.as_str()]);
    }
}

/// The jobs on which an operator has acted, by the trail.
fn acted_on(scene: &Scene, act: &str) -> BTreeSet<u64> {
    let file = rusqlite::Connection::open(scene.folder().join("records.db")).unwrap();
    let mut rows = file
        .prepare(
            "SELECT DISTINCT r.call FROM audit a JOIN record r ON r.key = a.key WHERE a.move LIKE ?1 || '%'",
        )
        .unwrap();
    let calls = rows.query_map([act], |row| row.get::<_, String>(0)).unwrap();
    calls.map(|call| job_of(&call.unwrap())).collect()
}

/// I1 and I4, by what the bodies wrote down as they ran; I10 and I11, as half of the robots had wrong wall clocks
/// and all were killed.
fn one_holder_and_no_silent_second_run(scene: &Scene, seen: &Seen) {
    let revoked = acted_on(scene, "revoked");
    let mut attempts: BTreeMap<String, Vec<idempotent_tests::robot::Attempted>> = BTreeMap::new();
    for attempt in scene.portal.attempts() {
        attempts.entry(attempt.job.clone()).or_default().push(attempt);
    }
    for job in &seen.begun {
        let attempts = attempts.remove(&name(*job)).unwrap_or_default();
        let (acts, begins): (Vec<_>, Vec<_>) = attempts.iter().partition(|attempt| attempt.acts);
        // A body whose claim was revoked before it began may begin late; it acts no more.
        let in_order = if revoked.contains(job) { &acts } else { &begins };
        for pair in in_order.windows(2) {
            assert!(pair[0].fence < pair[1].fence, "job {job}: two holders: {attempts:?}");
        }
        if is_resolved(*job) {
            continue;
        }
        match form(*job) {
            Form::Marked => assert!(acts.len() <= 1, "job {job}: a second run in doubt: {attempts:?}"),
            Form::Bare => assert!(begins.len() <= 1, "job {job}: a second run in doubt: {attempts:?}"),
            // Those may run again: by a check, a request id, or after an error that said that nothing happened.
            _ => {}
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
        match bookings.get(&name(job_of(&entry.subject.call))).and_then(|booked| booked.last()) {
            Some(booked) => operator.resolve_done(&entry.subject.key, sight(&entry), booked).wait().unwrap(),
            None => operator.resolve_not_done(&entry.subject.key, sight(&entry)).wait().unwrap(),
        }
    }
    drop(handle);
    let jobs: BTreeSet<u64> = finished.keys().copied().collect();
    let finished = lanes::finish(scene, &jobs);
    let bookings = scene.portal.all_bookings();
    for (job, told) in finished {
        match &*told.code {
            "portal" if form(job) == Form::Stored => assert_eq!(bookings.get(&name(job)), None),
            _ => assert_eq!(bookings[&name(job)], [told.confirmation()]),
        }
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
