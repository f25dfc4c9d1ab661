//! Opening: what is refused, and in which words; and files that go away under a running store.

use std::fs;
use std::time::Duration;

use idempotent::store::{ErrorKind, SqliteOptions};
use idempotent::{SqliteStore, Store};

use super::support::*;

fn refusal(options: SqliteOptions) -> String {
    match options.open() {
        Ok(_) => panic!("it was opened"),
        Err(error) => told(&error),
    }
}

fn refused(url: &str) -> String {
    match SqliteOptions::from_url(url).and_then(SqliteOptions::open) {
        Ok(_) => panic!("`{url}` was opened"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            told(&error)
        }
    }
}

fn assert_tells(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

/// Fails when an unknown parameter, a wrong value or a wrong scheme is passed over in silence.
#[test]
fn s40_a_wrong_url_is_refused_by_name() {
    assert_tells(&refused("sqlite:robot.db?leese=15s"), &["`leese`", "did you mean `lease`?"]);
    assert_tells(&refused("sqlite:robot.db?patiens=15s"), &["`patiens`", "did you mean `patience`?"]);
    assert_tells(&refused("sqlite:robot.db?creat=no"), &["`creat`", "did you mean `create`?"]);
    assert_tells(&refused("sqlite:robot.db?netwrok=trust"), &["`netwrok`", "did you mean `network`?"]);
    assert_tells(&refused("sqlite:robot.db?maxpages=99"), &["`maxpages`", "did you mean `max_pages`?"]);
    let stranger = refused("sqlite:robot.db?journal_mode=off");
    assert_tells(&stranger, &["`journal_mode`", "the parameters are `lease`"]);
    assert!(!stranger.contains("did you mean"), "{stranger}");
    assert_tells(&refused("sqlite:robot.db?=no"), &["parameter ``"]);
    assert_tells(&refused("sqlite:robot.db?lease=15"), &["`lease`", "`15`", "`15s`"]);
    assert_tells(&refused("sqlite:robot.db?lease=1ms"), &["1ms", "`100ms`"]);
    assert_tells(&refused("sqlite:robot.db?lease=1s&lease=2s"), &["`lease`", "twice"]);
    assert_tells(&refused("sqlite:robot.db?network=maybe"), &["`network`", "`trust`"]);
    assert_tells(&refused("sqlite:robot.db?create=perhaps"), &["`create`", "`yes`"]);
    for time in ["", "s", "15", "1.5s", "-1s", "15 s", "15S", "99999999999999999999s", "+5s", "5µs"] {
        assert_tells(&refused(&format!("sqlite:robot.db?lease={time}")), &["`lease`", &format!("`{time}`")]);
        assert_tells(
            &refused(&format!("sqlite:robot.db?patience={time}")),
            &["`patience`", &format!("`{time}`")],
        );
    }
    for pages in ["", "-1", "many", "1e3", "4294967296", "0x20"] {
        assert_tells(
            &refused(&format!("sqlite:robot.db?max_pages={pages}")),
            &["`max_pages`", &format!("`{pages}`")],
        );
    }
    assert_tells(&refused("sqlite:"), &["names no file"]);
    assert_tells(&refused("sqlite:%zz"), &["`%zz`", "%25"]);
    assert_tells(&refused("postgres://host/x"), &["`postgres`"]);
    assert_tells(&refused("sqlite::memory:"), &[":memory:", "needs"]);
}

/// Fails when a value that cannot be kept is taken, by a URL or in code: with no patience no move is ever waited for,
/// and SQLite takes a limit of 0 pages for none.
#[test]
fn s40_a_value_out_of_range_is_refused_by_name() {
    let place = Place::new();
    let file = place.file();
    let url = |query: &str| refused(&format!("sqlite:{}?{query}", file.display()));
    for lease in ["0s", "99ms", "25h"] {
        assert_tells(&url(&format!("lease={lease}")), &["`lease`", "between `100ms` and `24h`"]);
    }
    for patience in ["0ms", "9ms", "25h"] {
        assert_tells(&url(&format!("patience={patience}")), &["`patience`", "between `10ms` and `24h`"]);
    }
    for pages in ["0", "31", "4294967295"] {
        assert_tells(&url(&format!("max_pages={pages}")), &["`max_pages`", pages, "from 32 on"]);
    }
    let in_code = || SqliteOptions::new(&file);
    assert_tells(&refusal(in_code().patience(Duration::ZERO)), &["`patience`", "0ns"]);
    assert_tells(&refusal(in_code().lease(Duration::MAX)), &["`lease`"]);
    assert_tells(&refusal(in_code().max_pages(0)), &["`max_pages`"]);
    assert!(!file.exists(), "refused before anything was written");
    drop(
        in_code()
            .patience(Duration::from_millis(10))
            .lease(Duration::from_secs(86_400))
            .max_pages(32)
            .open()
            .unwrap(),
    );
}

/// Fails when another scheme is taken for ours, or a slip is not told.
#[test]
fn s40_a_wrong_scheme_is_named() {
    let told = |url: &str| {
        let error = idempotent::open(url).err().unwrap_or_else(|| panic!("`{url}` was opened"));
        assert_eq!(error.code(), "store");
        format!("{error}; {}", error.advice())
    };
    assert_tells(&told("sqlit:robot.db"), &["`sqlit:`", "did you mean `sqlite:`?"]);
    assert_tells(&told("Sqlite:robot.db"), &["`Sqlite:`", "did you mean `sqlite:`?"]);
    assert_tells(&told("memmory:"), &["`memmory:`", "did you mean `memory:`?"]);
    assert_tells(&told("robot.db"), &["`robot.db:`", "write `sqlite:<file>`"]);
    assert_tells(&told(""), &["`:`", "write `sqlite:<file>`"]);
    assert_tells(&told("postgres://host/x"), &["`postgres:`", "no store"]);
    assert_tells(&told("memory:x"), &["`memory:`", "`x`"]);
}

/// Fails when the path or an option of a URL is not used.
#[test]
fn a_url_opens_the_file_it_names() {
    let place = Place::new();
    let path = place.folder.path().join("a file?.db");
    let written = path.to_str().unwrap().replace('?', "%3F").replace(' ', "%20");
    for url in [format!("sqlite:{written}?lease=2m&network=refuse"), format!("sqlite://{written}?lease=2m")] {
        let store = SqliteOptions::from_url(&url).unwrap().open().unwrap();
        assert_eq!(store.lease().length.as_secs(), 120);
        assert!(!store.lease().is_deadline);
        assert!(path.is_file());
    }
}

/// Fails when a missing folder is created, or its error does not say which folder.
#[test]
fn s40_a_missing_or_closed_folder_is_named() {
    let place = Place::new();
    let path = place.folder.path().join("nowhere/robot.db");
    assert_tells(&refusal(SqliteOptions::new(&path)), &["nowhere", "does not exist", "create the folder"]);
    // Closed also to root.
    assert_tells(&refusal(SqliteOptions::new("/sys/kernel/robot.db")), &["/sys/kernel/robot.db"]);
}

/// Fails when `create=no` creates, or a folder or a dangling link is taken for a database.
#[test]
fn what_is_not_a_database_file_is_refused() {
    let place = Place::new();
    assert_tells(&refusal(SqliteOptions::new(place.file()).create(false)), &["no such file", "create=no"]);
    assert!(!place.file().exists());
    fs::write(place.file(), "").unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.file()).create(false)), &["is empty", "create=no"]);
    assert_eq!(fs::metadata(place.file()).unwrap().len(), 0);
    fs::remove_file(place.file()).unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.folder.path())), &["not a file"]);
    let link = place.folder.path().join("link.db");
    std::os::unix::fs::symlink("missing.db", &link).unwrap();
    assert_tells(&refusal(SqliteOptions::new(&link)), &["link.db", "points to nothing"]);
}

