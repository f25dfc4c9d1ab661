//! Which process holds which lock of a database, as the kernel tells it: that is how the parent kills a process while it
//! writes, checkpoints or holds its turn, without a word from that process.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use idempotent_tests::Child;

/// What a process is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Busy {
    /// It has its turn among the processes that write.
    Turn,
    /// It has SQLite's write lock: it is in a transaction, or in its commit.
    Writes,
    /// It copies the log back into the file.
    Checkpoints,
    /// It reads the log that a dead process has left.
    Recovers,
    /// It has locked the file itself to write: it makes the tables, or it is the last to close.
    HasTheFile,
}

impl Busy {
    /// The file that is locked, and the first and last byte of the lock, if not all.
    fn lock(self, database: &Path) -> (PathBuf, Option<(u64, u64)>) {
        let beside = |ending: &str| {
            let mut path = database.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        // From SQLite's "WAL-mode file format": the locks of the index are bytes 120 to 127; and `PENDING_BYTE`.
        match self {
            Busy::Turn => (beside("-holders/turn"), None),
            Busy::Writes => (beside("-shm"), Some((120, 120))),
            Busy::Checkpoints => (beside("-shm"), Some((121, 121))),
            Busy::Recovers => (beside("-shm"), Some((122, 122))),
            Busy::HasTheFile => (database.to_owned(), Some((0x4000_0000, 0x4000_0001 + 510))),
        }
    }

    /// Whether the process with this id holds the lock to write.
    fn is_held_by(self, id: u32, database: &Path) -> bool {
        let (path, bytes) = self.lock(database);
        let Ok(inode) = fs::metadata(path).map(|found| found.ino()) else { return false };
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        locks.lines().any(|line| {
            // `1: POSIX  ADVISORY  WRITE 3457 fe:00:10013934 120 120`; whoever waits has a `->` behind the number.
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, _, "ADVISORY", "WRITE", holder, file, from, to] = words[..] else { return false };
            let overlaps = bytes.is_none_or(|(first, last)| {
                let to = to.parse().unwrap_or(u64::MAX);
                from.parse().is_ok_and(|from: u64| from <= last) && first <= to
            });
            let of_file = file.rsplit(':').next().is_some_and(|number| number.parse() == Ok(inode));
            holder.parse() == Ok(id) && of_file && overlaps
        })
    }

    /// Stops the child where it is busy with this. Whether it was caught at it within `most`; else it goes on.
    pub(super) fn catch(self, child: &Child, database: &Path, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        while Instant::now() < deadline && !child.has_ended() {
            if self.is_held_by(child.id(), database) && child.stops() {
                // Stopped it cannot let go any more: either it has by now, or it dies with the lock.
                if self.is_held_by(child.id(), database) {
                    return true;
                }
                child.wake();
            }
            thread::yield_now();
        }
        false
    }
}
