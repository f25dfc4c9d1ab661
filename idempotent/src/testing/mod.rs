//! Tools for tests: of programs that use this crate, and of stores that are written for it.
//!
//! * [`FakeClock`]: a clock that stands still until the test moves it.
//! * [`FaultyStore`]: a store around a store, which loses requests and answers, fails, waits and counts, as
//!   the test tells it to.
//! * [`store_conformance!`]: the suite that every store must pass, made into tests of yours.

mod clock;
pub mod conformance;
mod faulty;
mod gate;
mod when;

pub use clock::FakeClock;
pub use conformance::{Bench, store_conformance};
pub use faulty::{Fault, Faults, FaultyStore};
pub use gate::Gate;
pub use when::{Call, When};
