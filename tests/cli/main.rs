//! The program `idempotent`, run as a person runs it: on a file that other processes use.

mod clinic;
mod command;
mod hostile;
mod pages;
#[cfg(unix)]
mod scenarios;
#[cfg(unix)]
mod terminal;
mod transcripts;

/// Not a test of its own: the robots of [`scenarios`] begin here.
#[cfg(unix)]
#[test]
fn robot() {
    idempotent_tests::run_as_child("robot", idempotent_tests::robot::run);
}
