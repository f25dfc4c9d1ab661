//! The two clocks of a store: one that only goes forward, also through a suspend, and the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::protocol::Micros;

/// Where a store that lives on this machine reads the time.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds on a clock that never steps and counts while the machine sleeps.
    fn now(&self) -> Micros;
    /// Microseconds since 1970 in UTC.
    fn wall(&self) -> Micros;
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        boot_micros()
    }

    fn wall(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
    }
}

/// A length of time as the protocol counts it.
pub(crate) fn micros(length: Duration) -> Micros {
    Micros::try_from(length.as_micros()).unwrap_or(Micros::MAX)
}

/// Microseconds since this machine was started, its sleep included.
#[cfg(target_os = "linux")]
pub(crate) fn boot_micros() -> Micros {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}

/// Microseconds since the first call: a clock that may stand still while the machine sleeps.
#[cfg(not(target_os = "linux"))]
pub(crate) fn boot_micros() -> Micros {
    use once_cell::sync::Lazy;
    static START: Lazy<std::time::Instant> = Lazy::new(std::time::Instant::now);
    Micros::try_from(START.elapsed().as_micros()).unwrap_or(Micros::MAX)
}
