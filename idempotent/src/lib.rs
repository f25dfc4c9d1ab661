//! Functions that take effect once per key.

mod clock;
pub mod key;
pub mod protocol;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use clock::{Clock, SystemClock};
#[cfg(feature = "memory")]
pub use store::MemoryStore;
pub use store::Store;
