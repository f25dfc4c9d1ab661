//! The SQLite store: what the file, the lock files and other processes add to the protocol.

mod basic;
mod holders;
mod open;
mod robot;
mod rows;
mod support;
