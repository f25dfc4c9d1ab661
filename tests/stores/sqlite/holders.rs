//! Who is alive: processes that are stopped, killed, and whose lock files are deleted.

use std::fs;
use std::time::Duration;

use idempotent::protocol::{Answer, Fence, Held, State, Status};
use idempotent::store::Which;

use super::robot::Robot;
use super::support::*;

/// The fence of a claim that a robot was granted.
fn fence(answer: &str) -> u64 {
    answer.strip_prefix("run ").unwrap_or_else(|| panic!("not granted: {answer}")).parse().unwrap()
}

fn assert_busy(answer: Answer, pid: u32) {
    let Answer::Busy(busy) = answer else { panic!("not busy: {answer:?}") };
    let named = busy.named.expect("the holder is named");
    assert!(named.starts_with(&format!("process {pid} (")) && named.contains(" on host "), "{named}");
}

/// Fails when the lease or a missing heartbeat is taken for death: the stopped process would wake up beside the
/// one that took over, and both would act.
#[test]
fn s55_a_stopped_holder_is_busy_and_named() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let booked = subject("booked");
    let granted = fence(&robot.ask("claim booked 1"));
    robot.stop();
    // Far beyond the lease: this store's clock is an hour ahead.
    let clock = idempotent::testing::FakeClock::new();
    use idempotent::Clock;
    clock.set_steady(idempotent::SystemClock.now());
    clock.advance_steady(Duration::from_secs(3_600));
    let store = place.open_at(&clock);
    assert_busy(ask(&store, &booked, claim(2)), robot.pid());
    assert_eq!(list(&store, Which::InDoubt), []);
    robot.go_on();
    assert_eq!(robot.ask(&format!("mark booked 1 {granted}")), "Ok");
    robot.stop();
    assert_busy(ask(&store, &booked, claim(3)), robot.pid());
    robot.go_on();
    robot.ask(&format!("done booked 1 {granted} 7"));
    assert_eq!(ask(&store, &booked, claim(4)), replay("7"));
    robot.end();
}

/// Fails when death is told by the lease: an unmarked attempt is free, a marked one in doubt, both at once.
#[test]
fn s57_a_killed_holder_is_seen_dead_at_once() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let clean = fence(&robot.ask("claim clean 1"));
    let marked = fence(&robot.ask("claim marked 1"));
    assert_eq!(robot.ask(&format!("mark marked 1 {marked}")), "Ok");
    let store = place.open();
    assert_eq!(list(&store, Which::InDoubt), []);
    assert_eq!(list(&store, Which::Unfinished).len(), 2);
    robot.kill();

    // Nobody has called since.
    let doubt = list(&store, Which::InDoubt);
    assert_eq!(doubt.len(), 1);
    assert_eq!(&*doubt[0].subject.call, "marked");
    assert_eq!(doubt[0].record.as_ref().unwrap().state, State::Running);
    let status = |name| wait(idempotent::Store::load(&store, &subject(name).key)).unwrap().unwrap().status;
    assert_eq!(status("clean"), Status::LapsedClean);
    assert!(matches!(ask(&store, &subject("marked"), claim(2)), Answer::InDoubt(_)));
    match ask(&store, &subject("clean"), claim(2)) {
        Answer::Run(grant) => assert!(grant.fence > Fence(clean)),
        other => panic!("not taken over: {other:?}"),
    }
    let trail = wait(idempotent::Store::trail(&store, &subject("clean").key)).unwrap();
    assert_eq!(trail.iter().map(|line| &*line.what).collect::<Vec<_>>(), ["taken_over"]);
}

/// Fails when quiet time counts from the lease's end or the mark instead of the moment in which the death was
/// seen.
#[test]
fn a_dead_holders_quiet_time_begins_when_it_is_seen_dead() {
    let place = Place::new();
    let clock = idempotent::testing::FakeClock::new();
    let first = place.open_at(&clock);
    let booked = subject("booked");
    let held = granted(&first, &booked, 1);
    ask(&first, &booked, mark(held));
    drop(first);
    clock.advance(Duration::from_secs(5));
    let store = place.open_at(&clock);
    let Answer::Check { quiet_left, .. } = ask(&store, &booked, check(2, Duration::from_secs(2))) else {
        panic!("the check is not asked")
    };
    assert_eq!(quiet_left, 2_000_000);
}

