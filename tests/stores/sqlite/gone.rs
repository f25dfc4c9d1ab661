//! Files that go away, come back or become others while a store has them open.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use idempotent::store::ErrorKind;
use idempotent::{Error, Handle, Operation, SqliteStore, Store};

use super::robot::Robot;
use super::support::*;

static BOOK: Operation = Operation::new("gone.book").marker().wait_micros(0);

fn book(handle: &Handle, id: u32, body: impl FnOnce() -> u32) -> Result<u32, Error> {
    let call = BOOK.call().key("id", &id).store(handle).returns::<Result<u32, Error>>();
    call.run_blocking(|claim| claim.mark_blocking().map(|()| body()))
}

fn open(place: &Place) -> (Handle, Arc<SqliteStore>) {
    let store = Arc::new(place.open());
    (Handle::shared(store.clone()), store)
}

/// Nothing runs, and the error says what to do.
fn assert_nothing_runs(handle: &Handle, id: u32, what: &str) {
    let error = book(handle, id, || panic!("the body ran")).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("store", false), "{error}");
    let told = format!("{error}; {}", error.advice());
    for words in ["robot.db", "moved or replaced", what, "put the file back or restart"] {
        assert!(told.contains(words), "{words:?} is missing in: {told}");
    }
}

fn beside(place: &Place, suffix: &str) -> PathBuf {
    place.folder.path().join(format!("robot.db{suffix}"))
}

/// Fails when the index of the log is not looked at: SQLite's locks lie in it, so that a process that makes a new one and
/// one that has the old one open write over each other. And when the one that has the old one takes the log with it when
/// it closes (`Engine::spare_others`): what the other was told would be lost.
#[test]
fn s44_a_removed_index_of_the_log_grants_nothing() {
    let place = Place::new();
    let (handle, store) = open(&place);
    assert_eq!(book(&handle, 1, || 1).unwrap(), 1);
    fs::remove_file(beside(&place, "-shm")).unwrap();
    assert_nothing_runs(&handle, 2, "-shm");
    // Another program makes a new one, and has it for itself.
    let mut other = Robot::start(&place.file());
    assert_eq!(other.ask("keep call 10"), "kept");
    assert_nothing_runs(&handle, 2, "-shm");
    // Nor by a second store of this process, which would share the old index with the first.
    let second = told(&SqliteStore::open(place.file()).err().expect("it would write under other locks"));
    assert!(second.contains("-shm") && second.contains("restart"), "{second}");
    other.end();
    close(handle, store);
    let handle = Handle::new(place.open());
    assert_eq!(book(&handle, 1, || panic!("it is recorded")).unwrap(), 1);
    assert_eq!(list(&place.open(), idempotent::Which::All).len(), 2);
}

/// Fails when what was answered is not in the file once the program ends that had its log open: SQLite copies it back at
/// the end although its name is gone, also where somebody has tried to open the file meanwhile.
#[test]
fn s44_a_removed_log_loses_nothing_if_the_program_ends_in_good_order() {
    for others in [false, true] {
        let place = Place::new();
        let (handle, store) = open(&place);
        assert_eq!(book(&handle, 1, || 1).unwrap(), 1);
        fs::remove_file(beside(&place, "-wal")).unwrap();
        assert_nothing_runs(&handle, 2, "-wal");
        if others {
            let told = Robot::try_start(&place.file()).answer();
            assert!(told.starts_with("refused: ") && told.contains("robot.db"), "{told}");
            assert_nothing_runs(&handle, 2, "-wal");
        }
        close(handle, store);
        let handle = Handle::new(place.open());
        assert_eq!(book(&handle, 1, || panic!("it is recorded")).unwrap(), 1);
        assert_eq!(book(&handle, 2, || 2).unwrap(), 2);
    }
}

/// Fails when a file that is renamed and put back is not taken for the same, or while it is away for another.
#[test]
fn s44_a_renamed_file_grants_nothing_until_it_is_back() {
    let place = Place::new();
    let handle = Handle::new(place.open());
    assert_eq!(book(&handle, 1, || 1).unwrap(), 1);
    let away = beside(&place, ".away");
    fs::rename(place.file(), &away).unwrap();
    assert_nothing_runs(&handle, 2, "it is gone");
    // The next program that opens the path sees a fresh file, whose log would be the old one's: it is not adopted here.
    fs::write(place.file(), "").unwrap();
    assert_nothing_runs(&handle, 2, "another file stands in its place");
    fs::remove_file(place.file()).unwrap();
    fs::rename(&away, place.file()).unwrap();
    assert_eq!(book(&handle, 2, || 2).unwrap(), 2);
    assert_eq!(book(&handle, 1, || panic!("it is recorded")).unwrap(), 1);
}

