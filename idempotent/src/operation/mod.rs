//! An operation, one call of it, and the claim that runs its body.
//!
//! The attribute is sugar over this: a library that cannot use the attribute describes an [`Operation`], makes
//! a [`Call`] of it and runs its body under a [`Claim`].
//!
//! ```
//! use idempotent::{Error, Handle, MemoryStore, Operation};
//!
//! static BOOK: Operation = Operation::new("appointments.book").marker();
//!
//! fn book(handle: &Handle, patient: &str) -> Result<u32, Error> {
//!     BOOK.call().key("patient", patient).store(handle).returns::<Result<u32, Error>>().run_blocking(|claim| {
//!         claim.mark_blocking()?; // from here on the outside world may change
//!         Ok(42)
//!     })
//! }
//!
//! let handle = Handle::new(MemoryStore::new());
//! assert_eq!(book(&handle, "patient 7").unwrap(), 42);
//! assert_eq!(book(&handle, "patient 7").unwrap(), 42); // replayed: the closure did not run again
//! ```

mod builder;
mod call;
mod check;
mod claim;
mod outcome;
mod registry;
mod rules;
mod run;
mod wait;

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use once_cell::sync::OnceCell;

use crate::key::{Key, TextPart};
use crate::protocol::Micros;

pub use call::{Call, Parts};
pub use check::Asking;
pub use claim::{Claim, Ran, Running};
pub use outcome::{FromError, GivesHandle, KeyPart, Recordable, Returns, Told};
pub use rules::{ErrorCodec, Probe, Without, upgraded};
pub use run::{Claimed, Next};

/// How long a call waits for another holder of its key, unless the operation says otherwise.
const WAIT: Duration = Duration::from_secs(60);

/// File, line and column: two operations that share them are one.
type Place = (&'static str, u32, u32);

/// The static description of an operation: its name, and what to do about doubt, waiting and time.
#[derive(Debug)]
pub struct Operation {
    name: &'static str,
    place: Place,
    /// Every other `Operation` of this name is another one, even at the same place.
    is_sole: bool,
    has_marker: bool,
    rerun: bool,
    check_after: Option<Micros>,
    check_first: bool,
    wait: Duration,
    keep: Option<Micros>,
    /// The schema version of its results.
    version: u32,
    /// The name as stores take it, once the name is known to be this operation's.
    registered: OnceCell<Arc<str>>,
    /// The type that a call of it returned first.
    returned: OnceCell<&'static str>,
    /// The same for each choice of its type and constant parameters, where it has some.
    returned_for: Mutex<BTreeMap<Key, &'static str>>,
    /// Debug builds have looked whether a result survives being stored and read.
    round_trip_checked: AtomicBool,
}

impl Operation {
    /// An operation of that name: one place in the code, one name. Its effect begins with the claim, its doubt
    /// stays, its results are kept for ever, and a call waits 60 s for another.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str) -> Operation {
        Operation {
            name,
            place: {
                let at = Location::caller();
                (at.file(), at.line(), at.column())
            },
            is_sole: false,
            has_marker: false,
            rerun: false,
            check_after: None,
            check_first: false,
            wait: WAIT,
            keep: None,
            version: 1,
            registered: OnceCell::new(),
            returned: OnceCell::new(),
            returned_for: Mutex::new(BTreeMap::new()),
            round_trip_checked: AtomicBool::new(false),
        }
    }

    /// Where the operation is written, if not where [`new`](Operation::new) stands. Two operations of one name
    /// are told apart by it.
    #[must_use]
    pub const fn declared_at(mut self, file: &'static str, line: u32, column: u32) -> Operation {
        self.place = (file, line, column);
        self
    }

    /// There is one static of this operation, so that another one of its name is another operation: functions that
    /// one `macro_rules!` writes share all of their place.
    #[doc(hidden)]
    #[must_use]
    pub const fn sole(mut self) -> Operation {
        self.is_sole = true;
        self
    }

    /// The body announces its effect with [`Claim::mark`] (`effect!`): what ends before that did nothing.
    #[must_use]
    pub const fn marker(mut self) -> Operation {
        self.has_marker = true;
        self
    }

    /// Running twice does no harm: doubt leads to another run.
    #[must_use]
    pub const fn rerun(mut self) -> Operation {
        self.rerun = true;
        self
    }

    /// A check finds out what happened; its "did not happen" may be believed so many microseconds after an
    /// interrupted attempt's last possible act.
    #[must_use]
    pub const fn check_after_micros(mut self, after: u64) -> Operation {
        self.check_after = Some(if after > Micros::MAX as u64 { Micros::MAX } else { after as Micros });
        self
    }

    /// The check is asked before a first attempt, too: the effect may have come about without any attempt.
    #[must_use]
    pub const fn check_first(mut self) -> Operation {
        self.check_first = true;
        self
    }

    /// How long, in microseconds, a call waits for another holder of its key or for quiet time.
    #[must_use]
    pub const fn wait_micros(mut self, wait: u64) -> Operation {
        self.wait = Duration::from_micros(wait);
        self
    }

    /// How long, in microseconds, a result is kept.
    #[must_use]
    pub const fn keep_micros(mut self, keep: u64) -> Operation {
        self.keep = Some(if keep > Micros::MAX as u64 { Micros::MAX } else { keep as Micros });
        self
    }

    /// The schema version of the results that this code records and reads; without it, 1. A recorded one of an older
    /// version goes through [`Call::upgrade`], one of a newer version is [`Error::StoredValue`](crate::Error::StoredValue).
    ///
    /// # Panics
    /// With 0, where it is made: in a `static` that is a compile error.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Operation {
        assert!(version > 0, "versions begin with 1");
        self.version = version;
        self
    }

    /// The operation's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its file and line.
    #[cfg(feature = "testing")]
    pub(crate) fn written_at(&self) -> (&'static str, u32) {
        (self.place.0, self.place.1)
    }

    /// Begins a call: give it its key parts, then say what it [returns](Parts::returns).
    pub fn call(&'static self) -> Parts {
        Parts::new(self)
    }

    /// Begins a call in a scope, the tenant: a part of the key, and a column of its own in lists. Any text that is no
    /// float's; an empty one is the scope of calls that name none.
    ///
    /// ```
    /// # use idempotent::{Error, Filter, Handle, MemoryStore, Operation};
    /// static BOOK: Operation = Operation::new("appointments.book_in");
    ///
    /// fn book(handle: &Handle, clinic: &str, patient: &str) -> Result<u32, Error> {
    ///     BOOK.call_in(clinic).key("patient", patient).store(handle).returns::<Result<u32, Error>>().run_blocking(|_| Ok(42))
    /// }
    ///
    /// # let handle = Handle::new(MemoryStore::new());
    /// book(&handle, "Graz", "patient 7")?;
    /// book(&handle, "Linz", "patient 7")?; // another key
    /// let of_graz = Filter { scope: Some("Graz".into()), ..Filter::default() };
    /// assert_eq!(handle.list(&of_graz).wait().unwrap().len(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn call_in<T: TextPart + ?Sized>(&'static self, scope: &T) -> Parts {
        Parts::new_in(self, scope)
    }
}
