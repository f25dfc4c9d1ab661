//! What the exit status says.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How the command ended, for scripts. The numbers stay as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It did what was asked, and showed nothing that is in doubt.
    Success = 0,
    /// The store cannot be opened, read or written.
    Store = 1,
    /// The command line is wrong; nothing was looked at.
    Usage = 2,
    /// It did what was asked, and a record that it showed or counted is in doubt.
    InDoubt = 3,
    /// A record is not in a state for the act, or nobody said yes.
    Refused = 4,
    /// A record is not what the operator saw any more.
    Stale = 5,
    /// There is no such record, or more than one.
    NotFound = 6,
    /// A record cannot be read, or `verify` found something else that is wrong.
    Damaged = 7,
}

impl Exit {
    const ALL: [Exit; 8] = [
        Exit::Success,
        Exit::Store,
        Exit::Usage,
        Exit::InDoubt,
        Exit::Refused,
        Exit::Stale,
        Exit::NotFound,
        Exit::Damaged,
    ];

    const fn meaning(self) -> &'static str {
        match self {
            Exit::Success => "it did what was asked, and showed nothing in doubt",
            Exit::Store => "the store cannot be opened, read or written",
            Exit::Usage => "the command line is wrong; nothing was looked at",
            Exit::InDoubt => "a record that was shown or counted (ls, show, stats, verify) is in doubt",
            Exit::Refused => "a record is not in a state for the act, or nobody said yes",
            Exit::Stale => "a record is not what was seen of it any more",
            Exit::NotFound => "there is no such record, or a shortened key fits several",
            Exit::Damaged => "a record cannot be read, or verify found something else wrong",
        }
    }

    /// The section of `--help`.
    pub(crate) fn help() -> String {
        let mut text = String::from("Exit status:");
        for exit in Exit::ALL {
            // A text takes every line.
            let _ = write!(text, "\n  {}  {}", exit as u8, exit.meaning());
        }
        text.push_str("\nOf several, an act ends with the first that is not 0.");
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
