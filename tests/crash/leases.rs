//! The same pauses in a store where the lease decides who is alive: there a paused holder is taken over.
//!
//! Two handles on one store stand for two machines; the holder's way to the store is held at a gate, and the
//! store's clock goes past its lease.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use idempotent::testing::{Call, FakeClock, Fault, FaultyStore, Gate, When};
use idempotent::{Error, Filter, Handle, MemoryStore, effect, idempotent};
use idempotent_tests::Ledger;
use idempotent_tests::robot::Portal;

struct Machine {
    handle: Handle,
    portal: Portal,
}

impl AsRef<Handle> for Machine {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

#[idempotent(key = job, name = "leases.marked", skip(machine), store = machine)]
fn marked(machine: &Machine, job: &str) -> Result<String, Error> {
    Ok(effect!(machine.portal.book(job)))
}

fn find(machine: &Machine, job: &str) -> Result<Option<String>, Error> {
    Ok(machine.portal.bookings(job).pop())
}

#[idempotent(key = job, name = "leases.checked", skip(machine), store = machine, check(find, after = "0s"))]
fn checked(machine: &Machine, job: &str) -> Result<String, Error> {
    Ok(machine.portal.book(job))
}

/// What came of it when one machine's call was paused past its lease and another made it meanwhile.
struct Paused {
    late: Result<String, Error>,
    other: String,
    bookings: Vec<String>,
    /// What the trail says, and why.
    trail: Vec<(String, String)>,
}

/// Pauses a call at `when`.
fn paused(when: When, call: fn(&Machine, &str) -> Result<String, Error>) -> Paused {
    let folder = tempfile::tempdir().unwrap();
    let portal = Portal(Ledger::at(folder.path().join("ledger")));
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let gate = Gate::new();
    let held = FaultyStore::new(Arc::clone(&store)).on(when, Fault::HoldRequest(gate.clone()));
    let holder = Machine { handle: Handle::new(held), portal: portal.clone() };
    let machine = Machine { handle: Handle::new(store), portal };
    let (late, other) = thread::scope(|scope| {
        let late = scope.spawn(|| call(&holder, "a"));
        gate.reached_blocking(1);
        clock.advance(Duration::from_secs(16));
        let other = call(&machine, "a").unwrap();
        gate.open();
        (late.join().unwrap(), other)
    });
    assert_eq!(call(&machine, "a").unwrap(), other, "the stored result has changed");
    assert_eq!(call(&holder, "a").unwrap(), other, "the two machines see different results");
    let key = machine.handle.list(&Filter::default()).wait().unwrap()[0].subject.key;
    let trail = machine.handle.show(&key).wait().unwrap().trail;
    let trail =
        trail.iter().map(|line| (line.what.to_string(), line.why.as_deref().unwrap_or_default().to_owned()));
    Paused { late, other, bookings: machine.portal.bookings("a"), trail: trail.collect() }
}

/// Red when `protocol/holder.rs` accepts a mark from whoever is not the holder, or `protocol/decide.rs` calls a
/// record live whose lease is over.
#[test]
fn s55_a_holder_paused_before_its_marker_is_refused_there() {
    let Paused { late, other, bookings, trail } = paused(Call::Mark.nth(1), marked);
    match late {
        Err(Error::LeaseLost(lost)) => assert!(!lost.effect_begun),
        late => panic!("{late:?}"),
    }
    assert_eq!(bookings, [other]);
    assert_eq!(trail[0].0, "taken_over", "{trail:?}");
}

/// Red when `protocol/holder.rs` accepts the settle of whoever is neither owner nor `late`, or when
/// `operation/claim.rs` sends no note after a fenced settle.
#[test]
fn s17_a_holder_paused_before_its_settle_leaves_evidence() {
    let Paused { late, other, bookings, trail } = paused(Call::Settle.nth(1), checked);
    match late {
        Err(Error::LeaseLost(lost)) => {
            assert!(lost.effect_begun);
            assert!(lost.unrecorded.is_some_and(|value| value.contains(&other)));
        }
        late => panic!("{late:?}"),
    }
    assert_eq!(bookings, [other.as_str()], "the other asked the portal and did not book again");
    let evidence: Vec<_> = trail.iter().filter(|(what, _)| what == "late_evidence").collect();
    assert_eq!(evidence.len(), 1, "{trail:?}");
    assert!(evidence[0].1.contains(&other), "{trail:?}");
}
