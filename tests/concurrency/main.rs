//! Many callers at once on one SQLite file: threads, tasks and processes.

mod paths;
mod processes;
mod threads;

/// Where the processes of these tests begin.
#[test]
fn robot() {
    idempotent_tests::run_as_child("robot", idempotent_tests::robot::run);
}
