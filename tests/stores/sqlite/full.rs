//! A disk without room, at each stage of a call: the program is told, and goes on when there is room again.
//!
//! Red when an error from a commit is taken for "not written" or for "written" (send.rs), when the connection that met it
//! is used on (`Fault::spoils_connection`, the `ROLLBACK` in batch.rs), when a body runs whose claim or mark was not
//! written, or when the keeper gives up.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use idempotent::{Error, Handle, Operation, SqliteStore};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::support::*;

const PATIENCE: Duration = Duration::from_secs(20);

static BOOK: Operation = Operation::new("full.book").marker().wait_micros(0);

/// What becomes of a call whose disk is full from a stage on, until it has told its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Claim,
    Mark,
    Settle,
    /// After the settle: nothing fails any more, and a replay needs no room.
    Replay,
}

const STAGES: [Stage; 4] = [Stage::Claim, Stage::Mark, Stage::Settle, Stage::Replay];

fn call(handle: &Handle, id: usize, body: impl FnOnce() -> u32, before: impl FnOnce()) -> Result<u32, Error> {
    let call = BOOK.call().key("id", &id).store(handle).returns::<Result<u32, Error>>();
    call.run_blocking(|claim| {
        before();
        claim.mark_blocking().map(|()| body())
    })
}

/// Runs a call for each stage with `fill` and `clear` around it, and tells in how many words.
fn every_stage(handle: &Handle, what: &str, fill: &dyn Fn(), clear: &dyn Fn()) {
    for (id, stage) in STAGES.into_iter().enumerate() {
        let mut acts = 0;
        let at = |now: Stage| {
            if now == stage {
                fill();
            }
        };
        at(Stage::Claim);
        let told = call(
            handle,
            id,
            || {
                acts += 1;
                at(Stage::Settle);
                7
            },
            || at(Stage::Mark),
        );
        at(Stage::Replay);
        match (&told, stage) {
            (Ok(7), Stage::Replay) => {
                assert_eq!(
                    call(handle, id, || panic!("it is recorded"), || ()).unwrap(),
                    7,
                    "no room needed"
                );
            }
            (Err(Error::Store(failed)), Stage::Claim | Stage::Mark | Stage::Settle) => {
                let error = told.as_ref().unwrap_err();
                let text = format!("{error}; {}", error.advice());
                assert!(text.contains(what) && text.contains("robot.db"), "{stage:?}: {text}");
                assert!(error.is_retryable(), "{stage:?}: {text}");
                let unrecorded = (stage == Stage::Settle).then_some("7");
                assert_eq!(failed.unrecorded.as_deref(), unrecorded, "{stage:?}: {text}");
            }
            (told, stage) => panic!("{stage:?}: {told:?}"),
        }
        assert_eq!(acts, u32::from(matches!(stage, Stage::Settle | Stage::Replay)), "{stage:?}");
        clear();
        assert_eq!(handle.drain(PATIENCE).wait(), 0, "{stage:?}: the keeper goes on");
        let again = call(
            handle,
            id,
            || {
                acts += 1;
                7
            },
            || (),
        );
        assert_eq!((again.unwrap(), acts), (7, 1), "{stage:?}: nothing twice, nothing lost");
    }
    let doubt = idempotent::Filter { which: idempotent::Which::InDoubt, ..Default::default() };
    assert_eq!(handle.list(&doubt).wait().unwrap(), []);
}

