//! What a function may take and return, with advice where it may not.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use crate::error::Error;
use crate::handle::Handle;

/// A value that can be part of a key or of the fingerprint: anything that is `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key or of the fingerprint",
    label = "it does not implement `serde::Serialize`",
    note = "derive `Serialize` for it, or leave it out with `skip(..)` if calls that differ in it are the same call"
)]
pub trait KeyPart: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyPart for T {}

/// A value that can be recorded and replayed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded",
    label = "it does not implement `serde::Serialize` and `serde::de::DeserializeOwned`",
    note = "a recorded result is stored and read again by later calls: derive `Serialize` and `Deserialize` for it"
)]
pub trait Recordable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Recordable for T {}

/// An error type that can carry `idempotent::Error`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot carry `idempotent::Error`",
    label = "it does not implement `From<idempotent::Error>`",
    note = "add a variant with `#[from] idempotent::Error`, implement `From`, or name a function with `map_err = path`"
)]
pub trait FromError: From<Error> {}

#[diagnostic::do_not_recommend]
impl<E: From<Error>> FromError for E {}

/// What stands after `store =`: a store in use, or something that gives one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no store in use",
    label = "it does not implement `AsRef<idempotent::Handle>`",
    note = "give a `Handle`, which `idempotent::open(\"sqlite:robot.db\")?` and `Handle::new(store)` make, or something \
            that has one: `store = self.store`"
)]
pub trait GivesHandle: AsRef<Handle> {}

#[diagnostic::do_not_recommend]
impl<S: AsRef<Handle> + ?Sized> GivesHandle for S {}

/// The error of a check or an upgrade, of which an operator reads the text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text that an operator could read",
    label = "its error does not implement `std::fmt::Display`",
    note = "what `check` and `upgrade` give as an error is shown as a text: implement `Display` for it, or give a `String`"
)]
pub trait Told: Display {}

#[diagnostic::do_not_recommend]
impl<E: Display> Told for E {}

/// What an idempotent function returns: a `Result`, under any alias.
#[diagnostic::on_unimplemented(
    message = "an idempotent function returns a `Result`, not `{Self}`",
    label = "this type cannot carry an error",
    note = "a call can be refused (in doubt, in progress, store down): return `Result<{Self}, E>` with `E: From<idempotent::Error>`"
)]
pub trait Returns: sealed::Sealed {
    /// The value that is recorded.
    type Ok;
    /// The error.
    type Err;
    /// The call that gives it. Behind a name of the trait, a type that is no `Result` is one error and not one
    /// for each method of the call.
    #[doc(hidden)]
    type Call;
    #[doc(hidden)]
    fn called(call: Call<Self>) -> Self::Call
    where
        Self: Sized;
    #[doc(hidden)]
    fn from_result(result: Result<Self::Ok, Self::Err>) -> Self;
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

#[diagnostic::do_not_recommend]
impl<T, E> Returns for Result<T, E> {
    type Ok = T;
    type Err = E;
    type Call = Call<Result<T, E>>;

    fn called(call: Call<Self>) -> Call<Self> {
        call
    }

    fn from_result(result: Result<T, E>) -> Self {
        result
    }

    fn into_result(self) -> Result<T, E> {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    #[diagnostic::do_not_recommend]
    impl<T, E> Sealed for Result<T, E> {}
}
