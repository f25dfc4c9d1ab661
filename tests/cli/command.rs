//! One run of the program.

use std::path::Path;
use std::process::{Command, Stdio};

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_idempotent");

/// What a run has written, and its exit status.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: i32,
}

/// The program with these arguments (parted by spaces), on this file, with nobody at a terminal.
pub(crate) fn command(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env("IDEMPOTENT_URL", format!("sqlite:{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) fn run(file: &Path, arguments: &[&str]) -> Ran {
    let output = command(file, arguments).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    Ran { out, err, status: output.status.code().expect("the program ends by itself") }
}
