//! The numbered steps of a job, and the pipe by which a robot says where it is.
//!
//! At each step the robot writes a line to its standard output and waits for a line on its standard input. It
//! does not know whether the answer will come: whoever started it may kill it there instead.

use std::io::{self, BufRead, Write};

/// Where a robot is in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// It has the right to run, and has done nothing yet.
    Claimed = 1,
    /// The portal knows it.
    LoggedIn = 2,
    /// The scheduling form is open.
    FormOpen = 3,
    /// Patient and day are filled in; the portal shows them again.
    FormFilled = 4,
    /// The next thing it does is the click.
    AboutToSubmit = 5,
    /// The click is on its way; no answer has been looked for.
    Sent = 6,
    /// The answer has arrived at this machine, and not been read.
    Answered = 7,
    /// The confirmation has been read, and nothing of it is recorded.
    Read = 8,
    /// The result is recorded, and whoever asked for it has not been told.
    Recorded = 9,
}

impl Step {
    /// Every step, in order.
    pub(crate) const ALL: [Step; 9] = [
        Step::Claimed,
        Step::LoggedIn,
        Step::FormOpen,
        Step::FormFilled,
        Step::AboutToSubmit,
        Step::Sent,
        Step::Answered,
        Step::Read,
        Step::Recorded,
    ];

    /// From 1 to 9.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// As people say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Step::Claimed => "claimed",
            Step::LoggedIn => "logged in",
            Step::FormOpen => "form open",
            Step::FormFilled => "form filled",
            Step::AboutToSubmit => "about to submit",
            Step::Sent => "sent but unanswered",
            Step::Answered => "answered but unread",
            Step::Read => "read but unrecorded",
            Step::Recorded => "recorded but not acknowledged",
        }
    }

    /// Says that the robot is here, and returns when it may go on.
    ///
    /// # Errors
    /// When nobody listens any more: a robot without a master stops.
    pub(crate) fn reach(self) -> io::Result<()> {
        say(&format!("step {} {}", self.number(), self.name()))?;
        match io::stdin().lock().read_line(&mut String::new())? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nobody told the robot to go on")),
            _ => Ok(()),
        }
    }

    /// The step that a robot's line names, if it names one.
    pub(crate) fn parse(line: &str) -> Option<Step> {
        let number = line.strip_prefix("step ")?.split(' ').next()?.parse::<u8>().ok()?;
        Step::ALL.into_iter().find(|step| step.number() == number)
    }
}

/// Writes one line to whoever started the robot.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
