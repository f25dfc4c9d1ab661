//! The promises, each tested by name: through the attribute as users write it, on every store, with the effects
//! counted in a ledger that the library never sees.

mod api;
mod case;
mod check_first;
mod codecs;
mod events;
mod faults;
mod i11_cancellation;
mod i1_one_holder;
mod i2_stable_result;
mod i4_check;
mod i4_no_silent_second_run;
mod i9_store_down;
mod latch;
mod matrix;
mod operator;
mod processes;
mod scopes;
mod script;
mod time;
mod trouble;
mod value_versions;
mod values;

use std::future::Future;
use std::sync::Arc;

use idempotent::protocol::Seen;
use idempotent::{Error, Handle, How, Key, Observed};
use idempotent_tests::World;

pub(crate) use trouble::Trouble;

/// An executor with several threads for one asynchronous test.
fn on_tokio<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime starts").block_on(test)
}

/// The same store under another handle: a caller like one of another process, which sees nothing but the store.
fn stranger(world: &World) -> Handle {
    Handle::shared(Arc::clone(world.handle.store()))
}

/// How a call came to its result.
fn how<T>(seen: &Observed<T>) -> How {
    seen.outcome.expect("an idempotent call was made").how
}

/// What an operator sees of `key`.
fn sight(world: &World, key: &Key) -> Seen {
    let shown = world.handle.show(key).wait().expect("the store answers");
    shown.entry.expect("there is a record").record.expect("it can be read").seen()
}

/// The library's error inside a call's result.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, impl Into<Option<Error>>>) -> Error {
    result.expect_err("the call is refused").into().expect("the error is the library's")
}
