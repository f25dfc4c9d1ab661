//! The suite that every store must pass: one named case for each rule that callers rely on.
//!
//! [`store_conformance!`](crate::testing::store_conformance) makes a test of each case for a store of yours:
//!
//! ```
//! use std::sync::Arc;
//! use idempotent::{MemoryStore, testing::{Bench, FakeClock, store_conformance}};
//!
//! store_conformance! {
//!     mod memory {
//!         build: || {
//!             let clock = FakeClock::new();
//!             Bench::new(MemoryStore::with_clock(Arc::new(clock.clone())))
//!                 .advance(move |by| clock.advance(by))
//!         },
//!         lacks: {
//!             reopen: "its records die with it",
//!             wall: "left out of this example",
//!             corrupt: "it stores no bytes",
//!         },
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! That is a module `memory` with a `#[test]` for each case, whose name says promise and rule, such as
//! `i1_late_settle_is_fenced`. `build` is called once for each of them and gives a fresh store on a [`Bench`];
//! with `build_async` instead it gives a future of one. The cases only add records, under keys, scopes and
//! operations of their own. The store may hold other records, but no other process may sweep it meanwhile.
//!
//! What a store or its author cannot offer stands under `lacks` with the reason, and the cases that need it
//! show as ignored, with that reason. A name that is no capability does not compile, and one that the bench offers
//! all the same turns the test `lacks_only_what_is_not_there` red:
//!
//! | capability | offered by | what for |
//! |---|---|---|
//! | `kill` | a lease that is a deadline; else [`Bench::reopen`] | a holder that dies |
//! | `reopen` | [`Bench::reopen`] | what survives, and what others see |
//! | `advance` | [`Bench::advance`] | leases, quiet time and expiry that pass |
//! | `corrupt` | [`Bench::corrupt`] | records that do not decode |
//! | `wall` | [`Bench::step_wall`] | a wall clock that is set forward or back |
//! | `changed` | [`Store::changed`](crate::Store::changed) that is not `None` | waiting for a holder |
//! | `many` | a store that is fast enough | ten thousand records in less than a minute |
//!
//! No case sleeps or measures time, and each is bounded by a minute.

mod bench;
#[macro_use]
mod cases;
mod i10_the_stores_time;
mod i10_wall_clock;
mod i11_cancellation;
mod i1_one_holder;
mod i2_stable_result;
mod i3_nothing_lost;
mod i4_first;
mod i4_no_silent_second_run;
mod i5_lists;
mod i5_nothing_stuck;
mod i5_operators;
mod i5_sweeps;
mod i5_trails;
mod i5_waiting;
mod i6_other_payload;
mod i7_isolation;
mod i8_unreadable_is_not_absent;
#[macro_use]
mod macros;
mod voice;

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

pub use bench::Bench;
pub use store_conformance;

use crate::block_on::block_on;

/// One rule that callers rely on, as a function that panics when a store breaks it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(&mut Bench),
}

impl Case {
    /// Its name: the promise and the rule.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The capabilities that it needs.
    #[must_use]
    pub const fn needs(&self) -> &'static [&'static str] {
        self.needs
    }

    /// Runs it on a thread of its own, on the bench that `build` gives there.
    ///
    /// # Panics
    /// If the store breaks the rule, or has not answered after `patience`.
    pub fn run(&self, patience: Duration, build: impl FnOnce() -> Bench + Send + 'static) {
        let Case { name, run, .. } = *self;
        let (ended, end) = channel();
        let thread = thread::spawn(move || {
            // Dropped, and so noticed, at the end of the case and at a panic alike.
            let _ended = ended;
            run(&mut build());
        });
        match end.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => panic!("{name} has not ended within {patience:?}"),
        }
        if let Err(panic) = thread.join() {
            resume_unwind(panic);
        }
    }
}

/// Every case, in the order of the promises. [`store_conformance!`](crate::testing::store_conformance) makes
/// tests of them; this list is for those who test a suite.
#[must_use]
pub fn cases() -> &'static [Case] {
    __conformance_cases!(__conformance_list())
}

/// Runs the case of that name; what the tests made by the macro call.
#[doc(hidden)]
pub fn run(name: &str, build: impl FnOnce() -> Bench + Send + 'static) {
    match cases().iter().find(|case| case.name == name) {
        Some(case) => case.run(Duration::from_secs(60), build),
        None => panic!("there is no case {name}"),
    }
}

/// Sees that nothing is declared as lacking which is there; what the tests made by the macro call.
#[doc(hidden)]
pub fn lacks(bench: &Bench, declared: &[(&str, &str)]) {
    bench.lacks(declared);
}

/// Waits on this thread for a bench that is built asynchronously.
#[doc(hidden)]
pub fn wait_for(bench: impl Future<Output = Bench>) -> Bench {
    block_on(bench)
}
