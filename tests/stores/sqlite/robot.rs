//! A process of its own that does what it is told, one line a command, and can be stopped and killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use idempotent::protocol::{Answer, Fence, Held};
use idempotent::{SqliteStore, Store};
use rustix::process::{Pid, Signal, kill_process};

use super::support::{ask, claim, done, held, mark, subject, token, told};

const FILE: &str = "IDEMPOTENT_TEST_FILE";
const AS_NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// The child, seen from the test.
pub(crate) struct Robot {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl Robot {
    /// Starts a process with the database at `file` open.
    pub(crate) fn start(file: &Path) -> Robot {
        Robot::start_in(file, Path::new("."))
    }

    pub(crate) fn start_in(file: &Path, folder: &Path) -> Robot {
        let program = std::env::current_exe().expect("the test's own program");
        Robot::spawn(Command::new(program).current_dir(folder), file).ready()
    }

    fn ready(self) -> Robot {
        assert_eq!(self.answer(), "ready");
        self
    }

    /// A process whose files cannot grow beyond half a megabyte: writes beyond it are I/O errors.
    pub(crate) fn start_cramped(file: &Path) -> Robot {
        let program = std::env::current_exe().expect("the test's own program");
        let script = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\"";
        Robot::spawn(Command::new("sh").args(["-c", script]).arg(program), file).ready()
    }

    /// A process whose first answer is `ready` or `refused: ..`, of this user.
    pub(crate) fn try_start(file: &Path) -> Robot {
        let program = std::env::current_exe().expect("the test's own program");
        Robot::spawn(&mut Command::new(program), file)
    }

    /// [`try_start`](Robot::try_start) as another user, who has no rights but those that everybody has.
    pub(crate) fn try_start_as_nobody(file: &Path) -> Robot {
        let program = std::env::current_exe().expect("the test's own program");
        Robot::spawn(Command::new("setpriv").args(AS_NOBODY).arg(program), file)
    }

    /// Whether [`try_start_as_nobody`](Robot::try_start_as_nobody) can do that here.
    pub(crate) fn can_be_nobody() -> bool {
        let program = std::env::current_exe().expect("the test's own program");
        let list = Command::new("setpriv").args(AS_NOBODY).arg(program).arg("--list").output();
        list.is_ok_and(|done| done.status.success())
    }

    fn spawn(command: &mut Command, file: &Path) -> Robot {
        let mut child = command
            .args(["robot::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child process");
        let commands = child.stdin.take().expect("its input");
        let output = child.stdout.take().expect("its output");
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test harness writes on the same line as the first answer.
                if let Some((_, answer)) = line.split_once('@') {
                    let _ = send.send(answer.to_owned());
                }
            }
        });
        Robot { child, commands, answers }
    }

    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("the child listens");
    }

    pub(crate) fn answer(&self) -> String {
        self.answers.recv_timeout(Duration::from_secs(60)).expect("the child answers within a minute")
    }

    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.answer()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a process id");
        kill_process(pid, signal).expect("the child is there");
    }

    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("the child ends");
    }

    /// [`kill`](Robot::kill), and how many answers had still come.
    pub(crate) fn kill_and_count(mut self) -> usize {
        self.signal(Signal::KILL);
        self.child.wait().expect("the child ends");
        std::iter::from_fn(|| self.answers.recv_timeout(Duration::from_secs(60)).ok()).count()
    }

    /// Ends in good order.
    pub(crate) fn end(mut self) {
        self.tell("end");
        assert!(self.child.wait().expect("the child ends").success());
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of the child process; not a test.
#[test]
#[ignore = "run by other tests as their child process"]
fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    let mut outside = None;
    let store = SqliteStore::open(&file);
    let say = |text: &str| {
        println!("@{text}");
        std::io::stdout().flush().expect("the parent listens");
    };
    let store = match store {
        Ok(store) => store,
        // What a parent that expects it reads as the first answer.
        Err(error) => return say(&format!("refused: {}", told(&error))),
    };
    say("ready");
    for line in std::io::stdin().lines() {
        let line = line.expect("a command");
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<u64>().expect("a number");
        let hold = || Held { token: token(number(2) as u8), fence: Fence(number(3)) };
        match words[0] {
            // claim KEY TOKEN -> run FENCE, or the answer
            "claim" => match ask(&store, &subject(words[1]), claim(number(2) as u8)) {
                Answer::Run(grant) => {
                    let held = held(number(2) as u8, &grant);
                    say(&format!("run {}", held.fence));
                }
                other => say(&format!("{other:?}")),
            },
            // mark KEY TOKEN FENCE
            "mark" => say(&format!("{:?}", ask(&store, &subject(words[1]), mark(hold())))),
            // done KEY TOKEN FENCE VALUE
            "done" => say(&format!("{:?}", ask(&store, &subject(words[1]), done(hold(), words[4])))),
            // work COUNT NAME: so many calls of its own, two moves each, then a word
            "work" => {
                for call in 0..number(1) {
                    let subject = subject(&format!("{} {call}", words[2]));
                    let Answer::Run(grant) = ask(&store, &subject, claim(1)) else {
                        panic!("a fresh key is granted")
                    };
                    ask(&store, &subject, done(held(1, &grant), "1"));
                    say("worked");
                }
                say("ready");
            }
            // keep KEY SIZE: a call with a result of so many bytes, or the error
            "keep" => {
                let subject = subject(words[1]);
                let value = format!("\"{}\"", "x".repeat(number(2) as usize));
                let kept = store.apply_blocking(&subject, claim(1)).and_then(|answer| match answer {
                    Answer::Run(grant) => store.apply_blocking(&subject, done(held(1, &grant), &value)),
                    other => panic!("a fresh key is granted: {other:?}"),
                });
                match kept {
                    Ok(_) => say("kept"),
                    Err(error) => say(&format!("error: {error}")),
                }
            }
            // try KEY: `run`, `replay`, `busy`, or the error
            "try" => say(&match store.apply_blocking(&subject(words[1]), claim(2)) {
                Ok(Answer::Run(_)) => "run".to_owned(),
                Ok(Answer::Replay(_)) => "replay".to_owned(),
                Ok(Answer::Busy(_)) => "busy".to_owned(),
                Ok(other) => format!("{other:?}"),
                Err(error) => format!("error: {error}"),
            }),
            // hold, release: the write lock, as any other program takes it
            "hold" => {
                let other = outside.insert(rusqlite::Connection::open(&file).unwrap());
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                say("held");
            }
            "release" => {
                outside = None;
                say("released");
            }
            "end" => return,
            other => panic!("no such command: {other}"),
        }
    }
}
