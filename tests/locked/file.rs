//! The file itself: missing, damaged, written, accepted; and which operations it is about.
//!
//! The environment decides, so each test runs another process: the same binary, with one test of it that holds the
//! operations of the crate against a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use idempotent::lock::LockFile;
use idempotent::testing::assert_keys_locked;
use idempotent::{Error, idempotent};
use locked as _;

/// Says where the other process finds its file.
const AT: &str = "LOCKED_AT";

/// What the other processes run. A path that is absolute lies where it says.
#[test]
#[ignore = "the tests below run it"]
fn the_keys_of_the_library() {
    assert_keys_locked!(&std::env::var(AT).unwrap(), except = ["file"]);
}

#[test]
#[ignore = "a test below runs it"]
fn the_keys_of_nothing() {
    assert_keys_locked!(&std::env::var(AT).unwrap(), except = ["file", "locked"]);
}

#[test]
#[ignore = "a test below runs it"]
fn the_keys_of_twins() {
    assert_keys_locked!(&std::env::var(AT).unwrap(), except = ["locked", "file::twin", "twins"]);
}

/// Two functions of one name.
#[allow(dead_code, reason = "they are listed, and never called")]
mod twins {
    use super::{Error, idempotent};

    #[idempotent(key = id, name = "twins.act")]
    fn one(id: u8) -> Result<(), Error> {
        let _ = id;
        Ok(())
    }

    #[idempotent(key = id, name = "twins.act")]
    fn other(id: u8) -> Result<(), Error> {
        let _ = id;
        Ok(())
    }
}

struct Run {
    passes: bool,
    /// The message of the panic.
    said: String,
    /// What went to the terminal past the test harness.
    heard: String,
}

/// Runs a test of this binary in another process.
fn run(test: &str, file: &Path, variables: &[(&str, &str)]) -> Run {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--include-ignored"])
        .env_remove("CI")
        .env_remove("IDEMPOTENT_LOCK")
        .env("RUST_BACKTRACE", "0")
        .env(AT, file)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = printed.split_once("panicked at ").and_then(|(_, text)| text.split_once('\n'));
    let said =
        said.map_or("", |(_, text)| text.split_once("\nnote: run with").map_or(text, |(text, _)| text));
    let place = file.to_str().unwrap();
    Run {
        passes: output.status.success(),
        said: said.replace(place, "FILE").trim_end().to_owned(),
        heard: String::from_utf8(output.stderr).unwrap().replace(place, "FILE"),
    }
}

const LIBRARY: &str = "the_keys_of_the_library";
const WRITE: (&str, &str) = ("IDEMPOTENT_LOCK", "write");

fn in_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idempotent.lock");
    (folder, file)
}

/// Red when a missing file passes or is written unasked, or when the message does not say how to write it.
#[test]
fn a_missing_file_is_written_only_when_asked() {
    let (_folder, file) = in_folder();
    let first = run(LIBRARY, &file, &[]);
    assert!(!first.passes && !file.exists());
    assert_eq!(
        first.said,
        "FILE is missing: nothing says what the keys of this program were made of.\n\n\
         Write it and commit it:\n    IDEMPOTENT_LOCK=write cargo test -p locked the_keys_of_the_library"
    );
    let written = run(LIBRARY, &file, &[WRITE]);
    assert!(written.passes);
    assert_eq!(written.heard, "IDEMPOTENT_LOCK=write: wrote FILE\n");
    assert!(run(LIBRARY, &file, &[]).passes);

    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/idempotent.lock");
    assert_eq!(fs::read_to_string(&file).unwrap(), fs::read_to_string(kept).unwrap());
}

/// Red when the file can be written where nobody reads what changes.
#[test]
fn a_ci_accepts_nothing() {
    let (_folder, file) = in_folder();
    let run_there = run(LIBRARY, &file, &[WRITE, ("CI", "true")]);
    assert!(!run_there.passes && !file.exists());
    assert_eq!(
        run_there.said,
        "IDEMPOTENT_LOCK=write is set where `CI` is: a change of keys is accepted by a person who has read it"
    );
    assert!(run(LIBRARY, &file, &[WRITE, ("CI", "false")]).passes);
    assert!(run(LIBRARY, &file, &[("CI", "true")]).passes, "a file that is right passes there");
}

/// Red when a word that means nothing passes for "write", or for nothing.
#[test]
fn another_wish_is_refused() {
    let (_folder, file) = in_folder();
    let wished = run(LIBRARY, &file, &[("IDEMPOTENT_LOCK", "yes")]);
    assert!(!wished.passes && !file.exists());
    assert_eq!(
        wished.said,
        "IDEMPOTENT_LOCK=yes means nothing; IDEMPOTENT_LOCK=write accepts what has changed"
    );
}

