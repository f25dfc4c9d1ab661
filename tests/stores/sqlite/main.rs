//! The SQLite store: what the file, the lock files and other processes add to the protocol.

mod agree;
mod basic;
mod holders;
mod load;
mod open;
mod robot;
mod rows;
mod support;
mod time;
mod watch;
