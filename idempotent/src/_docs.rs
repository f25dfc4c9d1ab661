//! The long pages, compiled here so that their code runs.

#[doc = include_str!("../docs/keys.md")]
pub mod keys {}
