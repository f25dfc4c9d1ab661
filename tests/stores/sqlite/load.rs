//! Many callers: batches, callers that go away, turns between processes, a full disk.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use idempotent::Store;
use idempotent::protocol::{Answer, Held, Request};
use idempotent::store::{BoxFuture, ErrorKind, SqliteOptions, Which};

use super::robot::Robot;
use super::support::*;

/// How many transactions the log holds: frames that end one carry the size of the file.
fn commits(log: &Path) -> usize {
    let mut bytes = Vec::new();
    std::fs::File::open(log).and_then(|mut file| file.read_to_end(&mut bytes)).expect("the log is read");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (page, salt) = (number(8) as usize, &bytes[16..24]);
    let frames = bytes[32..].chunks_exact(24 + page).take_while(|frame| &frame[8..16] == salt);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

fn poll<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Fails when each caller gets a transaction of its own.
#[test]
fn callers_share_transactions() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("first"), 1);
    let before = commits(&place.file().with_extension("db-wal"));
    let outside = place.sql();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let subjects: Vec<_> = (0..128).map(|number| subject(&number.to_string())).collect();
    let (tasks, threads) = subjects.split_at(64);
    let mut tasks: Vec<_> = tasks.iter().map(|subject| store.apply(subject, claim(1))).collect();
    for task in &mut tasks {
        assert!(poll(task).is_pending());
    }
    outside.execute_batch("ROLLBACK").unwrap();
    for task in tasks {
        assert!(matches!(within(task), Ok(Answer::Run(_))));
    }
    // What the thread had already taken, and the rest.
    let transactions = commits(&place.file().with_extension("db-wal")) - before;
    assert!((1..=2).contains(&transactions), "{transactions} transactions for 64 tasks");
    std::thread::scope(|scope| {
        for subject in threads {
            scope.spawn(|| assert!(matches!(store.apply_blocking(subject, claim(1)), Ok(Answer::Run(_)))));
        }
    });
    assert_eq!(list(&store, Which::Unfinished).len(), 129);
}

/// Fails when a transaction that met an error is left open: nothing could be written any more.
#[test]
fn a_refused_move_is_rolled_back() {
    let place = Place::new();
    let store = place.open();
    place
        .sql()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON record WHEN NEW.call = 'bad'
             BEGIN SELECT RAISE(ABORT, 'not this one'); END",
        )
        .unwrap();
    for number in 1..4 {
        let refused = wait(store.apply(&subject("bad"), claim(number))).expect_err("the trigger refuses");
        assert!(told(&refused).contains("not this one"), "{}", told(&refused));
        granted(&store, &subject(&number.to_string()), 1);
    }
}

/// Fails when a move that is refused takes its neighbours in the batch with it: the value that is too large
/// fails alone.
#[test]
fn one_bad_move_fails_alone() {
    let place = Place::new();
    let store = SqliteOptions::new(place.file()).max_pages(60).open().unwrap();
    let names: Vec<_> = (0..8).map(|number| subject(&number.to_string())).collect();
    let held: Vec<Held> = names.iter().map(|name| granted(&store, name, 1)).collect();
    let outside = place.sql();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let large = format!("\"{}\"", "x".repeat(1_000_000));
    let mut settles: Vec<_> = names
        .iter()
        .zip(&held)
        .enumerate()
        .map(|(number, (name, held))| store.apply(name, done(*held, if number == 3 { &large } else { "1" })))
        .collect();
    for settle in &mut settles {
        assert!(poll(settle).is_pending());
    }
    outside.execute_batch("ROLLBACK").unwrap();
    for (number, settle) in settles.into_iter().enumerate() {
        let answer = within(settle);
        if number == 3 {
            let full = answer.expect_err("the value does not fit");
            assert_eq!(full.kind(), ErrorKind::Unavailable);
            assert!(told(&full).contains("full") && told(&full).contains("room"), "{}", told(&full));
        } else {
            assert!(matches!(answer, Ok(Answer::Settled(_))), "{answer:?}");
        }
    }
}

