//! `secret(..)`: what it names is in the key or the fingerprint and nowhere else. It is searched for wherever this
//! library writes: in events at `TRACE`, in every form of an error, in lists and trails, and in the bytes of the file.
//!
//! A process has one pepper or none, so what needs one runs in processes of its own.

mod everywhere;
mod hidden;
mod pepper;

use std::sync::Mutex;

use idempotent::Error;
use idempotent_tests::World;

pub(crate) use hidden::{Hidden, SECRET, told};

/// One test at a time: what the events tell is searched as a whole.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Red when a secret is found anywhere.
#[test]
fn nothing_tells_a_secret_in_memory() {
    let _alone = alone();
    everywhere::nothing_tells_a_secret(&World::memory());
}

#[test]
fn nothing_tells_a_secret_in_a_file() {
    let _alone = alone();
    everywhere::nothing_tells_a_secret(&World::sqlite());
}

/// The library's error inside a call's result.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, everywhere::Fault>) -> Error {
    match result {
        Err(everywhere::Fault::Ours(error)) => error,
        other => panic!("refused by the library, not {other:?}"),
    }
}
