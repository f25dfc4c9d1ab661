//! The macro that makes tests of the cases.

/// Makes a module with one test per case of the [suite](crate::testing::conformance) for a store.
///
/// ```text
/// store_conformance! {
///     mod name {
///         build: || Bench::new(..),              // or build_async: || async { Bench::new(..) },
///         lacks: { capability: "reason", .. },   // kill, reopen, advance, wall, corrupt, changed, many
///     }
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    (mod $module:ident { build: $build:expr, lacks: { $($lack:ident: $why:literal),* $(,)? } $(,)? }) => {
        mod $module {
            #[allow(unused_imports, reason = "what the expression names may be in here already")]
            use super::*;

            fn bench() -> $crate::testing::Bench {
                ($build)()
            }

            $($crate::__conformance_known! { $lack })*

            /// Red when a capability is declared as lacking and offered all the same.
            #[test]
            fn lacks_only_what_is_not_there() {
                $crate::testing::conformance::lacks(&bench(), &[$((stringify!($lack), $why)),*]);
            }

            $crate::__conformance_cases! { __conformance_tests { $($lack: $why,)* } }
        }
    };
    (mod $module:ident { build: $build:expr $(,)? }) => {
        $crate::store_conformance! { mod $module { build: $build, lacks: {} } }
    };
    (mod $module:ident { build_async: $build:expr $(, lacks: $lacks:tt)? $(,)? }) => {
        $crate::store_conformance! {
            mod $module {
                build: || $crate::testing::conformance::wait_for(($build)())
                $(, lacks: $lacks)?
            }
        }
    };
}

/// Refuses the name of a capability that there is not.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_known {
    (kill) => {};
    (reopen) => {};
    (advance) => {};
    (wall) => {};
    (corrupt) => {};
    (changed) => {};
    (many) => {};
    ($other:ident) => {
        ::core::compile_error!(::core::concat!(
            "`",
            ::core::stringify!($other),
            "` is no capability: there are kill, reopen, advance, wall, corrupt, changed and many"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($lacks:tt $($promise:ident { $($case:ident $needs:tt)* })*) => {
        $($($crate::__conformance_test! { $case $needs $lacks $lacks })*)*
    };
}

/// One test: looks for each need among what is lacking; the second list is what is left to look through.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ($case:ident [] $left:tt $lacks:tt) => {
        #[test]
        fn $case() {
            $crate::testing::conformance::run(stringify!($case), bench);
        }
    };
    ($case:ident [kill $($n:ident)*] { kill: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [reopen $($n:ident)*] { reopen: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [advance $($n:ident)*] { advance: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [wall $($n:ident)*] { wall: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [corrupt $($n:ident)*] { corrupt: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [changed $($n:ident)*] { changed: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [many $($n:ident)*] { many: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_ignored! { $case $why }
    };
    ($case:ident [$need:ident $($more:ident)*] {} $lacks:tt) => {
        $crate::__conformance_test! { $case [$($more)*] $lacks $lacks }
    };
    ($case:ident $needs:tt { $other:ident: $why:literal, $($left:tt)* } $lacks:tt) => {
        $crate::__conformance_test! { $case $needs { $($left)* } $lacks }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_ignored {
    ($case:ident $why:literal) => {
        #[test]
        #[ignore = $why]
        fn $case() {
            $crate::testing::conformance::run(stringify!($case), bench);
        }
    };
}