/// Red when the message is not whole, or accepting does not make it pass.
#[test]
fn a_difference_is_told_and_accepted() {
    let (_folder, file) = in_folder();
    let before = "[\"clinic.cancel\"]\nkey = [\"appointment.number\"]\nrest = [\"appointment\"]\n\
                  arguments = [\"appointment: &Appointment\"]\nvalue = \"()\"\n";
    fs::write(&file, before).unwrap();
    let differs = run(LIBRARY, &file, &[]);
    assert!(!differs.passes);
    let lines: Vec<&str> = differs.said.lines().collect();
    assert!(lines[2].starts_with("clinic.cancel (tests/locked/lib.rs:"), "{}", lines[2]);
    assert!(lines[7].starts_with("locked::book (tests/locked/lib.rs:"), "{}", lines[7]);
    let said = differs.said.replacen(lines[2], "clinic.cancel", 1).replacen(lines[7], "locked::book", 1);
    let changes = "\
clinic.cancel
    the key was (appointment.number), is (self.id, appointment.number)
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more

locked::book
    is new
        stored records: it has none
        mend: not needed; accept it

";
    assert_eq!(
        said,
        format!(
            "FILE and the code differ: stored keys would be re-opened.\n\n{changes}If all of that is meant, accept it \
             and commit FILE:\n    IDEMPOTENT_LOCK=write cargo test -p locked the_keys_of_the_library"
        )
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "only a person accepts it");

    let accepted = run(LIBRARY, &file, &[WRITE]);
    assert!(accepted.passes);
    assert!(accepted.heard.contains("You accept (stored keys would be re-opened):"), "{}", accepted.heard);
    assert!(run(LIBRARY, &file, &[]).passes);
    let again = run(LIBRARY, &file, &[WRITE]);
    assert!(again.passes && again.heard.is_empty(), "nothing is written that is there");
}

/// Red when a file with the marks of a merge passes, or cannot be written anew.
#[test]
fn a_damaged_file_is_refused_with_its_line() {
    let (_folder, file) = in_folder();
    fs::write(&file, "[\"a\"]\n<<<<<<< HEAD\n").unwrap();
    let damaged = run(LIBRARY, &file, &[]);
    assert!(!damaged.passes);
    assert!(
        damaged.said.starts_with("FILE cannot be used: it is not a lock file of this version: "),
        "{}",
        damaged.said
    );
    assert!(damaged.said.contains("line 2"), "{}", damaged.said);
    assert!(damaged.said.contains("    IDEMPOTENT_LOCK=write cargo test"), "{}", damaged.said);
    assert!(run(LIBRARY, &file, &[WRITE]).passes);
    assert!(file.exists() && run(LIBRARY, &file, &[]).passes);
}

/// Red when a test that links no operation locks nothing and passes.
#[test]
fn no_operation_is_no_success() {
    let (_folder, file) = in_folder();
    let nothing = run("the_keys_of_nothing", &file, &[WRITE]);
    assert!(!nothing.passes && !file.exists());
    assert_eq!(
        nothing.said,
        "FILE cannot be held against the code: no operation is linked into this test; an integration test links the \
         crate with `use my_crate as _;`"
    );
}

/// Red when one of two operations of a name hides the other, or `except` leaves out what only begins like it.
#[test]
fn two_operations_of_one_name_are_told() {
    let (_folder, file) = in_folder();
    let twins = run("the_keys_of_twins", &file, &[WRITE]);
    assert!(!twins.passes && !file.exists());
    assert!(
        twins.said.starts_with("FILE cannot be held against the code: two operations are called `twins.act`, at tests/locked/file.rs:"),
        "{}",
        twins.said
    );
    assert!(twins.said.ends_with("; give each a `name = \"..\"` of its own"), "{}", twins.said);
}

/// Red when the file that is kept is not what a reader of such files finds in it.
#[test]
fn the_kept_file_is_read() {
    let file = LockFile::read(concat!(env!("CARGO_MANIFEST_DIR"), "/idempotent.lock")).unwrap();
    let names: Vec<&str> = file.operations().map(|(name, _)| name).collect();
    assert_eq!(names, ["clinic.cancel", "locked::book"]);
    assert_eq!(file.get("clinic.cancel").unwrap().key, ["self.id", "appointment.number"]);
}
