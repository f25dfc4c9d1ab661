//! I7: a scope is a part of the key, and a column of its own.

use idempotent::{Error, Filter, How, Operation, effect, idempotent, inspect, observe};
use idempotent_tests::{World, on_every_store};

use crate::script::{Script, fresh};
use crate::{Trouble, how, refused};

#[idempotent(key = order, scope = tenant, name = "scopes.ship", skip(world, script), store = world.handle)]
fn ship(world: &World, tenant: &str, order: u32, script: Script) -> Result<usize, Trouble> {
    effect!(world.ledger.act(tenant));
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = order, scope = tenant, name = "scopes.bill", skip(world), store = world.handle)]
fn bill(world: &World, tenant: &str, order: u32) -> Result<usize, Error> {
    effect!(world.ledger.act(tenant));
    Ok(fresh())
}

#[idempotent(key = order, name = "scopes.bare", skip(world), store = world.handle)]
fn bare(world: &World, order: u32) -> Result<usize, Error> {
    effect!(world.ledger.act("bare"));
    Ok(fresh())
}

fn of_scope(world: &World, scope: &str) -> usize {
    let filter = Filter { scope: Some(scope.into()), ..Filter::default() };
    world.handle.list(&filter).wait().unwrap().len()
}

/// Red when the scope is not a part of the key (key/build.rs), or the record does not carry it.
fn s03_two_scopes_and_two_operations_are_two_runs(world: &World) {
    let first = ship(world, "Graz", 1, Script::WORKS).unwrap();
    let second = ship(world, "Linz", 1, Script::WORKS).unwrap();
    let third = bill(world, "Graz", 1).unwrap();
    assert_eq!(world.ledger.lines(), ["Graz", "Linz", "Graz"]);
    assert_eq!(ship(world, "Graz", 1, Script::WORKS).unwrap(), first);
    assert_eq!(ship(world, "Linz", 1, Script::WORKS).unwrap(), second);
    assert_eq!(bill(world, "Graz", 1).unwrap(), third);
    assert_eq!([of_scope(world, "Graz"), of_scope(world, "Linz"), of_scope(world, "")], [2, 1, 0]);
}

/// Red when doubt in one scope stops another one, or an error does not say which scope it is about.
fn doubt_stays_in_its_scope(world: &World) {
    ship(world, "Graz", 1, Script::FAILS_AFTER).unwrap_err();
    assert!(ship(world, "Linz", 1, Script::WORKS).is_ok());
    let doubt = refused(ship(world, "Graz", 1, Script::WORKS));
    assert_eq!(doubt.code(), "in_doubt");
    assert!(doubt.to_string().contains("`scopes.ship` (order=1; scope `Graz`; key "), "{doubt}");
    let machines = serde_json::to_value(&doubt).unwrap();
    assert_eq!((&machines["scope"], &machines["call"]), (&"Graz".into(), &"order=1".into()));
    let entries = world.in_doubt();
    assert_eq!((entries.len(), &*entries[0].subject.scope), (1, "Graz"));
}

/// Red when an empty scope is another one than none: a caller without a tenant would run what another has done.
fn an_empty_scope_is_none(world: &World) {
    static BARE: Operation = Operation::new("scopes.by_hand");
    let call = |scoped: bool| {
        let parts = if scoped { BARE.call_in("") } else { BARE.call() };
        parts.key("order", &1).store(&world.handle).returns::<Result<usize, Error>>()
    };
    let run = |scoped: bool| observe(|| call(scoped).run_blocking(|_| Ok(fresh())));
    assert_eq!(how(&run(true)), How::Executed);
    assert_eq!(how(&run(false)), How::Replayed);
    bare(world, 1).unwrap();
    assert_eq!(of_scope(world, ""), 2);
    let key = inspect(|| bare(world, 1)).unwrap();
    assert_eq!(&*world.handle.show(&key).wait().unwrap().entry.unwrap().subject.scope, "");
}

/// Red when a scope is cut, or put into a statement as it is.
fn s71_a_scope_is_data(world: &World) {
    let long = "x".repeat(10_000);
    let longer = format!("{long}y");
    let scopes = [
        "it's \"quoted\"; DROP TABLE records; --",
        "100%_%s",
        "nul\0inside",
        "nul",
        " ",
        "日本 🦀\r\n",
        &long,
        &longer,
    ];
    for scope in scopes {
        let first = ship(world, scope, 1, Script::WORKS).unwrap();
        assert_eq!(ship(world, scope, 1, Script::WORKS).unwrap(), first, "{scope:.40}");
        assert_eq!(of_scope(world, scope), 1, "{scope:.40}");
        let entries = world.handle.list(&Filter::default()).wait().unwrap();
        assert!(entries.iter().any(|entry| &*entry.subject.scope == scope), "{scope:.40} came back changed");
    }
    ship(world, &long, 2, Script::FAILS_AFTER).unwrap_err();
    let doubt = refused(ship(world, &long, 2, Script::WORKS)).to_string();
    assert!(doubt.len() < 1_000, "a message of {} bytes", doubt.len());
    ship(world, "\u{1b}[31m\n", 2, Script::FAILS_AFTER).unwrap_err();
    let doubt = refused(ship(world, "\u{1b}[31m\n", 2, Script::WORKS)).to_string();
    assert!(!doubt.contains(char::is_control), "{doubt:?}");
}

on_every_store!(
    an_empty_scope_is_none,
    doubt_stays_in_its_scope,
    s03_two_scopes_and_two_operations_are_two_runs,
    s71_a_scope_is_data,
);
