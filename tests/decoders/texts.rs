//! What people and programs write: keys, what an operator saw, states, URLs, files that lock keys.

use idempotent::Key;
use idempotent::lock::LockFile;
use idempotent::protocol::{Seen, State};
use idempotent::store::SqliteOptions;

use crate::inputs::{MILLION, feed};

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Fails when a text that is no key is read as one, or one is read as another.
#[test]
fn keys() {
    let valid = texts(&[
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100",
    ]);
    let mut read = 0;
    feed("keys", MILLION, "all", |inputs| {
        let text = inputs.next(&valid);
        let text = String::from_utf8_lossy(&text);
        if let Ok(key) = text.parse::<Key>() {
            assert_eq!(key.to_string(), text.to_ascii_lowercase());
            read += 1;
        }
    });
    assert!(read > 100, "no input was a key");
}

/// Fails when a text is read as the sight of another record than it shows.
#[test]
fn what_an_operator_saw() {
    let valid =
        texts(&["7-running-effect", "18446744073709551615-in_doubt-effect-prior", "0-free", "12-done"]);
    let mut read = 0;
    feed("sights", MILLION, "all", |inputs| {
        let text = inputs.next(&valid);
        let text = String::from_utf8_lossy(&text);
        if let Ok(seen) = text.parse::<Seen>() {
            assert_eq!(seen.to_string().parse(), Ok(seen), "{text}");
            read += 1;
        }
        if let Some(state) = State::from_name(&text) {
            assert_eq!(state.name(), text);
        }
    });
    assert!(read > 100, "no input was a sight");
}

/// Fails when a URL makes its reader panic. What it may mean is asked of the options' own tests.
#[test]
fn urls() {
    let valid = texts(&[
        "sqlite:robot.db",
        "sqlite:///var/lib/robot.db?lease=15s&patience=500ms&create=no&network=refuse&max_pages=1000",
        "sqlite:a%20b%3F.db?lease=2m",
        "sqlite:/x?lease=18446744073709551615h&create=yes",
    ]);
    let mut read = 0;
    feed("URLs of SQLite", MILLION, "all", |inputs| {
        let url = inputs.next(&valid);
        match SqliteOptions::from_url(&String::from_utf8_lossy(&url)) {
            Ok(_) => read += 1,
            Err(error) => assert!(!error.to_string().is_empty() && !error.advice().is_empty()),
        }
    });
    assert!(read > 100, "no input was a URL");
}

/// Fails when a URL that names no store opens one, or panics.
#[test]
fn urls_of_no_store() {
    let valid =
        texts(&["memory:", "memory:x", "postgres://robot@db/records", "redis://cache", "robot.db", "", ":"]);
    let mut opened = 0;
    feed("URLs", 100_000, "some open a store", |inputs| {
        let url = inputs.next(&valid);
        let url = String::from_utf8_lossy(&url);
        // Those would make files.
        if url.starts_with("sqlite") {
            return;
        }
        if idempotent::open(&url).is_ok() {
            assert!(["memory:", "memory"].contains(&&*url), "{url}");
            opened += 1;
        }
    });
    assert!(opened > 10, "no input was `memory:`");
}

/// Fails when a file that locks the keys of operations is read as another than it says.
#[test]
fn files_that_lock_keys() {
    let valid = texts(&[
        include_str!("../locked/idempotent.lock"),
        "[\"a b\"]\nkey = [\"id\"]\nrest = []\narguments = [\"id: u8\"]\nvalue = \"()\"\n",
    ]);
    let mut read = 0;
    feed("files that lock keys", 10_000, "TOML takes long", |inputs| {
        let text = inputs.next(&valid);
        match String::from_utf8_lossy(&text).parse::<LockFile>() {
            Ok(file) => {
                assert_eq!(file.to_string().parse::<LockFile>().unwrap(), file);
                read += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
    assert!(read > 100, "no input was such a file");
}