/// Fails when a path is used as it is written: by another path the lock files would lie elsewhere, and live
/// holders would look dead.
#[test]
fn s79_every_path_to_the_file_sees_the_same_holders() {
    let place = Place::new();
    let link = place.folder.path().join("elsewhere/by-link.db");
    fs::create_dir(place.folder.path().join("elsewhere")).unwrap();
    drop(place.open());
    std::os::unix::fs::symlink("../robot.db", &link).unwrap();
    let mut robots = [
        Robot::start(&place.file()),
        Robot::start(&link),
        Robot::start_in("./robot.db".as_ref(), place.folder.path()),
    ];
    for holder in 0..3 {
        let granted = fence(&robots[holder].ask(&format!("claim booked{holder} 1")));
        let pid = robots[holder].pid();
        for other in (0..3).filter(|other| *other != holder) {
            let answer = robots[other].ask(&format!("claim booked{holder} 2"));
            assert!(answer.starts_with("Busy") && answer.contains(&format!("process {pid} ")), "{answer}");
        }
        assert_eq!(robots[holder].ask(&format!("mark booked{holder} 1 {granted}")), "Ok");
        robots[holder].ask(&format!("done booked{holder} 1 {granted} 7"));
        for robot in &mut robots {
            assert!(robot.ask(&format!("claim booked{holder} 3")).starts_with("Replay"));
        }
    }
    assert!(!place.folder.path().join("elsewhere/by-link.db-holders").exists());
}

/// Fails when a mark does not look at the holder's own lock file: another process would see the holder dead
/// between its mark and its request, and both would act.
#[test]
fn s79_a_deleted_lock_file_is_replaced_at_the_mark() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let granted = fence(&robot.ask("claim booked 1"));
    let other = fence(&robot.ask("claim other 1"));
    let [file] = &place.lock_files()[..] else { panic!("one lock file") };
    fs::remove_file(file).unwrap();
    let store = place.open();
    // A missing file proves nothing: the lease decides, and it has not passed.
    assert!(matches!(ask(&store, &subject("booked"), claim(2)), Answer::Busy(_)));
    assert_eq!(robot.ask(&format!("mark booked 1 {granted}")), "Ok");
    assert_eq!(place.lock_files().len(), 1);
    assert_ne!(&place.lock_files()[0], file);
    robot.stop();
    // Both claims of the process are moved to the new file, so the lease does not matter again.
    let clock = idempotent::testing::FakeClock::new();
    use idempotent::Clock;
    clock.set_steady(idempotent::SystemClock.now() + 3_600_000_000);
    let late = place.open_at(&clock);
    assert_busy(ask(&late, &subject("booked"), claim(2)), robot.pid());
    assert_busy(ask(&late, &subject("other"), claim(2)), robot.pid());
    robot.go_on();
    robot.ask(&format!("done other 1 {other} 7"));
    robot.kill();
    assert!(matches!(ask(&late, &subject("booked"), claim(2)), Answer::InDoubt(_)));
    assert_eq!(ask(&late, &subject("other"), claim(2)), replay("7"));
}

/// Fails when a lock file that took the place of the holder's is believed: free, it proves nothing.
#[test]
fn a_replaced_lock_file_proves_nothing() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let granted = fence(&robot.ask("claim booked 1"));
    let [file] = &place.lock_files()[..] else { panic!("one lock file") };
    let content = fs::read(file).unwrap();
    fs::rename(file, place.folder.path().join("aside")).unwrap();
    fs::write(file, content).unwrap();
    let store = place.open();
    assert!(matches!(ask(&store, &subject("booked"), claim(2)), Answer::Busy(_)));
    assert_eq!(robot.ask(&format!("mark booked 1 {granted}")), "Ok");
    robot.kill();
    assert!(matches!(ask(&store, &subject("booked"), claim(2)), Answer::InDoubt(_)));
}

