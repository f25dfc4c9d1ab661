//! Two threads opened a store on a file that was not there yet. The second one "created" it once more and closed it
//! again when the first had opened it: whoever closes any descriptor of a file gives up all the POSIX locks that its
//! process holds on it. SQLite did not know, and another process could take the log away under it.

#![cfg(target_os = "linux")]

use std::os::unix::fs::MetadataExt as _;
use std::sync::Barrier;
use std::{fs, thread};

use idempotent::SqliteStore;

/// Fails when `place::new_file` opens a file that is there, or two threads of a process look for it at once.
#[test]
fn openers_leave_each_other_the_locks_of_the_process() {
    const OPENERS: usize = 16;
    for round in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("robot.db");
        let start = Barrier::new(OPENERS);
        let stores: Vec<SqliteStore> = thread::scope(|scope| {
            let opens = || {
                start.wait();
                SqliteStore::open(&file).unwrap()
            };
            let threads: Vec<_> = (0..OPENERS).map(|_| scope.spawn(opens)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let inode = format!(":{} ", fs::metadata(&file).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        assert!(
            locks.lines().any(|line| line.contains("POSIX") && line.contains(&inode)),
            "round {round}: nothing holds {} any more\n{locks}",
            file.display()
        );
        drop(stores);
    }
}
