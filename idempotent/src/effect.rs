//! `effect!`, the marker.

/// Marks the moment from which the outside world may have changed: first durably writes to the record
/// that the attempt is about to act, then evaluates the expression, and is worth what it is worth.
///
/// ```
/// # use idempotent::{Error, effect, idempotent};
/// # fn fill_in_form(_: &str) -> Result<(), Error> { Ok(()) }
/// # fn click_submit() -> Result<u32, Error> { Ok(42) }
/// # idempotent::install(idempotent::open("memory:")?)?;
/// #[idempotent(key = patient)]
/// fn book(patient: &str) -> Result<u32, Error> {
///     fill_in_form(patient)?;              // an error here leaves the key free
///     let number = effect!(click_submit()?); // from here on it may be booked
///     Ok(number)
/// }
/// # assert_eq!(book("patient 7")?, 42);
/// # Ok::<(), Error>(())
/// ```
///
/// Put it around the one call that acts. What happens before it is no doubt at all: an error, a panic, a
/// dropped future or a crash before the mark leaves the key free. From the mark on, only `Ok` or a proof
/// ends the attempt; anything else leaves the key in doubt until `check`, `rerun`, `on_err` or an operator
/// says more.
///
/// When the mark is refused, because another call has taken the key over, or when the store cannot be
/// reached, the expression is not evaluated and the call ends with that error, even from inside a closure
/// or a nested block.
///
/// It stands in the body of a function under `#[idempotent(..)]`, and there also in nested `async` blocks
/// and async closures, and in closures of a synchronous function. It cannot stand in a synchronous closure
/// of an async function, in an async block of a synchronous function, in a nested item, or in the
/// arguments of another macro: it does not compile there, and says what to do instead.
///
/// The attribute looks for it by name: `effect!`, `idempotent::effect!`, or a name that a `use` *inside the body* gives
/// it. A `use idempotent::effect as mark;` outside cannot be seen, and `mark!(..)` says so.
///
/// It is a block: a temporary made inside the expression ends with it, as at the end of any block.
#[macro_export]
macro_rules! effect {
    // The attribute puts the part in front of `;` there: how the call ends when the mark is refused, and
    // the name of the claim.
    (@return_async $claim:ident; $effect:expr $(,)?) => {{
        if $crate::__private::Claim::mark($claim).await.is_err() {
            return $crate::__private::Claim::refusal($claim);
        }
        $effect
    }};
    (@return $claim:ident; $effect:expr $(,)?) => {{
        if $crate::__private::Claim::mark_blocking($claim).is_err() {
            return $crate::__private::Claim::refusal($claim);
        }
        $effect
    }};
    (@stop_async $claim:ident; $effect:expr $(,)?) => {{
        if $crate::__private::Claim::mark($claim).await.is_err() {
            $crate::__private::Claim::stop($claim);
        }
        $effect
    }};
    (@stop $claim:ident; $effect:expr $(,)?) => {{
        if $crate::__private::Claim::mark_blocking($claim).is_err() {
            $crate::__private::Claim::stop($claim);
        }
        $effect
    }};
    // Something else is wrong with the function and already told: no second error.
    (@plain; $($effect:tt)*) => {{ $($effect)* }};
    (@ $mode:ident $claim:ident; $($effect:tt)*) => {
        ::core::compile_error!(
            "`effect!` takes one expression, the call that acts: `effect!(portal.click_submit().await?)`"
        )
    };
    ($($effect:tt)*) => {
        ::core::compile_error!(
            "`effect!` marks the attempt of an operation, and this function is none. Write `#[idempotent(key = ..)]` \
             above it, or take `effect!` away. If it stands there, call the marker by its own name: the attribute \
             sees no `use idempotent::effect as ..` outside the body"
        )
    };
}
