#![doc = include_str!("../docs/links.md")]
#![doc = include_str!("../docs/chaos.md")]
#![doc = include_str!("../README.md")]
//!
//! # Map of this page
//! | you want to | look at |
//! |---|---|
//! | annotate a function | [`idempotent`](macro@idempotent), its [arguments](_docs::arguments), [`effect!`], [`attempt`] |
//! | choose where records live | [`open`], [`install`], [`Handle`] |
//! | know how a call came to its result | [`observe`], [`inspect`] |
//! | act on an error | [`Error`], [`Error::advice`], [each of them](_docs::errors), [retries](_docs::retries) |
//! | resolve doubt | [operating](_docs::operating), [`Handle::list`], [`Handle::show`], [`Handle::operator`] |
//! | use it without the macro | [`operation`] |
//! | record results as other bytes | [codecs](_docs::codecs) |
//! | test your own function | [how to](_docs::testing), [`testing`] |
//! | write a store | [how to](_docs::writing_a_store), [`store::CompareAndSwap`], [`store::Store`], [`protocol`] |
//! | read how it works | [`_docs`] |

// The pages speak of everything; what a feature would bring cannot be linked to without it.
#![cfg_attr(
    not(all(
        feature = "macros",
        feature = "memory",
        feature = "sqlite",
        feature = "msgpack",
        feature = "testing"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod _docs;
mod attempt;
mod block_on;
mod clock;
#[cfg(feature = "codec")]
pub mod codec;
#[cfg(not(feature = "codec"))]
mod codec;
#[cfg(feature = "macros")]
mod effect;
mod error;
mod handle;
mod install;
mod keeper;
pub mod key;
#[cfg(feature = "lock")]
pub mod lock;
mod observe;
pub mod operation;
mod operator;
mod pause;
mod pending;
mod policy;
pub mod protocol;
mod record;
mod send;
mod slots;
pub mod store;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

pub use attempt::{Attempt, attempt};
pub use clock::{Clock, SystemClock};
pub use error::{
    BadKey, CheckFailed, Error, InDoubt, InProgress, KeyReused, LeaseLost, NotInstalled, Site, StoreFailed,
    StoredValue,
};
pub use handle::Handle;
#[cfg(feature = "macros")]
pub use idempotent_macros::idempotent;
pub use install::{drain, install, open, open_existing};
pub use key::{Key, PepperError, install_pepper};
pub use observe::{How, Observed, Outcome, inspect, inspect_async, observe, observe_async};
pub use operation::{Call, Claim, Operation};
pub use operator::{Operator, OperatorError, Shown};
pub use pending::Pending;
pub use policy::OnErr;
#[cfg(feature = "memory")]
pub use store::MemoryStore;
pub use store::{Entry, Filter, Store, Which};
#[cfg(feature = "sqlite")]
pub use store::{SqliteOptions, SqliteStore};
