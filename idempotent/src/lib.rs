//! Functions that take effect once per key.
