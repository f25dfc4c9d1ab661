//! Robots that are killed, stopped and left behind: real processes on one SQLite file.

mod browser;
mod ends;
mod fleet;
mod leases;
mod left;
mod paused;
mod points;

/// Where the processes of these tests begin.
#[test]
fn robot() {
    idempotent_tests::run_as_child("robot", idempotent_tests::robot::run);
}
