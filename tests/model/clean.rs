//! Settings with everything at once.