/// A small file system in memory, or why there is none.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, size: &str) -> Result<Small, String> {
        fs::create_dir(at).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| error.to_string())?;
        if mount.status.success() {
            Ok(Small(at.to_owned()))
        } else {
            Err(String::from_utf8_lossy(&mount.stderr).trim().to_owned())
        }
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes every byte that is left.
    fn fill(&self) {
        let mut file = File::options().append(true).create(true).open(self.ballast()).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn clear(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Fails as the head says. Where this user may not mount, it says so and leaves itself out.
#[test]
fn s44_a_full_file_system_at_each_stage() {
    let folder = tempfile::tempdir().unwrap();
    let small = match Small::mount(&folder.path().join("small"), "2m") {
        Ok(small) => small,
        Err(why) => {
            println!("LEFT OUT: no small file system can be mounted here ({why})");
            return;
        }
    };
    let handle = Handle::new(SqliteStore::open(small.0.join("robot.db")).unwrap());
    // What is tidied at the opening, and the first claim's lock file, are there before.
    assert_eq!(call(&handle, 99, || 1, || ()).unwrap(), 1);
    every_stage(&handle, "full", &|| small.fill(), &|| small.clear());
    // The first claim of a store also needs a lock file; and a store that is opened needs the log.
    drop(handle);
    small.fill();
    let told = match SqliteStore::open(small.0.join("robot.db")) {
        Err(error) => told(&error),
        Ok(store) => {
            let error = call(&Handle::new(store), 100, || panic!("the body ran"), || ()).unwrap_err();
            format!("{error}; {}", error.advice())
        }
    };
    assert!(told.contains("full") || told.contains("No space left"), "{told}");
    assert!(told.contains("robot.db") && told.contains("make room"), "{told}");
    small.clear();
    let handle = Handle::new(SqliteStore::open(small.0.join("robot.db")).unwrap());
    assert_eq!(call(&handle, 100, || 1, || ()).unwrap(), 1);
    assert_eq!(call(&handle, 99, || panic!("it is recorded"), || ()).unwrap(), 1);
    drop(handle);
}

/// Fails when a file system that may only be read is found out by the first claim.
#[test]
fn s40_a_read_only_file_system_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let small = match Small::mount(&folder.path().join("small"), "2m") {
        Ok(small) => small,
        Err(why) => {
            println!("LEFT OUT: no small file system can be mounted here ({why})");
            return;
        }
    };
    let remount = |option| {
        let until = std::time::Instant::now() + PATIENCE;
        // Busy as long as the store that was dropped has its files open.
        while !Command::new("mount")
            .args(["-o", option])
            .arg(&small.0)
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
        {
            assert!(std::time::Instant::now() < until, "it cannot be mounted again");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let file = small.0.join("robot.db");
    drop(SqliteStore::open(&file).unwrap());
    remount("remount,ro");
    for path in [&file, &small.0.join("fresh-robot.db")] {
        let error = SqliteStore::open(path).err().expect("it cannot be written");
        let text = told(&error);
        assert_eq!(error.kind(), idempotent::store::ErrorKind::Refused, "{text}");
        assert!(text.contains("robot.db") && text.contains("right"), "{text}");
    }
    remount("remount,rw");
    assert_eq!(call(&Handle::new(SqliteStore::open(&file).unwrap()), 1, || 1, || ()).unwrap(), 1);
}

/// Fails when a fresh file on a full disk is half made and then refused for ever.
#[test]
fn s44_a_file_that_could_not_be_made_is_made_later() {
    let folder = tempfile::tempdir().unwrap();
    let small = match Small::mount(&folder.path().join("small"), "512k") {
        Ok(small) => small,
        Err(why) => {
            println!("LEFT OUT: no small file system can be mounted here ({why})");
            return;
        }
    };
    let file = small.0.join("robot.db");
    let mut made = 0;
    // More and more room for it: every point of its making.
    for room in (0..60).map(|pages| pages * 4_096) {
        small.fill();
        let ballast = File::options().write(true).open(small.ballast()).unwrap();
        let full = ballast.metadata().unwrap().len();
        ballast.set_len(full - room).unwrap();
        drop(ballast);
        match SqliteStore::open(&file) {
            Ok(_) => made += 1,
            Err(error) => {
                let told = told(&error);
                assert!(told.contains("robot.db") && told.contains("make room"), "{room}: {told}");
            }
        }
        small.clear();
        let store = Arc::new(SqliteStore::open(&file).unwrap_or_else(|error| panic!("{room}: {error}")));
        let handle = Handle::shared(store.clone());
        assert_eq!(call(&handle, 1, || 1, || ()).unwrap(), 1);
        close(handle, store);
        for entry in fs::read_dir(&small.0).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }
    println!("60 sizes of room: {made} were enough");
    assert!((1..60).contains(&made));
}

/// The child of the next test: its own files may not grow from a stage on. The signal that goes with that is ignored.
#[test]
#[ignore = "run by another test as its child process"]
fn cramped() {
    let Ok(folder) = std::env::var("IDEMPOTENT_TEST_FILE") else { return };
    let file = Path::new(&folder).join("robot.db");
    let handle = Handle::new(SqliteStore::open(&file).unwrap());
    assert_eq!(call(&handle, 99, || 1, || ()).unwrap(), 1);
    let before = getrlimit(Resource::Fsize);
    let log = file.with_extension("db-wal");
    let limit =
        |bytes| setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: before.maximum }).unwrap();
    every_stage(&handle, "disk I/O error", &|| limit(Some(fs::metadata(&log).unwrap().len())), &|| {
        limit(before.current)
    });
    println!("@passed");
}

/// Fails as the head says: here the commit itself meets an I/O error, of which nobody knows what it has written.
#[test]
fn s44_a_file_that_may_not_grow_at_each_stage() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["full::cramped", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("IDEMPOTENT_TEST_FILE", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("@passed"), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
}

/// The child of the next test: it may open no more files from a stage on.
#[test]
#[ignore = "run by another test as its child process"]
fn without_descriptors() {
    let Ok(folder) = std::env::var("IDEMPOTENT_TEST_FILE") else { return };
    let file = Path::new(&folder).join("robot.db");
    let before = getrlimit(Resource::Nofile);
    let limit = |number| {
        setrlimit(Resource::Nofile, Rlimit { current: number, maximum: before.maximum }).unwrap();
    };
    // What is open already stays open: only a store that needs a file more is told.
    let handle = Handle::new(SqliteStore::open(&file).unwrap());
    limit(Some(3));
    let refused = SqliteStore::open(&file).err().expect("no file can be opened");
    assert!(
        told(&refused).contains("robot.db") && told(&refused).contains("`ulimit -n`"),
        "{}",
        told(&refused)
    );
    assert!(refused.is_transient(), "{}", told(&refused));
    let error = call(&handle, 1, || panic!("it acted"), || ()).unwrap_err();
    let text = format!("{error}; {}", error.advice());
    assert!(text.contains("robot.db") && text.contains("`ulimit -n`") && error.is_retryable(), "{text}");
    limit(before.current);
    assert_eq!(call(&handle, 1, || 1, || ()).unwrap(), 1);
    limit(Some(3));
    for id in 2..6 {
        // The lock file and a connection are there.
        assert_eq!(call(&handle, id, || 1, || ()).unwrap(), 1);
        assert_eq!(call(&handle, id, || panic!("it is recorded"), || ()).unwrap(), 1);
    }
    println!("@passed");
}

/// Fails when a program that has too many files open is told to make a folder, or does not go on.
#[test]
fn s44_no_more_files_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["full::without_descriptors", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("IDEMPOTENT_TEST_FILE", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("@passed"), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
}

/// Fails when a reader that stays in an old snapshot, so that the log cannot be copied back, stops those who write, or
/// when the log goes on growing once the reader has gone.
#[test]
fn the_log_shrinks_to_its_use_once_nobody_reads_the_past() {
    let place = Place::new();
    let store = place.open();
    let log = || fs::metadata(place.folder.path().join("robot.db-wal")).unwrap().len();
    let value = format!("\"{}\"", "x".repeat(20_000));
    let work = |from: usize| {
        for number in from..from + 150 {
            let name = subject(&format!("call {number}"));
            let held = granted(&store, &name, 1);
            ask(&store, &name, done(held, &value));
        }
    };
    work(0);
    let small = log();
    let reader = place.sql();
    reader.execute_batch("BEGIN; SELECT count(*) FROM record").unwrap();
    work(1_000);
    work(2_000);
    let grown = log();
    assert!(grown > small + 2_000_000, "{small} then {grown} bytes: the reader did not hold it up");
    reader.execute_batch("COMMIT").unwrap();
    work(3_000);
    let settled = log();
    work(4_000);
    work(5_000);
    assert!(log() <= settled.max(grown), "{small}, {grown}, {settled}, {} bytes", log());
    assert_eq!(list(&store, idempotent::Which::All).len(), 900);
}
