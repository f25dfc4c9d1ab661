//! A person at a terminal is asked, and what she answers counts.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::clinic::Clinic;
use crate::command::{command, run};

/// A terminal: its keyboard, and what a program reads from.
fn terminal() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let reads = OpenOptions::new().read(true).write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
    (File::from(keyboard), reads)
}

/// Red when an act does not ask, or takes anything but a yes for one (`main.rs` `agree`, `output` `ask`).
#[test]
fn acts_ask_a_person() {
    let clinic = Clinic::open();
    let key = Clinic::booking(2).to_string();
    let act = ["resolve", &key, "--as", "not-done", "--why", "not in the portal", "--by", "ada"];
    let left = || run(&clinic.file(), &["ls", "--in-doubt"]).out.contains(&key[..12]);
    for (act, answer, status) in [
        (&act[..], "\n", 4),
        (&act[..], "n\n", 4),
        (&act[..], "not yet\n", 4),
        (&["sweep"][..], "no\n", 4),
        (&act[..], "y\n", 0),
        (&["sweep"][..], "yes\n", 0),
    ] {
        assert!(left() || act[0] == "sweep");
        let (mut keyboard, reads) = terminal();
        let program = command(&clinic.file(), act).stdin(Stdio::from(reads)).spawn().unwrap();
        keyboard.write_all(answer.as_bytes()).unwrap();
        let output = program.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{answer:?}: {told}");
        assert!(told.contains("go on? [y/N] "), "{told}");
    }
    assert!(!left());
    assert!(run(&clinic.file(), &["sweep", "--dry-run"]).out.contains("0 records"));
}

/// Red when an act is about the record as it is once the answer is there, and not as it was shown.
#[test]
fn what_is_answered_is_about_what_was_shown() {
    let key = Clinic::booking(2).to_string();
    let says = |happened: &[&'static str]| {
        let who = ["resolve", &*key, "--why", "it is in the portal", "--by", "ada"];
        [&who[..], happened].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for late in [&["--as", "not-done"][..], &["--as", "done", "--value", "2"]] {
        let clinic = Clinic::open();
        let types = |words: &[String]| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            command(&clinic.file(), &words)
        };
        let (mut keyboard, reads) = terminal();
        let mut program = types(&says(late)).stdin(Stdio::from(reads)).spawn().unwrap();
        let mut told = String::new();
        let mut hears = program.stderr.take().unwrap();
        while !told.ends_with("[y/N] ") {
            let mut byte = [0];
            hears.read_exact(&mut byte).unwrap_or_else(|error| panic!("no question: {error}: {told}"));
            told.push(char::from(byte[0]));
        }
        let first = says(&["--as", "done", "--value", "1", "--yes"]);
        assert!(types(&first).status().unwrap().success());
        keyboard.write_all(b"y\n").unwrap();
        assert_eq!(program.wait().unwrap().code(), Some(5));
        hears.read_to_string(&mut told).unwrap();
        assert!(told.contains("has changed since it was looked at; nothing was written"), "{told}");
        assert!(told.contains(&format!("idempotent show {}", &key[..12])), "{told}");
    }
}
