//! The procedural macros of `idempotent`.