/// Fails when `open_existing` makes what is not there (store/url.rs), or opens a store that nobody else can write to.
#[test]
fn who_only_looks_makes_nothing() {
    let place = Place::new();
    let url = |parameters: &str| format!("sqlite:{}{parameters}", place.file().display());
    for url in [url(""), url("?create=yes")] {
        let error = idempotent::open_existing(&url).unwrap_err();
        assert!(error.to_string().contains("no such file"), "{error}");
        assert!(!place.file().exists());
    }
    drop(place.open());
    idempotent::open_existing(&url("")).unwrap();
    let error = idempotent::open_existing("memory:").unwrap_err();
    assert!(error.to_string().contains("one process"), "{error}");
}

/// Fails when a file with two names is used: each name would have a log of its own.
#[test]
fn a_hard_linked_database_is_refused() {
    let place = Place::new();
    drop(place.open());
    fs::hard_link(place.file(), place.folder.path().join("other.db")).unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.file())), &["2 names", "symbolic link"]);
}

/// Fails when a file of another kind or program is written to.
#[test]
fn s44_the_file_of_another_program_is_left_alone() {
    let place = Place::new();
    fs::write(place.file(), "this is a letter, and quite a long one at that".repeat(40)).unwrap();
    assert_tells(
        &refusal(SqliteOptions::new(place.file())),
        &["robot.db", "not a database", "name another file"],
    );
    fs::remove_file(place.file()).unwrap();

    place.sql().execute_batch("CREATE TABLE customer (name TEXT)").unwrap();
    let before = fs::read(place.file()).unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.file())), &["another program", "file of its own"]);
    assert_eq!(fs::read(place.file()).unwrap(), before);

    fs::remove_file(place.file()).unwrap();
    place.sql().execute_batch("PRAGMA application_id = 77; CREATE TABLE t (a)").unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.file())), &["0x0000004d"]);
}

