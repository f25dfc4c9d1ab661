//! The protocol: every move of a record, as one pure function.
//!
//! [`decide`] takes what is stored under a key, what is asked, and what the store knows of time and of the
//! holder, and says what to write and what to answer. It does no input or output, reads no clock, takes no
//! lock and allocates only what it writes. Every store runs it (or, where the decision is made inside a
//! server, is held to it by tests), so that a rule stands in one place.
//!
//! The table of all moves is on the page of [`decide`]; the exhaustive search that found its rules lives in the
//! test suite and runs this very function.

mod claim;
mod decide;
mod holder;
mod moves;
mod operator;
mod state;

pub use decide::{decide, status};
pub use moves::{
    Answer, Busy, Claim, Context, Decision, Doubt, Ending, Event, Fenced, Grant, Held, Liveness, Operator,
    Policy, Request, Resolution, Settled, Write,
};
pub use state::{Fence, Micros, NotSeen, Process, Record, Seen, State, Status, Token, Value};