/// Fails when another database of ours in the same place is written to as if it were the one that was opened, or when
/// closing the one that is gone takes the other's log away: SQLite removes it by its name.
#[test]
fn s44_another_of_our_files_in_its_place_is_not_adopted() {
    let place = Place::new();
    let (handle, store) = open(&place);
    assert_eq!(book(&handle, 1, || 1).unwrap(), 1);
    let other = Place::new();
    drop(other.open());
    let before = fs::read(other.file()).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(beside(&place, suffix), beside(&place, &format!(".away{suffix}"))).unwrap();
    }
    fs::copy(other.file(), place.file()).unwrap();
    assert_nothing_runs(&handle, 2, "another file stands in its place");
    assert_eq!(fs::read(place.file()).unwrap(), before);
    // A program that is started now has the other world, and only that. What it has been told stays, also when ours ends.
    let mut robot = Robot::start(&place.file());
    assert_eq!(robot.ask("keep call 10"), "kept");
    assert!(beside(&place, "-wal").exists());
    close(handle, store);
    assert_eq!(robot.ask("try call"), "replay");
    robot.kill();
    let robot = &mut Robot::start(&place.file());
    assert_eq!(robot.ask("try call"), "replay");
    let handle = Handle::new(place.open());
    assert_eq!(book(&handle, 1, || 11).unwrap(), 11);
}

/// Fails when a log that somebody has replaced, with a database that is still there, is written on.
#[test]
fn s44_a_replaced_log_grants_nothing() {
    let place = Place::new();
    let handle = Handle::new(place.open());
    assert_eq!(book(&handle, 1, || 1).unwrap(), 1);
    let log = beside(&place, "-wal");
    let bytes = fs::read(&log).unwrap();
    fs::rename(&log, beside(&place, ".old")).unwrap();
    fs::write(&log, bytes).unwrap();
    assert_nothing_runs(&handle, 2, "-wal");
    fs::rename(beside(&place, ".old"), &log).unwrap();
    assert_eq!(book(&handle, 2, || 2).unwrap(), 2);
}

/// Fails when a settle goes into a file that nobody can open, or a body that has acted runs again when the file is back.
#[test]
fn s44_a_file_that_goes_away_between_mark_and_settle() {
    let place = Place::new();
    let handle = Handle::new(place.open());
    let away = beside(&place, ".away");
    let error = book(&handle, 1, || {
        fs::rename(place.file(), &away).unwrap();
        7
    })
    .unwrap_err();
    let Error::Store(failed) = &error else { panic!("the store failed, not {error}") };
    assert_eq!(failed.unrecorded.as_deref(), Some("7"));
    fs::rename(&away, place.file()).unwrap();
    assert_eq!(handle.drain(Duration::from_secs(20)).wait(), 0);
    assert_eq!(book(&handle, 1, || panic!("it had acted")).unwrap(), 7);
}

/// Fails when what is left of a file is taken for a whole one: nothing recorded is run, whatever the length that is
/// left, neither by the program that has it open nor by the next one.
#[test]
fn s44_a_truncated_file_runs_nothing_that_is_recorded() {
    let whole = Place::new();
    let (handle, store) = open(&whole);
    for id in 0..60 {
        assert_eq!(book(&handle, id, || id).unwrap(), id);
    }
    close(handle, store);
    let length = fs::metadata(whole.file()).unwrap().len();
    let (mut refused, mut replayed) = (0, 0);
    let mut lengths: Vec<u64> = (1..length).step_by(4_096).collect();
    lengths.extend([1, 15, 16, 99, 100, 101, 511, 4_095, length - 4_096, length - 1]);
    for left in &lengths {
        let place = Place::new();
        fs::copy(whole.file(), place.file()).unwrap();
        File::options().write(true).open(place.file()).unwrap().set_len(*left).unwrap();
        let store = match SqliteStore::open(place.file()) {
            Ok(store) => store,
            Err(error) => {
                assert!(told(&error).contains("robot.db"), "{}", told(&error));
                refused += 1;
                continue;
            }
        };
        let handle = Handle::new(store);
        for id in 0..60 {
            match book(&handle, id, || panic!("{left} of {length} bytes: call {id} ran again")) {
                Ok(value) => {
                    assert_eq!(value, id);
                    replayed += 1;
                }
                Err(error) => {
                    assert!(matches!(error.code(), "store" | "stored_value"), "{error}");
                    assert!(error.to_string().contains("robot.db"), "{error}");
                }
            }
        }
    }
    println!("{} lengths: {refused} refused, {replayed} replays from the rest", lengths.len());
}

/// Fails when a file that is cut under a running program leads to a run or a panic.
#[test]
fn s44_a_file_cut_underneath_runs_nothing_that_is_recorded() {
    for left in [0, 1, 100, 4_096, 8_192, 20_000, 40_960] {
        let place = Place::new();
        let handle = Handle::new(place.open());
        for id in 0..60 {
            assert_eq!(book(&handle, id, || id).unwrap(), id);
        }
        // All of it into the file, so that the log holds nothing.
        place.sql().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        File::options().write(true).open(place.file()).unwrap().set_len(left).unwrap();
        for id in 0..60 {
            match book(&handle, id, || panic!("{left} bytes: call {id} ran again")) {
                Ok(value) => assert_eq!(value, id),
                Err(error) => assert!(error.to_string().contains("robot.db"), "{error}"),
            }
        }
    }
}

