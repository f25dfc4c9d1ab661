//! Each call that met a failing store left the keeper one claim to give up, for as long as the store failed: a program
//! that went on calling through a long outage took ever more memory.

use idempotent::store::{Error as StoreError, ErrorKind};
use idempotent::testing::{Call, Fault};
use idempotent::{Error, idempotent};
use idempotent_tests::World;

#[idempotent(key = id, name = "regression.outage", skip(world), store = world.handle)]
fn act(world: &World, id: u32) -> Result<u32, Error> {
    world.ledger.act("acts");
    Ok(id)
}

/// Red when calls are still made while the keeper is swamped (`Keeper::is_swamped`), or when it does not recover.
#[test]
fn an_outage_costs_a_bounded_amount_of_memory() {
    let world = World::memory();
    let trouble = || Fault::Error(StoreError::new(ErrorKind::Refused, "out for long", "wait"));
    world.faults.on(Call::Claim.always(), trouble());
    world.faults.on(Call::Abandon.always(), trouble());
    let told = |id| act(&world, id).unwrap_err().to_string();
    let first = (0..20_000).find(|id| !told(*id).contains("out for long"));
    assert_eq!(first, Some(10_000), "the call that finds the keeper full");
    assert!(told(1).contains("too many ended attempts wait"), "{}", told(1));
    assert_eq!(world.faults.count(Call::Claim), 10_000, "and the store is not asked any more");
    world.faults.clear();
    world.drain();
    assert_eq!(act(&world, 7).unwrap(), 7);
    assert_eq!(world.ledger.count("acts"), 1);
}
