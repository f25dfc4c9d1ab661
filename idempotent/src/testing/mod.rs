//! Tools for tests: of programs that use this crate, and of stores that are written for it.
//!
//! * [`fresh`]: a store for one test, in the place of the installed one.
//! * [`FakeClock`]: a clock that stands still until the test moves it.
//! * [`FaultyStore`]: a store around a store, which loses requests and answers, fails, waits and counts, as
//!   the test tells it to.
//! * [`assert_keys_locked!`]: fails when a change of the code would open stored keys again.
//! * [`store_conformance!`]: the suite that every store must pass, made into tests of yours.

mod clock;
pub mod conformance;
mod faulty;
mod fresh;
mod gate;
#[doc(hidden)]
pub mod locked;
mod when;

pub use clock::FakeClock;
pub use conformance::{Bench, store_conformance};
pub use faulty::{Fault, Faults, FaultyStore};
#[cfg(feature = "sqlite")]
pub use fresh::fresh_sqlite;
pub use fresh::{Entered, Fresh, enter, fresh, fresh_with, within};
pub use gate::Gate;
pub use locked::assert_keys_locked;
pub use when::{Call, When};
