//! Functions that take effect once per key.

mod clock;
pub mod key;
pub mod protocol;
pub mod store;

pub use clock::{Clock, SystemClock};
#[cfg(feature = "memory")]
pub use store::MemoryStore;
pub use store::Store;
