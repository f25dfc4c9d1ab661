//! Robots that were started in the same instant met at a file that was not there yet. Now and then one of them
//! ended with "database is locked" (SQLite does not wait where it switches a file to its write-ahead log), or
//! took the file for another program's (between its questions about the file another robot had made the tables).

use std::sync::Barrier;
use std::thread;

use idempotent::SqliteStore;

/// Fails when `schema::write_ahead` takes the first "busy" for an answer, or `schema::prepare` looks at the file
/// outside of a transaction.
#[test]
fn many_open_a_fresh_file_at_once() {
    const OPENERS: usize = 12;
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("robot.db");
        let start = Barrier::new(OPENERS);
        thread::scope(|scope| {
            for _ in 0..OPENERS {
                scope.spawn(|| {
                    start.wait();
                    let opened = SqliteStore::open(&file).map(drop);
                    assert!(opened.is_ok(), "round {round}: {}", opened.unwrap_err());
                });
            }
        });
    }
}
