//! Real processes to stop and kill: the test's own program, started again for one function.
//!
//! A child says on its standard output when it has reached a named point and waits there for a line on its
//! standard input. The parent kills it with SIGKILL while it waits, or lets it go on.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

/// Set in children: the name of what to run.
const ROLE: &str = "IDEMPOTENT_TEST_ROLE";
/// Set in children: one line of text for it.
const INPUT: &str = "IDEMPOTENT_TEST_INPUT";
/// Before the name of a point on a child's standard output.
const AT: &str = "@point ";
/// Before a child's result.
const RESULT: &str = "@result ";

/// Whether this process was started for `role`; then its input. Call it first in the `#[test]` function that is
/// the child's entry (see [`Child::start`]).
pub fn is_child(role: &str) -> Option<String> {
    (std::env::var(ROLE).ok()? == role).then(|| std::env::var(INPUT).unwrap_or_default())
}

/// Runs `body` if this process was started for `role`, tells the parent its result, and ends the process.
pub fn run_as_child(role: &str, body: impl FnOnce(&str) -> String) {
    if let Some(input) = is_child(role) {
        let result = body(&input);
        println!("\n{RESULT}{}", result.replace('\n', " "));
        std::io::stdout().flush().expect("the parent reads");
        std::process::exit(0);
    }
}

/// In a child: says that it has reached `name`, and waits until the parent lets it go on.
pub fn point(name: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{AT}{name}").and_then(|()| out.flush()).expect("the parent reads");
    let mut line = String::new();
    // At the end of input the parent is gone, and so is the test.
    if std::io::stdin().read_line(&mut line).unwrap_or(0) == 0 {
        std::process::exit(3);
    }
}

/// A process that runs one role of this test program.
pub struct Child {
    process: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Child {
    /// Starts this very test program again for the `#[test]` function `entry` (its full path, as the test runner
    /// prints it), which must call [`run_as_child`] with the same `role`.
    pub fn start(entry: &str, role: &str, input: &str) -> Child {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args([entry, "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(INPUT, input)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        Child { process, output }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the child has reached a point: its name, or the result if the child has ended.
    pub fn step(&mut self) -> Result<String, String> {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the child's output is text");
            if read == 0 {
                return Err(String::new());
            }
            if let Some(name) = line.trim_end().strip_prefix(AT) {
                return Ok(name.to_owned());
            }
            if let Some(result) = line.trim_end().strip_prefix(RESULT) {
                return Err(result.to_owned());
            }
        }
    }

    /// Lets the child go on from the point that it waits at.
    pub fn go_on(&mut self) {
        let input = self.process.stdin.as_mut().expect("its input is piped");
        writeln!(input, "go").and_then(|()| input.flush()).expect("the child reads");
    }

    /// Waits until the child has reached `name`, letting it go on from every other point.
    pub fn until(&mut self, name: &str) {
        loop {
            match self.step() {
                Ok(reached) if reached == name => return,
                Ok(_) => self.go_on(),
                Err(result) => panic!("the child ended with `{result}` before it reached `{name}`"),
            }
        }
    }

    /// Lets the child run to its end: its result.
    pub fn result(mut self) -> String {
        loop {
            match self.step() {
                Ok(_) => self.go_on(),
                Err(result) => {
                    let mut rest = String::new();
                    self.output.read_to_string(&mut rest).expect("the child's output is text");
                    self.process.wait().expect("the child ends");
                    return result;
                }
            }
        }
    }

    /// Kills the child with SIGKILL, wherever it is, and waits until it is gone.
    pub fn kill(mut self) -> ExitStatus {
        self.process.kill().expect("the child is ours to kill");
        self.process.wait().expect("the child ends")
    }
}