/// Fails when a full disk loses what was answered, breaks the connection, or stops those who read.
#[test]
fn s44_a_full_disk_refuses_and_goes_on() {
    let place = Place::new();
    let store = SqliteOptions::new(place.file()).max_pages(80).open().unwrap();
    let open: Vec<_> = (0..6).map(|number| subject(&format!("open {number}"))).collect();
    let held: Vec<Held> = open.iter().map(|name| granted(&store, name, 1)).collect();
    let large = format!("\"{}\"", "x".repeat(30_000));
    let mut answered = Vec::new();
    let mut refused = 0;
    for number in 0..40 {
        let name = subject(&format!("call {number}"));
        let call = wait(store.apply(&name, claim(1))).and_then(|answer| match answer {
            Answer::Run(grant) => wait(store.apply(&name, done(super::support::held(1, &grant), &large))),
            other => panic!("not granted: {other:?}"),
        });
        match call {
            Ok(_) => answered.push(name),
            Err(error) => {
                refused += 1;
                assert!(told(&error).contains("full"), "{}", told(&error));
            }
        }
    }
    assert!(!answered.is_empty() && refused > 0);
    let lost: Vec<_> = open
        .iter()
        .zip(&held)
        .filter(|(name, held)| wait(store.apply(name, done(**held, &large))).is_err())
        .collect();
    assert!(!lost.is_empty(), "the large settles should not fit");
    for name in &answered {
        assert_eq!(ask(&store, name, claim(2)), replay(&large));
    }
    // Room again: another connection raises the limit for this file by a new store.
    let roomy = place.open();
    for (name, held) in lost {
        assert!(matches!(ask(&roomy, name, done(*held, &large)), Answer::Settled(_)));
        assert_eq!(ask(&store, name, claim(2)), replay(&large));
    }
}

/// Fails when a queued move is done although its caller has dropped the future.
#[test]
fn a_queued_move_is_withdrawn_with_its_future() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("first"), 1);
    // A second holder, so that turns are taken, and its turn, which does not end.
    let second = place.open();
    granted(&second, &subject("second"), 1);
    let turn = place.folder.path().join("robot.db-holders/turn");
    let turn = std::fs::File::options().read(true).write(true).open(turn).unwrap();
    turn.lock().unwrap();
    let names = [subject("kept"), subject("dropped")];
    let mut kept = store.apply(&names[0], claim(1));
    let mut dropped = store.apply(&names[1], claim(1));
    assert!(poll(&mut kept).is_pending() && poll(&mut dropped).is_pending());
    drop(dropped);
    turn.unlock().unwrap();
    assert!(matches!(within(kept), Ok(Answer::Run(_))));
    assert_eq!(wait(store.load(&names[1].key)).unwrap(), None);
}

/// Fails when a caller waits without end for another process that is stopped in its turn, or when the move that
/// it has given up is made later.
#[test]
fn a_caller_gives_up_a_move_that_nobody_can_write() {
    let place = Place::new();
    let impatient = SqliteOptions::new(place.file()).patience(Duration::from_millis(50)).open().unwrap();
    // A slow machine may need longer than this store waits: the same claim is made until it is answered.
    let granted_in_the_end = |name: &str| {
        let until = Instant::now() + Duration::from_secs(60);
        let answer = loop {
            match impatient.apply_blocking(&subject(name), claim(1)) {
                Err(error) if Instant::now() < until => assert!(error.is_transient(), "{error}"),
                answer => break answer,
            }
        };
        assert!(matches!(answer, Ok(Answer::Run(_))), "{answer:?}");
    };
    granted_in_the_end("first");
    let second = place.open();
    granted(&second, &subject("second"), 1);
    let turn = place.folder.path().join("robot.db-holders/turn");
    let turn = std::fs::File::options().read(true).write(true).open(turn).unwrap();
    turn.lock().unwrap();
    let names = [subject("asynchronous"), subject("blocking")];
    let answers = [
        within(impatient.apply(&names[0], claim(1))).unwrap_err(),
        impatient.apply_blocking(&names[1], claim(1)).unwrap_err(),
    ];
    for error in answers {
        assert!(error.is_transient(), "{error}");
        assert!(error.to_string().contains("took no move for 50ms"), "{error}");
        assert!(error.advice().contains("stopped"), "{}", error.advice());
    }
    turn.unlock().unwrap();
    granted_in_the_end("third");
    for name in &names {
        assert_eq!(wait(second.load(&name.key)).unwrap(), None);
    }
}

/// Fails when a store that is dropped waits for ever for the turn of a process that is stopped in it.
#[test]
fn a_store_ends_although_another_process_hangs_in_its_turn() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("first"), 1);
    let second = place.open();
    granted(&second, &subject("second"), 1);
    let turn = place.folder.path().join("robot.db-holders/turn");
    let turn = std::fs::File::options().read(true).write(true).open(turn).unwrap();
    turn.lock().unwrap();
    let name = subject("waiting");
    let mut waiting = store.apply(&name, claim(1));
    assert!(poll(&mut waiting).is_pending());
    drop(waiting);
    within(Box::pin(async move { drop(store) }));
    turn.unlock().unwrap();
    assert_eq!(wait(second.load(&name.key)).unwrap(), None);
}