/// Fails when a folder, a link to nothing, an empty or another program's file is taken for a database of ours, or an
/// empty file of our own is refused.
#[test]
fn s44_what_stands_in_the_place_of_the_file() {
    let refused = |place: &Place| -> String {
        let error = SqliteStore::open(place.file()).err().expect("it is no database of ours");
        assert_eq!(error.kind(), ErrorKind::Refused, "{}", told(&error));
        assert!(told(&error).contains("robot.db"), "{}", told(&error));
        told(&error)
    };
    let place = Place::new();
    fs::create_dir(place.file()).unwrap();
    assert!(refused(&place).contains("not a file"));

    let place = Place::new();
    assert!(Command::new("mkfifo").arg(place.file()).status().unwrap().success());
    assert!(refused(&place).contains("not a file"), "a pipe is not waited for");

    let place = Place::new();
    fs::write(place.folder.path().join("inner"), "").unwrap();
    let below =
        SqliteStore::open(place.folder.path().join("inner/robot.db")).err().expect("a file is no folder");
    assert_eq!(below.kind(), ErrorKind::Refused, "{}", told(&below));
    assert!(told(&below).contains("Not a directory"), "{}", told(&below));

    let place = Place::new();
    let circle = place.folder.path().join("circle");
    std::os::unix::fs::symlink("circle", &circle).unwrap();
    let error = SqliteStore::open(&circle).err().expect("a link to itself");
    assert!(told(&error).contains("circle"), "{}", told(&error));

    for garbage in [
        vec![0; 4_096],
        b"SQLite format 3".to_vec(),
        b"SQLite format 3\0".to_vec(),
        vec![0xff; 10],
        b"PK\x03\x04".to_vec(),
    ] {
        let place = Place::new();
        fs::write(place.file(), &garbage).unwrap();
        let told = refused(&place);
        assert!(told.contains("name another file") || told.contains("backup"), "{told}");
        assert_eq!(fs::read(place.file()).unwrap(), garbage, "it is left alone");
    }

    // Nothing in it: nobody's, so it may be ours.
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    assert_eq!(book(&Handle::new(place.open()), 1, || 1).unwrap(), 1);
}

/// Fails when the folder of the file is looked for by the way it was written, and not by where it lies: a database in a
/// folder that is reached by links is one database, also while the links change.
#[test]
fn s79_a_folder_reached_by_links_is_one_folder() {
    let place = Place::new();
    let root = place.folder.path();
    fs::create_dir_all(root.join("disk/data")).unwrap();
    std::os::unix::fs::symlink("disk", root.join("mnt")).unwrap();
    std::os::unix::fs::symlink("mnt/data", root.join("data")).unwrap();
    let real = Handle::new(SqliteStore::open(root.join("disk/data/robot.db")).unwrap());
    let linked = Handle::new(SqliteStore::open(root.join("data/robot.db")).unwrap());
    let dotted = Handle::new(SqliteStore::open(root.join("mnt/../disk/./data/robot.db")).unwrap());
    assert_eq!(book(&real, 1, || 1).unwrap(), 1);
    let inner = [&linked, &dotted].map(|handle| {
        let call = BOOK.call().key("id", &2).store(&real).returns::<Result<u32, Error>>();
        let told = call.run_blocking(|claim| {
            let busy = book(handle, 2, || panic!("it is held")).unwrap_err();
            assert_eq!(busy.code(), "in_progress", "{busy}");
            claim.mark_blocking().map(|()| 2)
        });
        handle
            .operator("ada", "once more")
            .forget(
                &idempotent::inspect(|| book(handle, 2, || 2)).unwrap(),
                wait(real.store().load(&idempotent::inspect(|| book(handle, 2, || 2)).unwrap()))
                    .unwrap()
                    .unwrap()
                    .record
                    .unwrap()
                    .seen(),
            )
            .wait()
            .unwrap();
        told
    });
    assert!(inner.iter().all(|told| *told.as_ref().unwrap() == 2));
    // The link leads elsewhere now; what was opened by it is still what was opened.
    fs::remove_file(root.join("mnt")).unwrap();
    fs::create_dir_all(root.join("empty/data")).unwrap();
    std::os::unix::fs::symlink("empty", root.join("mnt")).unwrap();
    assert_eq!(book(&linked, 1, || panic!("it is recorded")).unwrap(), 1);
    assert_eq!(book(&linked, 3, || 3).unwrap(), 3);
    assert_eq!(book(&real, 3, || panic!("it is recorded")).unwrap(), 3);
    let store: &dyn Store = &SqliteStore::open(root.join("data/robot.db")).unwrap();
    assert_eq!(list(store, idempotent::Which::All), []);
}
