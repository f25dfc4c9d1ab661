//! Names of files, as strange as the system allows: each is a name and nothing else.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use idempotent::store::{ErrorKind, SqliteOptions};
use idempotent::{Error, Handle, Operation, SqliteStore};

use super::support::*;

const NAMES: [&str; 20] = [
    "it's.db",
    "\"quoted\".db",
    "a b.db",
    "{}.db",
    "{key}:{0}.db",
    "c:d.db",
    "100%.db",
    "%41.db",
    "a?b=c&lease=1ms.db",
    "a#b.db",
    "'); DROP TABLE record; --.db",
    "file:evil?mode=memory.db",
    ":memory:.db",
    "-dash.db",
    "new\nline\t.db",
    "back\\slash.db",
    "$(touch x)`.db",
    "ключ-鍵-🔑.db",
    "robot.db-wal",
    "no suffix",
];

/// Every byte that is not a letter or a digit, as a URL may write it.
fn encoded(name: &OsStr) -> String {
    let byte = |byte: &u8| match byte {
        b'/' | b'.' => char::from(*byte).to_string(),
        letter if letter.is_ascii_alphanumeric() => char::from(*letter).to_string(),
        other => format!("%{other:02x}"),
    };
    name.as_bytes().iter().map(byte).collect()
}

static BOOK: Operation = Operation::new("names.book").marker().wait_micros(0);

fn book(handle: &Handle, run: bool) -> Result<u32, Error> {
    let call = BOOK.call().key("id", &1).store(handle).returns::<Result<u32, Error>>();
    call.run_blocking(|claim| {
        assert!(run, "the body ran again");
        claim.mark_blocking().map(|()| 1)
    })
}

/// Fails when a name is put into a statement or taken for a URI, when a URL's path is decoded twice or cut, or when the
/// files beside the database are named otherwise.
#[test]
fn s41_a_strange_name_is_a_name() {
    for name in NAMES {
        let place = Place::new();
        let file = place.folder.path().join(name);
        assert_eq!(book(&Handle::new(SqliteStore::open(&file).unwrap()), true).unwrap(), 1, "{name:?}");
        let handle = idempotent::open(&format!("sqlite:{}", encoded(file.as_os_str()))).unwrap();
        assert_eq!(book(&handle, false).unwrap(), 1, "{name:?}");
        let mut found: Vec<OsString> =
            fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        found.sort();
        let names = ["", "-holders", "-shm", "-wal"].map(|suffix| OsString::from(format!("{name}{suffix}")));
        assert_eq!(found, names, "{name:?}");
    }
}

/// Fails when a path that needs no `%` in a URL is refused, or changed.
#[test]
fn s41_a_url_takes_a_path_as_it_is_written() {
    for name in NAMES.iter().filter(|name| !name.contains(['?', '%'])) {
        let place = Place::new();
        let file = place.folder.path().join(name);
        let url = format!("sqlite:{}?create=yes", file.display());
        drop(SqliteOptions::from_url(&url).unwrap().open().unwrap());
        assert!(file.is_file(), "{name:?}");
    }
}

/// Fails when a name that is not UTF-8 is changed into one that is: the path in code is the system's own, and a URL is
/// text. Elsewhere than on Linux file systems refuse such names.
#[cfg(target_os = "linux")]
#[test]
fn s41_a_name_that_is_not_utf_8() {
    use std::os::unix::ffi::OsStringExt as _;
    let place = Place::new();
    let file = place.folder.path().join(OsString::from_vec(b"r\xff\xfebot.db".to_vec()));
    let handle = Handle::new(SqliteStore::open(&file).unwrap());
    assert_eq!(book(&handle, true).unwrap(), 1);
    assert!(file.is_file());
    drop(handle);
    let error = SqliteOptions::from_url(&format!("sqlite:{}", encoded(file.as_os_str()))).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(told(&error).contains("not UTF-8"), "{}", told(&error));
}

/// Fails when a name that the system cannot hold is taken for trouble that passes, or is not told.
#[test]
fn s41_a_name_that_cannot_be_is_refused() {
    let place = Place::new();
    let long = "x".repeat(250);
    for (name, what) in [("a\0b.db", "NUL"), (&*long, "too long"), (&*"y".repeat(300), "too long")] {
        let error = SqliteStore::open(place.folder.path().join(name)).err().expect("it cannot be");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{}", told(&error));
        assert!(told(&error).contains(what) && told(&error).contains("name a file"), "{}", told(&error));
    }
}

/// Fails when a name is decoded although its `%` is no code, or a broken code is passed over.
#[test]
fn s41_a_broken_code_in_a_url_is_refused() {
    for path in ["100%.db", "%4", "%", "%zz.db", "%-1.db", "%é.db"] {
        let error = SqliteOptions::from_url(&format!("sqlite:{path}")).err().expect("a broken code");
        assert!(told(&error).contains(path) && told(&error).contains("`%25`"), "{}", told(&error));
    }
}
