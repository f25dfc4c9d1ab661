//! How long results are kept, and that no wall clock makes anything run twice before that.

use std::sync::Arc;
use std::time::Duration;

use idempotent::testing::FakeClock;
use idempotent::{Error, How, effect, idempotent, observe};
use idempotent_tests::{Terms, World, on_every_store};

use crate::script::{Script, fresh};
use crate::{Trouble, how, refused};

#[idempotent(key = id, name = "time.kept", skip(world, script), store = world.handle, keep = "30d")]
fn kept(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    effect!(world.ledger.act(&id.to_string()));
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = id, name = "time.forever", skip(world), store = world.handle, keep = forever)]
fn forever(world: &World, id: u32) -> Result<usize, Error> {
    effect!(world.ledger.act(&id.to_string()));
    Ok(fresh())
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn on_a_clock(world: &World) -> (World, FakeClock) {
    let clock = FakeClock::new();
    (world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() }), clock)
}

/// Red when `expires_at` is not written at the settle, or not asked at the claim (protocol/decide.rs `status`).
fn s34_a_result_is_replayed_until_keep_ends_and_then_runs_again(world: &World) {
    let (world, clock) = on_a_clock(world);
    let first = kept(&world, 1, Script::WORKS).unwrap();
    clock.advance(DAY * 30 - Duration::from_secs(1));
    assert_eq!(kept(&world, 1, Script::WORKS).unwrap(), first);
    clock.advance(Duration::from_secs(1));
    let again = observe(|| kept(&world, 1, Script::WORKS));
    assert_eq!((how(&again), again.outcome.unwrap().attempt), (How::Executed, 1), "a new life");
    assert_ne!(again.result.unwrap(), first);
    assert_eq!(world.ledger.lines().len(), 2);
}

/// Red when doubt has an end, or sweeping takes it.
fn s34_doubt_never_expires(world: &World) {
    let (world, clock) = on_a_clock(world);
    assert_eq!(kept(&world, 1, Script::FAILS_AFTER).unwrap_err().code(), "own");
    clock.advance(DAY * 4000);
    assert_eq!(world.handle.sweep(100).wait().unwrap(), 0);
    assert_eq!(refused(kept(&world, 1, Script::WORKS)).code(), "in_doubt");
    assert_eq!(world.in_doubt().len(), 1);
    let first = forever(&world, 1).unwrap();
    clock.advance(DAY * 4000);
    assert_eq!(forever(&world, 1).unwrap(), first);
    assert_eq!(world.ledger.lines().len(), 2);
}

/// Red when a step of the wall clock frees a running or doubtful record.
fn s35_a_wall_clock_that_steps_runs_nothing_twice(world: &World) {
    let (world, clock) = on_a_clock(world);
    let first = kept(&world, 1, Script::WORKS).unwrap();
    kept(&world, 2, Script::FAILS_AFTER).unwrap_err();
    let now = idempotent::Clock::wall(&clock);
    for wall in [now + 3_600_000_000, now - 3_600_000_000, 0] {
        clock.set_wall(wall);
        assert_eq!(kept(&world, 1, Script::WORKS).unwrap(), first);
        assert_eq!(refused(kept(&world, 2, Script::WORKS)).code(), "in_doubt");
    }
    assert_eq!(world.ledger.lines(), ["1", "2"]);
}

/// Red when an expired record is not swept, or one that is not.
fn s36_expired_records_are_swept_and_no_others(world: &World) {
    let (world, clock) = on_a_clock(world);
    for id in 0..20 {
        kept(&world, id, Script::WORKS).unwrap();
        forever(&world, id).unwrap();
    }
    kept(&world, 99, Script::FAILS_AFTER).unwrap_err();
    clock.advance(DAY * 31);
    assert_eq!(world.handle.sweep(5).wait().unwrap(), 5);
    assert_eq!(world.handle.sweep(1000).wait().unwrap(), 15);
    assert_eq!(world.handle.sweep(1000).wait().unwrap(), 0);
    assert_eq!(world.handle.list(&idempotent::Filter::default()).wait().unwrap().len(), 21);
}

on_every_store!(
    s34_a_result_is_replayed_until_keep_ends_and_then_runs_again,
    s34_doubt_never_expires,
    s35_a_wall_clock_that_steps_runs_nothing_twice,
    s36_expired_records_are_swept_and_no_others,
);
