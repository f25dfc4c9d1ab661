//! A module whose names are all taken, and a trait with our methods on every type.
//!
//! Fails when expanded code says `Ok`, `Some`, `std` or `Result` instead of a full path, or calls a method of
//! ours where a trait of the user's comes first.

#![allow(
    non_camel_case_types,
    dead_code,
    unused_macros,
    non_upper_case_globals,
    clippy::wrong_self_convention,
    clippy::extra_unused_type_parameters
)]

use idempotent::{effect, idempotent};

use crate::world::{Fault, Told, World, once};

type Outcome<T> = ::core::result::Result<T, Fault>;

struct Result;
struct Option;
struct Box;
struct Pin;
struct String;
struct Vec;
struct Clone;
struct Send;
struct Claim;
struct Operation;
struct Next;
struct Piece;
struct Parts;
#[allow(non_snake_case)]
fn Ok() {}
#[allow(non_snake_case)]
fn Err() {}
#[allow(non_snake_case)]
fn Some() {}
const None: u8 = 0;
mod std {}
mod core {}
mod alloc {}

trait Everything: Sized {
    fn key(self, _: &str, _: &u8) {}
    fn rest(self) {}
    fn store(self) {}
    fn call(self) {}
    fn returns(self) {}
    fn claim(self) {}
    fn claim_blocking(self) {}
    fn claim_or_check(self) {}
    fn answer(self) {}
    fn run(self) {}
    fn run_blocking(self) {}
    fn mark(self) {}
    fn mark_blocking(self) {}
    fn settle(self) {}
    fn settle_blocking(self) {}
    fn stop(self) {}
    fn clone(self) {}
    fn error_text(self) {}
    fn error_codec(self) {}
    fn as_ref(self) {}
    fn call_in(self) {}
    fn scope(self) {}
    fn secret(self) {}
    fn key_format(self, _: &str) {}
    fn secret_key(self, _: &str, _: &u8) {}
    fn secret_rest(self, _: &str, _: &u8) {}
    fn text(self) {}
    fn hole(self) {}
    fn generic(self) {}
    fn constant(self) {}
    fn result(self) {}
    fn result_with(self) {}
    fn to_string(self) {}
    fn into(self) {}
}
impl<T> Everything for T {}

macro_rules! concat {
    ($($t:tt)*) => {
        compile_error!("the user's own")
    };
}
macro_rules! module_path {
    ($($t:tt)*) => {
        compile_error!("the user's own")
    };
}
macro_rules! line {
    ($($t:tt)*) => {
        compile_error!("the user's own")
    };
}

use ::core::result::Result::Ok as Yes;

fn never<R>(_: &Fault) -> ::idempotent::OnErr {
    ::idempotent::OnErr::Doubt
}

async fn look<R>(_world: &World, _n: u8, _of: R) -> Outcome<::core::option::Option<u8>> {
    Yes(::core::option::Option::None)
}

#[idempotent(key = n, skip(world, of), store = world.handle, check(look, after = "0s"), on_err = never::<R>)]
async fn asynchronous<R: ::core::clone::Clone>(world: &World, n: u8, of: R) -> Outcome<u8> {
    let _ = of;
    effect!(world.act(n));
    async { effect!(()) }.await;
    Yes(n)
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn synchronous(world: &World, mut n: u8, key: u8) -> Outcome<u8> {
    n += key;
    let claim = |by: u8| effect!(n + by);
    world.act(claim(0));
    Yes(claim(0))
}

#[idempotent(
    key = ("{n}:{of.id}", all, [key; 1]),
    scope = scope,
    secret(all, hole),
    skip(world, of),
    store = world.handle,
    check(look_in_scope, after = "0s"),
    on_err = release,
    map_err = Fault::Ours,
    crate = ::idempotent
)]
async fn in_scope<R: ::core::fmt::Display + ::serde::Serialize>(
    world: &World,
    scope: &R,
    n: u8,
    of: &Numbered,
    all: u8,
    key: u8,
    hole: u8,
) -> Outcome<u8> {
    effect!(world.act(hole));
    async { effect!(()) }.await;
    Yes(n + of.id + all + key + hole)
}

struct Numbered {
    id: u8,
}

async fn look_in_scope<R>(
    _: &World,
    _: &R,
    _: u8,
    _: &Numbered,
    _: u8,
    _: u8,
    _: u8,
) -> Outcome<::core::option::Option<u8>> {
    Yes(::core::option::Option::None)
}

#[idempotent(key = "{n}", scope = "here", secret(n), skip(world), store = world.handle, on_err = store, map_err = told)]
fn in_scope_sync(world: &World, n: u8) -> ::core::result::Result<u8, Told> {
    effect!(world.act(n));
    Yes(n)
}

fn told(error: ::idempotent::Error) -> Told {
    Told(::std::string::ToString::to_string(&error))
}

#[tokio::test]
async fn s81_shadowed_names_mean_the_same() {
    let world = World::new();
    once!(async world, asynchronous(&world, 1, "any"), 1);
    once!(world, synchronous(&world, 1, 2), 3);
    let of = Numbered { id: 2 };
    once!(async world, in_scope(&world, &'s', 1, &of, 3, 4, 5), 15);
    once!(world, in_scope_sync(&world, 1), 1);
}
