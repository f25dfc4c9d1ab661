//! The shapes of functions that the attribute takes: each compiles, runs once a key, and is replayed.

mod arguments;
mod async_trait;
mod effects;
mod forms;
mod generics;
mod keys;
mod lints;
mod refused;
mod results;
mod shadowed;
mod traps;
mod world;
