//! A time to wait, as an advice says it.

use std::fmt;
use std::time::Duration;

/// A time to wait, rounded up to what a person reads.
pub(super) struct Soon(pub(super) Duration);

impl fmt::Display for Soon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_micros().div_ceil(1_000).max(1);
        match millis {
            ..1_000 => write!(f, "{millis}ms"),
            1_000..10_000 => write!(f, "{}s", millis.div_ceil(100) as f64 / 10.0),
            10_000.. => write!(f, "{}s", millis.div_ceil(1_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red when a time is rounded down, so that a caller comes too early, or shown to the nanosecond.
    #[test]
    fn times_are_rounded_up() {
        let shown = |micros| Soon(Duration::from_micros(micros)).to_string();
        assert_eq!(shown(0), "1ms");
        assert_eq!(shown(283_001), "284ms");
        assert_eq!(shown(1_999_001), "2s");
        assert_eq!(shown(2_000_001), "2.1s");
        assert_eq!(shown(9_950_000), "10s");
        assert_eq!(shown(14_999_999), "15s");
        assert_eq!(shown(90_000_001), "91s");
    }
}
