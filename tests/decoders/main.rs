//! Everything that reads what others may have written, fed with inputs that nobody has meant: no panic, never "absent" for
//! what is there, never another value than the one that is stored.
//!
//! `IDEMPOTENT_TEST_INPUTS=1000000` feeds each decoder with a million, also those that are slow for so many in every run;
//! the seed is printed, and `IDEMPOTENT_TEST_SEED` gives it back. What fails is said at each test.

mod bytes;
mod files;
mod inputs;
mod rows;
mod texts;
mod values;
