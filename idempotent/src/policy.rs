//! What a function says about its errors, as data.

/// What an `Err` means once the effect may have begun: the answer of `on_err = path`.
///
/// Panics, dropped futures and crashes are never covered: they are doubt.
///
/// ```
/// use idempotent::OnErr;
///
/// enum CardError {
///     Declined,
///     NotSent,
///     TimedOut,
/// }
///
/// fn judge(error: &CardError) -> OnErr {
///     match error {
///         CardError::Declined => OnErr::Store,  // final
///         CardError::NotSent => OnErr::Release, // nothing happened
///         CardError::TimedOut => OnErr::Doubt,  // who knows
///     }
/// }
/// # let _ = judge;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OnErr {
    /// Nobody knows what happened: the key is in doubt. The default.
    Doubt,
    /// Your word that nothing happened: the key is free again.
    Release,
    /// A final failure: recorded, and replayed to later calls.
    Store,
}
