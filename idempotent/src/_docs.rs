//! The long pages, compiled here so that their code runs.
//!
//! | page | what it is |
//! |---|---|
//! | [`arguments`] | reference: each argument of `#[idempotent(..)]`, and `effect!` |
//! | [`codecs`] | how to: results as other bytes than JSON, and a codec of your own |
//! | [`errors`] | reference: each code, and what to do |
//! | [`guarantees`] | reference: what the next call comes to, by where a process was killed and what you wrote |
//! | [`keys`] | why and reference: what identifies a call, byte by byte |
//! | [`operating`] | how to: resolve doubt, sweep, read the file, watch it |
//! | [`records`] | why: done, not done, in doubt; what may be promised |
//! | [`retries`] | how to: call again until it works |
//! | [`sqlite`] | reference: the SQLite store, its options and its limits |
//! | [`stores`] | how to: write a store of your own |
//! | [`testing`] | how to: test your own function |
//! | [`telemetry`] | reference: spans, events and numbers |

#[doc = include_str!("../docs/arguments.md")]
pub mod arguments {}

#[doc = include_str!("../docs/codecs.md")]
pub mod codecs {}

#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

// The picture first: a page in the API documentation cannot link to a file beside it.
#[doc = include_str!("../docs/guarantees.svg")]
#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("../docs/keys.md")]
pub mod keys {}

#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../docs/records.md")]
pub mod records {}

#[doc = include_str!("../docs/retries.md")]
pub mod retries {}

#[doc = include_str!("../docs/sqlite.md")]
pub mod sqlite {}

#[doc = include_str!("../docs/stores.md")]
pub mod stores {}

#[doc = include_str!("../docs/telemetry.md")]
pub mod telemetry {}

#[cfg(feature = "testing")]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}