/// Fails when the cleaner removes a dead holder's file that a record still names: then only the lease would
/// tell that it is dead.
#[test]
fn the_file_of_a_dead_holder_stays_while_a_record_names_it() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let granted = fence(&robot.ask("claim booked 1"));
    robot.ask(&format!("mark booked 1 {granted}"));
    robot.kill();
    let mut idle = Robot::start(&place.file());
    idle.ask("claim passing 1");
    idle.kill();
    assert_eq!(place.lock_files().len(), 2);
    let store = place.open();
    wait(idempotent::Store::sweep(&store, 100)).unwrap();
    assert_eq!(place.lock_files().len(), 1);
    assert_eq!(list(&store, Which::InDoubt).len(), 1);
    let held = Held { token: token(1), fence: Fence(granted) };
    // Late truth: settled from its own word, the record needs nobody any more.
    assert_eq!(ask(&store, &subject("booked"), done(held, "7")), settled(State::Done));
    wait(idempotent::Store::sweep(&store, 100)).unwrap();
    assert_eq!(place.lock_files(), [] as [std::path::PathBuf; 0]);
    let rows: i64 = place.sql().query_row("SELECT count(*) FROM process", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

/// Fails when opening the file does not remove what a dead process has left: each start of a robot would leave
/// one file more.
#[test]
fn opening_tidies_up() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    let granted = fence(&robot.ask("claim booked 1"));
    robot.ask(&format!("done booked 1 {granted} 7"));
    robot.kill();
    assert_eq!(place.lock_files().len(), 1);
    let store = place.open();
    // This move waits in the queue behind the errand.
    super::support::granted(&store, &subject("next"), 1);
    let [file] = &place.lock_files()[..] else { panic!("one lock file") };
    let process: Vec<u8> = place
        .sql()
        .query_row("SELECT process FROM record WHERE call = 'next'", [], |row| row.get(0))
        .unwrap();
    let name: String = process.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(file.ends_with(name));
}

/// Fails when the claim is not one transaction: eight see the same dead holder, one may run.
#[test]
fn s80_eight_meet_a_dead_holder_and_one_runs() {
    let place = Place::new();
    let mut robot = Robot::start(&place.file());
    robot.ask("claim booked 200");
    robot.kill();
    let mut robots: Vec<Robot> = (0..8).map(|_| Robot::start(&place.file())).collect();
    for (number, robot) in robots.iter_mut().enumerate() {
        robot.tell(&format!("claim booked {}", number + 1));
    }
    let answers: Vec<String> = robots.iter().map(Robot::answer).collect();
    let runs: Vec<usize> = (0..8).filter(|number| answers[*number].starts_with("run ")).collect();
    let busy = answers.iter().filter(|answer| answer.starts_with("Busy")).count();
    assert_eq!((runs.len(), busy), (1, 7), "{answers:?}");
    let winner = runs[0];
    let granted = fence(&answers[winner]);
    robots[winner].ask(&format!("done booked {} {granted} 7", winner + 1));
    for (number, robot) in robots.iter_mut().enumerate() {
        let answer = robot.ask(&format!("claim booked {}", number + 50));
        assert!(answer.starts_with("Replay"), "{answer}");
    }
}

/// Fails when answers are given before their commit: what a killed process was told must be in the file.
#[test]
fn s43_what_was_answered_survives_a_kill() {
    let place = Place::new();
    for round in 0..5 {
        let mut robot = Robot::start(&place.file());
        robot.tell(&format!("work 100000 round{round}"));
        for _ in 0..20 + round * 7 {
            assert_eq!(robot.answer(), "worked");
        }
        let heard = robot.kill_and_count();
        let store = place.open();
        for call in 0..heard + 20 + round * 7 {
            assert_eq!(ask(&store, &subject(&format!("round{round} {call}")), claim(9)), replay("1"));
        }
        let check: String = place.sql().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

/// Fails when an answer is given although nobody knows whether its commit was made.
#[test]
fn an_io_error_at_the_commit_is_an_error_and_loses_nothing() {
    let place = Place::new();
    let mut robot = Robot::start_cramped(&place.file());
    let mut kept = 0;
    let error = loop {
        let answer = robot.ask(&format!("keep call{kept} 50000"));
        if answer != "kept" {
            break answer;
        }
        kept += 1;
        assert!(kept < 100, "the limit is not felt");
    };
    assert!(error.contains("disk I/O error") && error.contains("robot.db"), "{error}");
    assert!(kept > 0);
    // It still answers what it has, and still says no to what does not fit.
    assert!(robot.ask("claim call0 2").starts_with("Replay"));
    assert!(robot.ask("keep more 900000").starts_with("error: "));
    robot.kill();
    let store = place.open();
    for call in 0..kept {
        let answer = ask(&store, &subject(&format!("call{call}")), claim(9));
        assert!(matches!(answer, Answer::Replay(_)), "call {call} of {kept}: {answer:?}");
    }
    assert_eq!(list(&store, Which::InDoubt), []);
}
