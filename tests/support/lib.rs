//! What the tests share: stores to run on, a ledger that counts what really happened, processes to kill.

mod around;
pub mod engine;
mod ledger;
mod processes;
#[cfg(unix)]
pub mod robot;
#[cfg(unix)]
mod scene;
mod worlds;

pub use around::{Around, Hooks};
pub use ledger::Ledger;
pub use processes::{Child, is_child, point, run_as_child, say};
#[cfg(unix)]
pub use scene::{Scene, sight};
pub use worlds::{Terms, World};
