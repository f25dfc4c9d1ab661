//! Exhaustive search: the real `protocol::decide`, two or three callers that keep their side of the rules, and
//! a world that counts effects. README.md says what is modelled.
//!
//! What makes it fail when taken away: any of the rules below, in `src/protocol`. Each test in `holes` takes one
//! rule away (in a wrapper around `decide`, or in the model's caller), asserts that the promise it names is
//! broken, prints the shortest such run, and asserts that the same setting is clean with the rule back.

mod caller;
mod clean;
mod holes;
mod outside;
mod promises;
mod search;
mod setting;
mod steps;
mod store;
mod world;