/// Fails when a future only completes while the thread that made it, or its runtime, is there.
#[test]
fn s78_a_future_completes_on_any_thread() {
    let place = Place::new();
    let store = Arc::new(place.open());
    let names = [subject("a"), subject("b")];
    std::thread::scope(|scope| {
        let outside = place.sql();
        outside.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut task = store.apply(&names[0], claim(1));
        assert!(poll(&mut task).is_pending());
        let other = scope.spawn(move || within(task));
        outside.execute_batch("ROLLBACK").unwrap();
        assert!(matches!(other.join().unwrap(), Ok(Answer::Run(_))));
    });
    assert!(matches!(ask(&*store, &names[1], claim(1)), Answer::Run(_)));
}

/// Fails when a busy process keeps the others out: without turns one makes hundreds of calls while another makes
/// a few. Counted in the file, where rows stand in the order in which they were made.
#[test]
fn processes_take_turns() {
    const CALLS: usize = 300;
    let place = Place::new();
    let mut robots: Vec<Robot> = (0..2).map(|_| Robot::start(&place.file())).collect();
    for (number, robot) in robots.iter_mut().enumerate() {
        // Both have shown themselves before the race.
        assert!(robot.ask(&format!("claim seen{number} 1")).starts_with("run"));
    }
    for (number, robot) in robots.iter_mut().enumerate() {
        robot.tell(&format!("work {CALLS} robot{number}"));
    }
    for robot in &robots {
        for _ in 0..CALLS {
            assert_eq!(robot.answer(), "worked");
        }
        assert_eq!(robot.answer(), "ready");
    }
    // What the slower one had made when the faster one was done, from the file.
    let made_at_the_end: Vec<i64> = (0..2)
        .map(|number| {
            let mine = format!("robot{number} %");
            place
                .sql()
                .query_row(
                    "SELECT count(*) FROM record WHERE call LIKE ?1 AND id <=
                     (SELECT min(last) FROM (SELECT max(id) AS last FROM record
                      WHERE call LIKE 'robot%' GROUP BY substr(call, 1, 6)))",
                    [mine],
                    |row| row.get(0),
                )
                .unwrap()
        })
        .collect();
    let slowest = made_at_the_end.iter().min().unwrap();
    assert!(*slowest * 3 >= CALLS as i64, "calls when the first was done: {made_at_the_end:?}");
}

/// Fails when eight processes and their threads do not share one file without an error or a lost call.
#[test]
fn s14_eight_processes_work_at_once() {
    let place = Place::new();
    let mut robots: Vec<Robot> = (0..8).map(|_| Robot::start(&place.file())).collect();
    for (number, robot) in robots.iter_mut().enumerate() {
        robot.tell(&format!("work 20 robot{number}"));
    }
    for robot in &robots {
        for _ in 0..20 {
            assert_eq!(robot.answer(), "worked");
        }
        assert_eq!(robot.answer(), "ready");
    }
    let done: i64 = place
        .sql()
        .query_row("SELECT count(*) FROM record WHERE state = 'done'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(done, 160);
}

/// Fails when the log is not copied back while few call: a growing log makes each sync dearer, and the disk
/// full.
#[test]
fn the_log_of_a_lone_caller_stays_small() {
    let place = Place::new();
    let store = place.open();
    let large = format!("\"{}\"", "x".repeat(200_000));
    for number in 0..60 {
        let name = subject(&number.to_string());
        let held = granted(&store, &name, 1);
        ask(&store, &name, done(held, &large));
    }
    let log = std::fs::metadata(place.file().with_extension("db-wal")).unwrap().len();
    assert!(log < 6_000_000, "the log has {log} bytes");
}

/// Fails when the reply of a move is lost with its caller although the move was made: the same claim, asked
/// again, finds its grant.
#[test]
fn a_lost_answer_is_found_again_by_its_token() {
    let place = Place::new();
    let store = place.open();
    let booked = subject("booked");
    let outside = place.sql();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut lost = store.apply(&booked, claim(1));
    assert!(poll(&mut lost).is_pending());
    drop(lost);
    outside.execute_batch("ROLLBACK").unwrap();
    // Made or withdrawn: either way this is the only grant.
    let held = granted(&store, &booked, 1);
    assert!(matches!(ask(&store, &booked, claim(2)), Answer::Busy(_)));
    let again = ask(&store, &booked, Request::Renew { held, lease: LEASE });
    assert_eq!(again, Answer::Ok);
}
