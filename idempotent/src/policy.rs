//! What a function says about its errors, as data.

/// What an `Err` means once the effect may have begun: the answer of `on_err = path`.
///
/// Panics, dropped futures and crashes are never covered: they are doubt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OnErr {
    /// Nobody knows what happened: the key is in doubt. The default.
    Doubt,
    /// Your word that nothing happened: the key is free again.
    Release,
    /// A final failure: recorded, and replayed to later calls.
    Store,
}
