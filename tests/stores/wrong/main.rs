//! The suite tests itself: each deliberately wrong store fails in the cases that are meant for it, and each case
//! fails on at least one of them.
//!
//! Red when a case of the suite checks less than its sentence says: take an assertion out of a case, and the
//! wrong store that only this assertion notices passes.

mod engines;
mod faults;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use faults::{ALL, Wrong};
use idempotent::testing::Bench;
use idempotent::testing::conformance::{self, Case, cases};

/// A case on a wrong store may wait for something that never comes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the store that is wrong in this way is turned red by the case.
fn fails(case: &Case, wrong: Wrong) -> bool {
    let run = || case.run(PATIENCE, move || store::bench(Some(wrong)));
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// The same store with nothing wrong passes every case, so that what turns a case red is the fault alone.
#[test]
fn the_store_without_a_fault_passes() {
    for case in cases() {
        case.run(Duration::from_secs(60), || store::bench(None));
    }
}

/// Each wrong store is caught by the cases meant for it. (Two of the faults are races, which a case meets with
/// near certainty only.)
#[test]
fn each_wrong_store_fails_in_the_cases_meant_for_it() {
    let by_name: BTreeMap<_, _> = cases().iter().map(|case| (case.name(), case)).collect();
    let mut passed = Vec::new();
    for (wrong, meant) in ALL {
        for name in *meant {
            let case = by_name.get(name).unwrap_or_else(|| panic!("there is no case {name}"));
            if !fails(case, *wrong) {
                passed.push(format!("{wrong:?} passes {name}"));
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

/// The adapter passes every case on an engine that is right, so that what turns a case red is the engine.
#[test]
fn the_adapter_on_an_engine_without_a_fault_passes() {
    // Its one clock is the engine's.
    for case in cases().iter().filter(|case| !case.needs().contains(&"wall")) {
        case.run(Duration::from_secs(60), || engines::bench(None));
    }
}

/// Each wrong engine under the adapter is caught by the cases meant for it.
#[test]
fn each_wrong_engine_fails_in_the_cases_meant_for_it() {
    let mut passed = Vec::new();
    for (wrong, meant) in engines::ALL {
        for name in *meant {
            let case = cases().iter().find(|case| case.name() == *name);
            let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
            let run = || case.run(PATIENCE, move || engines::bench(Some(*wrong)));
            if catch_unwind(AssertUnwindSafe(run)).is_ok() {
                passed.push(format!("{wrong:?} passes {name}"));
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

/// Every case is meant for at least one wrong store.
#[test]
fn each_case_has_a_store_that_it_catches() {
    let meant: BTreeSet<_> = ALL.iter().flat_map(|(_, meant)| *meant).copied().collect();
    let without: Vec<_> = cases().iter().map(Case::name).filter(|name| !meant.contains(name)).collect();
    assert!(without.is_empty(), "{} of {} catch nothing: {without:#?}", without.len(), cases().len());
}

/// A capability that is declared as lacking, and is there, hides cases. Red when nobody looks.
#[test]
fn what_is_there_may_not_be_declared_as_lacking() {
    for (declared, told) in [
        (&[("advance", "why")][..], "`advance`, which is offered"),
        (&[("changed", "why")], "`changed`, which is offered"),
        (&[("kill", "why")], "`kill`, which is offered"),
        (&[("wall", " ")], "no reason for `wall`"),
    ] {
        let seen = catch_unwind(AssertUnwindSafe(|| conformance::lacks(&store::bench(None), declared)));
        let panic = seen.expect_err("it is not seen");
        let text = panic.downcast_ref::<String>().expect("a text");
        assert!(text.contains(told), "{text}");
    }
    let bare = Bench::new(idempotent::MemoryStore::new());
    conformance::lacks(&bare, &[("reopen", "a"), ("advance", "b"), ("wall", "c"), ("corrupt", "d")]);
}
