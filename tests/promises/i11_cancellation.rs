//! I11: a future that is dropped at any await point, and a panic anywhere, keep all other promises.

use std::thread;

use idempotent::{effect, idempotent};
use idempotent_tests::{World, on_every_store};

use crate::Trouble;
use crate::script::{Script, fresh, panics};

#[idempotent(key = id, name = "cancelled.plain", skip(world, script), store = world.handle)]
fn plain(world: &World, id: u32, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

/// Red when the keeper sleeps with its own lock held (keeper/mod.rs `sleep`): the next call then waits for ever.
fn the_keeper_outlives_a_storm_of_interrupted_calls(world: &World) {
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for id in 0..50 {
                    panics(|| plain(world, thread * 100 + id, Script::PANICS_BEFORE));
                    plain(world, thread * 100 + id, Script::WORKS).unwrap();
                }
            });
        }
    });
    world.drain();
    assert_eq!(world.ledger.lines().len(), 200);
}

on_every_store!(the_keeper_outlives_a_storm_of_interrupted_calls,);
