//! The SQLite store: what the file, the lock files and other processes add to the protocol.

mod basic;
mod robot;
mod support;
