//! `effect!` wherever it may stand.
//!
//! Each test fails when the attribute does not tell the marker where it stands: it is a compile error then,
//! or the key is free after an error behind the mark, so that the body runs again.

use std::time::Duration;

use idempotent::{Error, effect, idempotent};

use crate::world::{Fault, World, once};

/// The call ended in an error behind its mark, so it is in doubt and does not run again.
macro_rules! doubt {
    ($world:expr, $call:expr) => {{
        let before = $world.runs();
        assert!(matches!($call, Err(Fault::Own(_))));
        assert!(matches!($call, Err(Fault::Ours(Error::InDoubt(_)))));
        assert_eq!($world.runs(), before + 1, "the body ran once");
    }};
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn timed(world: &World, n: i32) -> Result<i32, Fault> {
    let done = tokio::time::timeout(Duration::from_secs(3600), async {
        tokio::task::yield_now().await;
        effect!(world.act(n));
        if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
    });
    done.await.map_err(|_| Fault::own("late"))?
}

#[tokio::test]
async fn s66_effect_in_an_async_block_under_a_timeout() {
    let world = World::new();
    once!(async world, timed(&world, 1), 1);
    doubt!(world, timed(&world, -1).await);
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn in_closure(world: &World, n: i32) -> Result<i32, Fault> {
    let act = async |times: i32| {
        effect!(world.act(n));
        if n < 0 { Err(Fault::own("no answer")) } else { Ok(n * times) }
    };
    act(2).await
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn in_block_of_closure(world: &World, n: i32) -> Result<i32, Fault> {
    let act = |times: i32| async move {
        effect!(world.act(n));
        if n < 0 { Err(Fault::own("no answer")) } else { Ok(n * times) }
    };
    act(2).await
}

#[tokio::test]
async fn s66_effect_in_an_async_closure() {
    let world = World::new();
    once!(async world, in_closure(&world, 1), 2);
    doubt!(world, in_closure(&world, -1).await);
    once!(async world, in_block_of_closure(&world, 1), 2);
    doubt!(world, in_block_of_closure(&world, -1).await);
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn in_sync_closure(world: &World, n: i32) -> Result<i32, Fault> {
    let act = |times: i32| {
        effect!(world.act(n));
        if n < 0 { Err(Fault::own("no answer")) } else { Ok(n * times) }
    };
    let acts: Result<Vec<i32>, Fault> = [2].into_iter().map(act).collect();
    Ok(acts?[0])
}

#[test]
fn s66_effect_in_a_closure_of_a_synchronous_function() {
    let world = World::new();
    once!(world, in_sync_closure(&world, 1), 2);
    doubt!(world, in_sync_closure(&world, -1));
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn in_loop(world: &World, n: u8) -> Result<u8, Fault> {
    let mut count = 0;
    let found = loop {
        count += 1;
        if count < 3 {
            continue;
        }
        effect!(break count);
    };
    for step in 0..n {
        effect!({
            if step == 1 {
                break;
            }
            world.act(step)
        });
    }
    Ok(found)
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn in_loop_sync(world: &World, n: u8) -> Result<u8, Fault> {
    'outer: for step in 0..n {
        for inner in 0..n {
            effect!(if step == 1 {
                break 'outer;
            } else if inner == 1 {
                continue 'outer;
            });
        }
    }
    let value = match n {
        3 => effect!(
            return Ok({
                world.act(n);
                n
            })
        ),
        _ => 0,
    };
    Ok(value)
}

#[tokio::test]
async fn s66_effect_in_a_loop_with_break() {
    let world = World::new();
    once!(async world, in_loop(&world, 3), 3);
    once!(world, in_loop_sync(&world, 3), 3);
}

#[idempotent(key = n, skip(world), store = world.handle)]
#[tracing::instrument(skip_all)]
async fn instrument_below(world: &World, n: i32) -> Result<i32, Fault> {
    tokio::task::yield_now().await;
    effect!(world.act(n));
    if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
}

#[tracing::instrument(skip_all, err(Debug))]
#[idempotent(key = n, skip(world), store = world.handle)]
async fn instrument_above(world: &World, mut n: i32) -> Result<i32, Fault> {
    n += 1;
    tokio::task::yield_now().await;
    effect!(world.act(n));
    if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
}

#[idempotent(key = n, skip(world), store = world.handle)]
#[tracing::instrument(skip_all)]
fn instrument_below_sync(world: &World, n: i32) -> Result<i32, Fault> {
    effect!(world.act(n));
    if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
}

#[tracing::instrument(skip_all, err(Debug))]
#[idempotent(key = n, skip(world), store = world.handle)]
fn instrument_above_sync(world: &World, n: i32) -> Result<i32, Fault> {
    effect!(world.act(n));
    if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
}

#[tokio::test]
async fn s66_effect_under_tracing_instrument_above_and_below() {
    let world = World::new();
    once!(async world, instrument_below(&world, 1), 1);
    doubt!(world, instrument_below(&world, -1).await);
    once!(async world, instrument_above(&world, 1), 2);
    doubt!(world, instrument_above(&world, -9).await);
    once!(world, instrument_below_sync(&world, 1), 1);
    doubt!(world, instrument_below_sync(&world, -1));
    once!(world, instrument_above_sync(&world, 1), 1);
    doubt!(world, instrument_above_sync(&world, -1));
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn by_path(world: &World, n: i32) -> Result<i32, Fault> {
    let value = idempotent::effect!(n,) + 1;
    idempotent::effect! { world.act(n) };
    Ok(value)
}

#[tokio::test]
async fn effect_by_its_path_and_with_any_bracket() {
    let world = World::new();
    once!(async world, by_path(&world, 1), 2);
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn before_the_mark(world: &World, n: i32) -> Result<i32, Fault> {
    world.act(n);
    if world.runs() == 1 {
        return Err(Fault::own("the form did not open"));
    }
    effect!(());
    Ok(n)
}

// Fails when `.marker()` is not said, so that the effect begins with the claim.
#[tokio::test]
async fn an_error_before_the_mark_leaves_the_key_free() {
    let world = World::new();
    assert!(before_the_mark(&world, 1).await.is_err());
    assert_eq!(before_the_mark(&world, 1).await.unwrap(), 1);
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn without_a_mark(world: &World, n: i32) -> Result<i32, Fault> {
    // A variable of that name is no marker.
    let effect = n;
    if effect != (0) {
        world.act(n);
    }
    Err(Fault::own("no answer"))
}

// Fails when something that is no marker is taken for one.
#[test]
fn without_a_marker_the_effect_begins_with_the_claim() {
    let world = World::new();
    doubt!(world, without_a_mark(&world, 1));
}

#[idempotent(key = n, skip(world), store = world.handle)]
async fn renamed(world: &World, n: i32) -> Result<i32, Fault> {
    use idempotent::effect as mark;
    async { mark!(world.act(n)) }.await;
    if n < 0 { Err(Fault::own("no answer")) } else { Ok(n) }
}

#[idempotent(key = n, skip(world), store = world.handle)]
fn renamed_sync(world: &World, n: i32) -> Result<i32, Fault> {
    if n < 0 {
        use idempotent::{Handle, effect as r#do};
        let store: &Handle = &world.handle;
        r#do!(world.act(store.drain(Duration::ZERO).wait()));
        return Err(Fault::own("no answer"));
    }
    idempotent::effect!(world.act(n));
    Ok(n)
}

#[tokio::test]
async fn effect_under_a_name_that_the_body_gives_it() {
    let world = World::new();
    once!(async world, renamed(&world, 1), 1);
    doubt!(world, renamed(&world, -1).await);
    once!(world, renamed_sync(&world, 1), 1);
    doubt!(world, renamed_sync(&world, -1));
}