/// Fails when tables of a later version are used as if they were known.
#[test]
fn s44_newer_tables_are_refused() {
    let place = Place::new();
    drop(place.open());
    place.sql().execute_batch("PRAGMA user_version = 9").unwrap();
    assert_tells(&refusal(SqliteOptions::new(place.file())), &["version 9", "newer"]);
}

/// Fails when the second opening makes the tables again, or the two do not see each other.
#[test]
fn s40_opened_twice_it_is_one_store() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    let booked = subject("booked");
    let held = granted(&one, &booked, 1);
    let answer = ask(&two, &booked, claim(2));
    let idempotent::protocol::Answer::Busy(busy) = answer else { panic!("not busy: {answer:?}") };
    assert!(busy.named.unwrap().contains(&std::process::id().to_string()));
    ask(&one, &booked, done(held, "1"));
    assert_eq!(ask(&two, &booked, claim(2)), replay("1"));
}

/// Fails when `Engine::same_file` is not asked before a batch: the claim would be granted in a file that
/// nobody can open.
#[test]
fn s44_a_removed_file_grants_nothing() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("before"), 1);
    fs::remove_file(place.file()).unwrap();
    let gone = wait(store.apply(&subject("after"), claim(2))).expect_err("the file is gone");
    assert_eq!(gone.kind(), ErrorKind::Refused);
    assert_tells(&told(&gone), &["robot.db", "moved or replaced", "it is gone"]);
    let blocking = store.apply_blocking(&subject("after"), claim(2)).expect_err("the file is gone");
    assert_tells(&told(&blocking), &["it is gone"]);

    fs::write(place.file(), "").unwrap();
    let replaced = wait(store.apply(&subject("after"), claim(2))).expect_err("the file is another");
    assert_tells(&told(&replaced), &["another file stands in its place"]);
}

/// Fails when only the database is looked at and not its log.
#[test]
fn s44_a_removed_log_grants_nothing() {
    let place = Place::new();
    let store = place.open();
    granted(&store, &subject("before"), 1);
    fs::remove_file(place.folder.path().join("robot.db-wal")).unwrap();
    let gone = wait(store.apply(&subject("after"), claim(2))).expect_err("the log is gone");
    assert_tells(&told(&gone), &["-wal"]);
}

/// Fails when a renamed folder goes unnoticed.
#[test]
fn s44_a_renamed_folder_grants_nothing_until_it_is_back() {
    let place = Place::new();
    let inner = place.folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let store = SqliteStore::open(inner.join("robot.db")).unwrap();
    let moved = place.folder.path().join("moved");
    fs::rename(&inner, &moved).unwrap();
    assert!(wait(store.apply(&subject("a"), claim(1))).is_err());
    fs::rename(&moved, &inner).unwrap();
    granted(&store, &subject("a"), 1);
}

/// Fails when the caller waits for ever, or the error does not say what to do, while the caller itself holds
/// the write lock.
#[test]
fn a_callers_own_write_transaction_is_named() {
    let place = Place::new();
    let store = place.open();
    // What the store tidies at its opening is done before: it would wait for the lock, too, and the call behind it.
    granted(&store, &subject("before"), 1);
    let own = place.sql();
    own.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = wait(store.apply(&subject("a"), claim(1))).expect_err("the write lock is held");
    assert_eq!(busy.kind(), ErrorKind::Unavailable);
    assert_tells(&told(&busy), &["locked", "`tx = ..`"]);
    own.execute_batch("ROLLBACK").unwrap();
    granted(&store, &subject("a"), 1);
}

/// Fails when the application's marks or the settings that durability rests on are not set.
#[test]
fn the_file_is_marked_and_in_wal_mode() {
    let place = Place::new();
    drop(place.open());
    let sql = place.sql();
    let ask = |pragma: &str| -> String {
        let ask = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        sql.query_row(&ask, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(ask("journal_mode"), "wal");
    assert_eq!(ask("application_id"), 0x4944_4D50.to_string());
    assert_eq!(ask("user_version"), "1");
}

/// Fails when a store leaves its lock file behind although no record needs it, or removes one that a running
/// record names.
#[test]
fn a_closed_store_leaves_only_what_records_name() {
    let place = Place::new();
    let store = place.open();
    let held = granted(&store, &subject("a"), 1);
    assert_eq!(place.lock_files().len(), 1);
    ask(&store, &subject("a"), done(held, "1"));
    drop(store);
    assert_eq!(place.lock_files().len(), 0);

    let store = place.open();
    granted(&store, &subject("b"), 1);
    drop(store);
    assert_eq!(place.lock_files().len(), 1);
    let store = place.open();
    // Its holder is gone and had not begun: the key is free at once.
    let held = granted(&store, &subject("b"), 2);
    ask(&store, &subject("b"), free(held));
    wait(store.sweep(100)).unwrap();
    drop(store);
    assert_eq!(place.lock_files().len(), 0);
}
