//! The long pages, compiled here so that their code runs.
//!
//! Before each of them stands `links.md`: where a link to another page leads here, and not in the folder of the files. Of
//! two definitions of a link the first one counts.
//!
//! A first walk is on the [front page](crate). Then, each page of one kind:
//!
//! | how to do one thing | |
//! |---|---|
//! | [`situations`] | choose the arguments: the handler, the payment, the read, the script |
//! | [`checks`] | write a good check |
//! | [`retries`] | call again until it works |
//! | [`testing`] | test a function of yours |
//! | [`operating`] | resolve doubt, sweep, read the file, watch it |
//! | [`choosing_a_store`] | decide where records live |
//! | [`writing_a_store`] | keep them in an engine of your own |
//! | [`codecs`] | record results as other bytes than JSON |
//!
//! | reference | |
//! |---|---|
//! | [`arguments`] | a page for each argument of `#[idempotent(..)]`, and for `effect!` |
//! | [`errors`] | each code, and what to do |
//! | [`guarantees`] | what the next call comes to, by where a process was killed and what you wrote |
//! | [`keys`] | what counts in a key, and its bytes |
//! | [`records`] | the states of a record, and what it means now |
//! | [`sqlite`] | the SQLite store, its options and its limits |
//! | [`telemetry`] | spans, events and numbers |
//!
//! | why | |
//! |---|---|
//! | [`doubt`] | done, not done, in doubt; what may be promised, and what not |

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/arguments.md")]
pub mod arguments {
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/key.md")]
    pub mod key {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/name.md")]
    pub mod name {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/skip.md")]
    pub mod skip {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/secret.md")]
    pub mod secret {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/scope.md")]
    pub mod scope {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/store.md")]
    pub mod store {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/check.md")]
    pub mod check {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/rerun.md")]
    pub mod rerun {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/on_err.md")]
    pub mod on_err {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/wait.md")]
    pub mod wait {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/keep.md")]
    pub mod keep {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/value.md")]
    pub mod value {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/map_err.md")]
    pub mod map_err {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/crate.md")]
    pub mod crate_ {}
    #[doc = include_str!("../docs/links.md")]
    #[doc = include_str!("../docs/arguments/effect.md")]
    pub mod effect {}
}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/checks.md")]
pub mod checks {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/choosing_a_store.md")]
pub mod choosing_a_store {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/codecs.md")]
pub mod codecs {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/doubt.svg")]
#[doc = include_str!("../docs/doubt.md")]
pub mod doubt {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/guarantees.svg")]
#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/keys.md")]
pub mod keys {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/records.md")]
pub mod records {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/retries.md")]
pub mod retries {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/situations.md")]
pub mod situations {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/sqlite.md")]
pub mod sqlite {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/telemetry.md")]
pub mod telemetry {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/links.md")]
#[doc = include_str!("../docs/writing_a_store.md")]
pub mod writing_a_store {}
