//! The SQLite store: what the file, the lock files and other processes add to the protocol.

mod basic;
mod columns;
mod damage;
mod full;
mod gone;
mod holders;
mod load;
mod locked;
mod names;
mod open;
mod rights;
mod robot;
mod rows;
mod support;
mod time;
mod watch;
