//! The store that is made of an engine which compares and swaps: what is particular to it.

mod bytes;
mod contention;
mod fences;
mod random;
mod support;
mod time;
mod trail;
