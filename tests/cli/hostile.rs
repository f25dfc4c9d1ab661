//! What stands in records was written by others: none of it may act on the terminal of who reads it.

use std::path::Path;

use crate::clinic::Clinic;
use crate::command::{Ran, run};

/// Sets a title, clears the screen, turns the direction of writing, begins lines, hides.
const EVIL: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r\n\u{202e}cod\u{2066}\u{200b}\u{feff}\u{2028}\u{7f}\u{85}";

/// A file with that in every text.
fn hostile() -> Clinic {
    let clinic = Clinic::open();
    let file = rusqlite::Connection::open(clinic.file()).unwrap();
    let value = serde_json::to_string(&[EVIL]).unwrap();
    assert!(value.contains('\u{9b}') && value.contains('\u{202e}'), "JSON leaves these as they are: {value}");
    file.execute(
        "UPDATE record SET scope = ?1, operation = ?1, call = ?1, last_error = ?1, why = ?1",
        [EVIL],
    )
    .unwrap();
    file.execute("UPDATE record SET resolved_by = ?1 WHERE state <> 'running'", [EVIL]).unwrap();
    file.execute("UPDATE record SET value = ?1 WHERE state = 'done'", [&value]).unwrap();
    file.execute("UPDATE record SET codec = ?1 WHERE state = 'failed'", [EVIL]).unwrap();
    file.execute("UPDATE record SET value = ?1 WHERE state = 'free'", [EVIL]).unwrap();
    file.execute("UPDATE process SET program = ?1, host = ?1", [EVIL]).unwrap();
    file.execute(
        "INSERT INTO audit (key, at, move, fence, by, why, before, after)
         SELECT key, began_at, ?1, fence, ?1, ?1, state, state FROM record",
        [EVIL],
    )
    .unwrap();
    file.execute(
        "INSERT INTO audit (key, at, move, fence, by, why, before, after)
         SELECT key, began_at, 'revoked', fence, ?1, ?1, state, state FROM record",
        [EVIL],
    )
    .unwrap();
    clinic
}

/// Runs it, and sees that nothing it writes is more than text.
fn harmless(file: &Path, arguments: &[&str]) -> Ran {
    let ran = run(file, arguments);
    for (name, text) in [("out", &ran.out), ("err", &ran.err)] {
        for character in text.chars().filter(|character| *character != '\n') {
            let acts = character.is_control()
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
                || character == '\u{feff}';
            assert!(!acts, "{arguments:?} writes {character:?} to std{name}: {text:?}");
        }
    }
    ran
}

/// Red when a text is printed that `output/text.rs` or `output/json.rs` has not gone through.
#[test]
fn no_text_acts_on_the_terminal() {
    let clinic = hostile();
    let file = clinic.file();
    let keys: Vec<String> = (1..8).map(|patient| Clinic::booking(patient).to_string()).collect();
    let mut calls: Vec<Vec<&str>> =
        [&["ls"][..], &["ls", "--in-doubt"], &["stats"], &["verify"], &["sweep", "--dry-run"], &["sweep"]]
            .map(<[&str]>::to_vec)
            .to_vec();
    for key in &keys {
        calls.push(vec!["show", key]);
        calls.push(vec!["revoke", key, "--why", EVIL, "--by", EVIL]);
        calls.push(vec!["forget", key, "--why", EVIL, "--by", EVIL]);
        calls.push(vec!["resolve", key, "--as", "not-done", "--why", EVIL, "--by", EVIL]);
        calls.push(vec!["resolve", key, "--as", "done", "--value", "\"\u{202e}\u{9b}\"", "--why", EVIL]);
    }
    calls.extend([
        vec!["show", EVIL],
        vec![EVIL],
        vec!["ls", "--url", EVIL],
        vec!["ls", "--url", "sqlite:\u{1b}[2J.db"],
        vec!["revoke", &keys[0], "--seen", EVIL, "--why", "x"],
        vec!["resolve", &keys[4], "--as", "not-done", "--why", "x", "--yes"],
        vec!["resolve", &keys[1], "--as", "not-done", "--why", EVIL, "--by", EVIL, "--yes"],
    ]);
    for call in calls {
        harmless(&file, &call);
        let mut json = call.clone();
        json.push("--json");
        let ran = harmless(&file, &json);
        for line in ran.out.lines() {
            serde_json::from_str::<serde_json::Value>(line)
                .unwrap_or_else(|error| panic!("{json:?} writes no JSON: {error}: {line}"));
        }
    }
}

/// Red when JSON loses what it escapes.
#[test]
fn json_keeps_every_character() {
    let clinic = hostile();
    let ran = harmless(&clinic.file(), &["show", &Clinic::booking(1).to_string(), "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let record = &shown["record"];
    for field in ["scope", "operation", "call", "last_error", "why", "resolved_by"] {
        assert_eq!(record[field], EVIL, "{field}");
    }
    assert_eq!(record["value"]["json"][0], EVIL);
    assert_eq!(shown["trail"][0]["what"], EVIL);
}

/// Red when a record that cannot be read is hidden, ends the list, or is taken for less than doubt.
#[test]
fn damaged_records_are_reported_and_nothing_else_suffers() {
    let clinic = Clinic::open();
    let file = rusqlite::Connection::open(clinic.file()).unwrap();
    let damaged = Clinic::booking(1);
    file.execute("UPDATE record SET value = NULL WHERE key = ?1", [&damaged.as_bytes()[..]]).unwrap();
    file.execute("UPDATE record SET error = '{' WHERE state = 'failed'", []).unwrap();
    let file = clinic.file();
    let ran = run(&file, &["verify"]);
    assert_eq!(ran.status, 7, "{ran:?}");
    assert!(ran.out.contains("done but does not carry its value"), "{ran:?}");
    assert!(ran.out.contains("its error is not JSON"), "{ran:?}");
    assert!(ran.out.contains("8 records, 2 of them do not decode; 3 in doubt"), "{ran:?}");
    let ran = run(&file, &["ls"]);
    assert_eq!((ran.status, ran.out.lines().count()), (3, 9), "{ran:?}");
    assert_eq!(ran.out.matches("unreadable").count(), 1, "{ran:?}");
    let key = damaged.to_string();
    let ran = run(&file, &["show", &key]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let act = ["resolve", &key, "--as", "not-done", "--why", "it is broken", "--yes"];
    let ran = run(&file, &act);
    assert_eq!(ran.status, 7, "{ran:?}");
    assert!(ran.err.contains("mend the stored row"), "{ran:?}");
}
