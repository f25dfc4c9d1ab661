//! What the tests share: stores to run on, a ledger that counts what really happened, processes to kill.

mod ledger;
mod processes;
mod worlds;

pub use ledger::Ledger;
pub use processes::{Child, is_child, point, run_as_child};
pub use worlds::World;
