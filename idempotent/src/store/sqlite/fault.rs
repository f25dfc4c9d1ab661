//! What goes wrong inside, and how it is told at the border.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ErrorCode;

use crate::store::{Error, ErrorKind};

/// A fault of this store. It becomes a [`store::Error`](Error) when it leaves.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite said no while it was doing something to the file.
    Sqlite { doing: &'static str, file: PathBuf, source: rusqlite::Error },
    /// The operating system said no.
    Io { doing: &'static str, file: PathBuf, source: io::Error },
    /// The path names something else than what was opened.
    Moved { file: PathBuf, what: String },
    /// The database is not ours, or not one that this version can use.
    Refused { file: PathBuf, why: String, advice: &'static str },
    /// An option or a path that cannot be.
    Invalid { message: String, advice: String },
    /// This process is a fork of the one that opened the store.
    Forked { file: PathBuf, opened_by: u32 },
    /// The thread that writes has ended.
    Stopped { file: PathBuf },
    /// A move was not written in the time that its caller has.
    Slow { file: PathBuf, waited: Duration },
}

impl Fault {
    pub(super) fn sqlite(doing: &'static str, file: &Path, source: rusqlite::Error) -> Fault {
        Fault::Sqlite { doing, file: file.to_owned(), source }
    }

    pub(super) fn io(doing: &'static str, file: &Path, source: io::Error) -> Fault {
        Fault::Io { doing, file: file.to_owned(), source }
    }

    pub(super) fn refused(file: &Path, why: impl Into<String>, advice: &'static str) -> Fault {
        Fault::Refused { file: file.to_owned(), why: why.into(), advice }
    }

    pub(super) fn invalid(message: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault::Invalid { message: message.into(), advice: advice.into() }
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Fault::Sqlite { source, .. } => source.sqlite_error_code(),
            Fault::Io { .. }
            | Fault::Moved { .. }
            | Fault::Refused { .. }
            | Fault::Invalid { .. }
            | Fault::Forked { .. }
            | Fault::Stopped { .. }
            | Fault::Slow { .. } => None,
        }
    }

    /// Whether somebody else held the write lock all the time that we waited.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the connection may be in a state that only a new one clears. After such an error from
    /// `COMMIT` nobody knows whether the frames are in the log.
    pub(super) fn spoils_connection(&self) -> bool {
        matches!(
            self.code(),
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::DatabaseCorrupt
                    | ErrorCode::CannotOpen
                    | ErrorCode::NotADatabase
                    | ErrorCode::OutOfMemory
                    | ErrorCode::InternalMalfunction
            )
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Sqlite { doing, file, source } => sqlite(doing, &file, source),
            Fault::Io { doing, file, source } => {
                let (kind, advice) = match source.kind() {
                    _ if has_too_many_open(&source) => (ErrorKind::Unavailable, TOO_MANY_OPEN),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => (
                        ErrorKind::Invalid,
                        "name a file that the system can hold; `-holders` is put behind its name",
                    ),
                    io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::PermissionDenied => {
                        (ErrorKind::Refused, "look at the path, its owner and its rights")
                    }
                    io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge => {
                        (ErrorKind::Unavailable, "make room on the disk, or raise the limit of this user")
                    }
                    _ => (ErrorKind::Unavailable, "look at the path, its owner and its rights"),
                };
                let message = format!("could not {doing} {}: {source}", file.display());
                Error::new(kind, message, advice).with_source(source)
            }
            Fault::Moved { file, what } => Error::new(
                ErrorKind::Refused,
                format!("the database file {} was moved or replaced: {what}", file.display()),
                "put the file back or restart the program: what it would write now nobody could read",
            ),
            Fault::Refused { file, why, advice } => {
                Error::new(ErrorKind::Refused, format!("{}: {why}", file.display()), advice)
            }
            Fault::Invalid { message, advice } => Error::new(ErrorKind::Invalid, message, advice),
            Fault::Forked { file, opened_by } => Error::new(
                ErrorKind::Refused,
                format!("the store {} was opened by process {opened_by}, before a fork", file.display()),
                "open a store of its own in the child",
            ),
            Fault::Stopped { file } => Error::new(
                ErrorKind::Unavailable,
                format!("the thread that writes {} has ended", file.display()),
                "open the store again",
            ),
            Fault::Slow { file, waited } => Error::new(
                ErrorKind::Unavailable,
                format!("{} took no move for {waited:?}", file.display()),
                "look for a process that is stopped or hangs while it writes (its name is in the table `process`), or \
                 for an open transaction of another program, let it go on or end it; then call again. If it is the \
                 caller's own transaction on this file, the call waits for itself; to record in it (`tx = ..`) is not \
                 built yet",
            ),
        }
    }
}

const TOO_MANY_OPEN: &str = "this process, or the machine, has as many files open as it may: close some, or raise the limit (`ulimit -n`)";

#[cfg(unix)]
fn has_too_many_open(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let known = [Errno::MFILE, Errno::NFILE];
    error.raw_os_error().is_some_and(|code| known.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(not(unix))]
fn has_too_many_open(_: &io::Error) -> bool {
    false
}

/// Why SQLite cannot open a file, which it does not say. Not by opening the file itself: to close any descriptor of it
/// gives up all the locks that this process holds on it.
fn cannot_open(file: &Path) -> (ErrorKind, &'static str) {
    match file.parent().map(File::open) {
        Some(Err(error)) if has_too_many_open(&error) => (ErrorKind::Unavailable, TOO_MANY_OPEN),
        Some(_) | None => {
            (ErrorKind::Refused, "create the folder, and give this user the right to write in it")
        }
    }
}

fn sqlite(doing: &'static str, file: &Path, source: rusqlite::Error) -> Error {
    let code = source.sqlite_error_code();
    let (kind, advice) = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another connection holds the write lock: end its transaction before the call. If it is the \
             caller's own transaction on this file, the call waits for itself; to record in it (`tx = ..`) is not built yet",
        ),
        Some(ErrorCode::DiskFull) => {
            (ErrorKind::Unavailable, "make room on the disk, or raise the limit of the file")
        }
        Some(ErrorCode::ReadOnly) => {
            (ErrorKind::Refused, "give this user the right to write the file and its folder")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => cannot_open(file),
        Some(ErrorCode::NotADatabase) => (ErrorKind::Refused, "name another file"),
        Some(ErrorCode::DatabaseCorrupt) => {
            (ErrorKind::Refused, "restore the file from a backup; `PRAGMA integrity_check` shows the damage")
        }
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Unavailable,
            "make room on the disk if it is full, and look for its errors in the system's log; then ask again: what \
             was asked may or may not have been written",
        ),
        _ => (ErrorKind::Unavailable, "ask again; what was asked may or may not have been written"),
    };
    Error::new(kind, format!("could not {doing} {}: {source}", file.display()), advice).with_source(source)
}
