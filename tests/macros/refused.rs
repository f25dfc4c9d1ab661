//! A mark that is refused, at each place where `effect!` may stand.
//!
//! Each test fails when the marker evaluates its expression all the same, or when the code behind it goes on: the
//! call has to end in the store's error, whatever the body makes of it.

use idempotent::store::ErrorKind;
use idempotent::testing::{Call, Fault as StoreFault, FaultyStore};
use idempotent::{Error, Handle, MemoryStore, effect, idempotent};

use crate::world::{Fault, World};

/// A world beside a store that refuses every mark.
fn refusing() -> (World, Handle) {
    let refused = idempotent::store::Error::new(ErrorKind::Refused, "no marks today", "none");
    let store = FaultyStore::new(MemoryStore::new()).on(Call::Mark.always(), StoreFault::Error(refused));
    (World::new(), Handle::new(store))
}

#[track_caller]
fn ends_in_the_stores_error(world: &World, result: &Result<u8, Fault>) {
    assert!(matches!(result, Err(Fault::Ours(Error::Store(_)))), "{result:?}");
    assert_eq!(world.runs(), 0, "nothing was done");
}

#[idempotent(key = n, skip(world, handle), store = handle)]
async fn in_the_body(world: &World, handle: &Handle, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    world.act("went on");
    Ok(n)
}

#[idempotent(key = n, skip(world, handle), store = handle)]
async fn in_a_block(world: &World, handle: &Handle, n: u8) -> Result<u8, Fault> {
    async {
        effect!(world.act(n));
        world.act("went on in the block");
    }
    .await;
    world.act("went on");
    Ok(n)
}

#[idempotent(key = n, skip(world, handle), store = handle)]
async fn in_an_async_closure(world: &World, handle: &Handle, n: u8) -> Result<u8, Fault> {
    let act = async || effect!(world.act(n));
    act().await;
    world.act("went on");
    Ok(n)
}

#[idempotent(key = n, skip(world, handle), store = handle)]
fn in_a_synchronous_body(world: &World, handle: &Handle, n: u8) -> Result<u8, Fault> {
    effect!(world.act(n));
    world.act("went on");
    Ok(n)
}

#[idempotent(key = n, skip(world, handle), store = handle)]
fn in_a_closure(world: &World, handle: &Handle, n: u8) -> Result<u8, Fault> {
    let act = || effect!(world.act(n));
    act();
    world.act("went on");
    Ok(n)
}

#[tokio::test]
async fn a_refused_mark_ends_an_async_call() {
    let (world, handle) = refusing();
    ends_in_the_stores_error(&world, &in_the_body(&world, &handle, 1).await);
    ends_in_the_stores_error(&world, &in_a_block(&world, &handle, 1).await);
    ends_in_the_stores_error(&world, &in_an_async_closure(&world, &handle, 1).await);
}

#[test]
fn a_refused_mark_ends_a_synchronous_call() {
    let (world, handle) = refusing();
    ends_in_the_stores_error(&world, &in_a_synchronous_body(&world, &handle, 1));
    ends_in_the_stores_error(&world, &in_a_closure(&world, &handle, 1));
}
