//! All that expanded code may name. Not part of the public API.

pub use crate::key::{Piece, TextPart};
pub use crate::operation::{
    Asking, Call, Claim, Claimed, ErrorCodec, FromError, KeyPart, Next, Operation, Parts, Probe, Ran,
    Recordable, Returns, upgraded,
};
#[cfg(feature = "testing")]
pub use crate::testing::locked::Registered;
#[cfg(feature = "testing")]
pub use inventory;

/// Lists an operation with what its key is made of, for `assert_keys_locked!`; nothing where that is not built.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[macro_export]
macro_rules! __idempotent_locked {
    ($operation:ident $lines:literal) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Registered::new(&$operation, ::core::module_path!(), $lines)
        }
    };
}

/// Nothing: the feature `testing` is not built.
#[cfg(not(feature = "testing"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __idempotent_locked {
    ($operation:ident $lines:literal) => {};
}

#[doc(hidden)]
pub use crate::__idempotent_locked as locked;
