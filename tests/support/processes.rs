//! Real processes to stop and kill: the test's own program, started again for one function.
//!
//! A child says on its standard output when it has reached a named point and waits there for a line on its
//! standard input. The parent kills it with SIGKILL while it waits, or lets it go on. No wait is without an end:
//! a child that says nothing for a minute is a failed test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Set in children: the name of what to run.
const ROLE: &str = "IDEMPOTENT_TEST_ROLE";
/// Set in children: one line of text for it.
const INPUT: &str = "IDEMPOTENT_TEST_INPUT";
/// Before the name of a point on a child's standard output.
const AT: &str = "@point ";
/// Before a word to the parent that the child does not wait for.
const SAYS: &str = "@says ";
/// Before a child's result.
const RESULT: &str = "@result ";
/// How long a parent waits for a word of its child, and a child at most lives.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether this process was started for `role`; then its input. Call it first in the `#[test]` function that is
/// the child's entry (see [`Child::start`]).
pub fn is_child(role: &str) -> Option<String> {
    (std::env::var(ROLE).ok()? == role).then(|| std::env::var(INPUT).unwrap_or_default())
}

/// Runs `body` if this process was started for `role`, tells the parent its result, and ends the process.
pub fn run_as_child(role: &str, body: impl FnOnce(&str) -> String) {
    if let Some(input) = is_child(role) {
        thread::spawn(|| {
            thread::sleep(PATIENCE);
            std::process::exit(4);
        });
        let result = body(&input);
        tell(RESULT, &result.replace('\n', " "));
        std::process::exit(0);
    }
}

/// In a child: says that it has reached `name`, and waits until the parent lets it go on.
pub fn point(name: &str) {
    tell(AT, name);
    let mut line = String::new();
    // At the end of input the parent is gone, and so is the test.
    if std::io::stdin().read_line(&mut line).unwrap_or(0) == 0 {
        std::process::exit(3);
    }
}

/// In a child: tells the parent something and goes on. The parent knows it even if the child is killed right after.
pub fn say(text: &str) {
    tell(SAYS, text);
}

fn tell(kind: &str, text: &str) {
    // One write, so that words of several threads do not mix; the runner's own output may stand before it.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{kind}{text}\n").as_bytes())
        .and_then(|()| out.flush())
        .expect("the parent reads");
}

enum Word {
    Point(String),
    Says(String),
    Result(String),
}

/// A process that runs one role of this test program. It is killed when it is dropped.
pub struct Child {
    process: std::process::Child,
    words: Receiver<Word>,
    said: Vec<String>,
}

impl Child {
    /// Starts this very test program again for the `#[test]` function `entry` (its full path, as the test runner
    /// prints it), which must call [`run_as_child`] with the same `role`.
    pub fn start(entry: &str, role: &str, input: &str) -> Child {
        Child::start_with(entry, role, input, None::<&str>)
    }

    /// As [`start`](Child::start), with this as the child's `IDEMPOTENT_URL`; without it the child has none.
    pub fn start_with(
        entry: &str,
        role: &str,
        input: &str,
        url: Option<&(impl AsRef<OsStr> + ?Sized)>,
    ) -> Child {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args([entry, "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(INPUT, input)
            .env_remove("IDEMPOTENT_URL")
            .envs(url.map(|url| ("IDEMPOTENT_URL", url.as_ref())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let (send, words) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            // A line without its end was cut off by the kill: it was not said.
            while output.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
                let text = line.trim_end();
                let word = if let Some(name) = text.strip_prefix(AT) {
                    Some(Word::Point(name.to_owned()))
                } else if let Some(said) = text.strip_prefix(SAYS) {
                    Some(Word::Says(said.to_owned()))
                } else {
                    text.strip_prefix(RESULT).map(|result| Word::Result(result.to_owned()))
                };
                if word.is_some_and(|word| send.send(word).is_err()) {
                    return;
                }
                line.clear();
            }
        });
        Child { process, words, said: Vec::new() }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the child has reached a point: its name, or the result if the child has ended (empty if it was
    /// killed or failed).
    pub fn step(&mut self) -> Result<String, String> {
        self.step_within(PATIENCE).unwrap_or_else(|| panic!("the child says nothing for {PATIENCE:?}"))
    }

    /// [`step`](Child::step), but `None` if nothing comes in that time.
    pub fn step_within(&mut self, most: Duration) -> Option<Result<String, String>> {
        let deadline = Instant::now() + most;
        loop {
            match self.words.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Word::Point(name)) => return Some(Ok(name)),
                Ok(Word::Result(result)) => return Some(Err(result)),
                Ok(Word::Says(text)) => self.said.push(text),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Err(String::new())),
            }
        }
    }

    /// Waits until the child has [said](say) something, or has ended.
    pub fn speaks(&mut self) {
        while self.said.is_empty() {
            match self.words.recv_timeout(PATIENCE) {
                Ok(Word::Says(text)) => self.said.push(text),
                Ok(Word::Point(name)) => panic!("the child waits at `{name}`"),
                Ok(Word::Result(_)) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("the child says nothing for {PATIENCE:?}"),
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
                    self.process.wait().expect("the child ends");
                    return result;
                }
            }
        }
    }

    /// Kills the child with SIGKILL, wherever it is, and waits until it is gone.
    pub fn kill(mut self) -> ExitStatus {
        self.end()
    }

    /// [`kill`](Child::kill): how it ended, and what it has [said](say) until then, whole lines only.
    pub fn kill_and_hear(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.end();
        // The pipe is closed now, so this ends.
        while let Ok(word) = self.words.recv_timeout(PATIENCE) {
            if let Word::Says(text) = word {
                self.said.push(text);
            }
        }
        (status, std::mem::take(&mut self.said))
    }

    /// Stops the child with SIGSTOP and waits until it stands still.
    #[cfg(unix)]
    pub fn stop(&self) {
        assert!(self.stops(), "the child has ended instead");
    }

    /// [`stop`](Child::stop), unless the child has ended by then: whether it stands still.
    #[cfg(unix)]
    pub fn stops(&self) -> bool {
        use rustix::process::{Signal, WaitIdOptions, kill_process};
        kill_process(self.pid(), Signal::STOP).expect("the child is ours to stop");
        let status = self.look(WaitIdOptions::STOPPED | WaitIdOptions::EXITED);
        status.is_some_and(|status| status.stopped())
    }

    /// Whether the child has ended by itself.
    #[cfg(unix)]
    pub fn has_ended(&self) -> bool {
        use rustix::process::WaitIdOptions;
        self.look(WaitIdOptions::EXITED | WaitIdOptions::NOHANG).is_some()
    }

    /// Looks at the child, whose status stays there for [`kill`](Child::kill).
    #[cfg(unix)]
    fn look(&self, options: rustix::process::WaitIdOptions) -> Option<rustix::process::WaitIdStatus> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let status = waitid(WaitId::Pid(self.pid()), options | WaitIdOptions::NOWAIT);
        status.expect("the child is ours to wait for")
    }

    /// Lets a stopped child go on with SIGCONT.
    #[cfg(unix)]
    pub fn wake(&self) {
        use rustix::process::{Signal, kill_process};
        kill_process(self.pid(), Signal::CONT).expect("the child is ours to wake");
    }

    #[cfg(unix)]
    fn pid(&self) -> rustix::process::Pid {
        let id = i32::try_from(self.process.id()).expect("a process id");
        rustix::process::Pid::from_raw(id).expect("a process id is not 0")
    }

    fn end(&mut self) -> ExitStatus {
        self.process.kill().expect("the child is ours to kill");
        self.process.wait().expect("the child ends")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
