//! Settings with many faults at once: no promise may break. `IDEMPOTENT_MODEL=large` makes each of them larger.
//!
//! Each fails, and prints the run, when `src/protocol` loses a rule that its callers can come to need.

use idempotent::protocol::Policy;

use crate::search::holds;
use crate::setting::{Program, Refused, Setting, Verb, check, rerun, stay};

/// Callers die, are dropped and retry, answers are lost; the larger ones also have requests that arrive at any
/// later time, and sweeps.
fn stormy(programs: &[Program]) -> Setting {
    Setting {
        crashes: true,
        lost: true,
        drops: true,
        refusals: true,
        copies: u8::from(large()),
        sweeps: u8::from(large()),
        frozen: false,
        flight: Some(1),
        ..Setting::of(programs)
    }
}

fn large() -> bool {
    std::env::var_os("IDEMPOTENT_MODEL").is_some_and(|size| size == "large")
}

fn clean(name: &str, settings: &[Setting]) {
    let states: usize = settings.iter().map(holds).sum();
    println!("{name}: {} settings, {states} states, clean", settings.len());
}

/// Every pair of versions of the code meets on one key.
#[test]
fn every_pair_of_versions() {
    let versions = [
        stay(),
        stay().unmarked(),
        stay().refused(Refused::Store),
        check(1),
        check(2).refused(Refused::Release),
        check(1).unmarked().refused(Refused::Store),
        check(0),
        check(1).first(),
        check(1).first().unmarked(),
        rerun(),
        rerun().unmarked().refused(Refused::Store),
    ];
    // What code without a quiet time has sent shows within that of the code that checks, or its author errs.
    let bound = |one: &Program, other: &Program| match (one.policy, other.policy) {
        (Policy::Check, _) => one.after,
        (_, Policy::Check) => other.after,
        _ => 1,
    };
    let pairs: Vec<_> = (0..versions.len())
        .flat_map(|one| (one..versions.len()).map(move |other| (one, other)))
        .map(|(one, other)| (&versions[one], &versions[other]))
        .map(|(one, other)| Setting { flight: Some(bound(one, other)), ..stormy(&[*one, *other]) })
        .collect();
    clean("every pair of versions", &pairs);
}

/// Without a policy, an attempt may be frozen for any time between its mark and its request.
#[test]
fn without_a_policy_however_long_an_attempt_is_frozen() {
    let frozen = |programs: &[Program]| Setting { frozen: true, flight: None, ..stormy(programs) };
    let settings = [
        frozen(&[stay(), stay().unmarked()]),
        Setting { renew: true, lease: 2, ..frozen(&[stay(), stay()]) },
    ];
    clean("without a policy", &settings);
}

/// While lock files stand, it may be frozen for any time under `check`, too.
#[test]
fn with_lock_files_however_long_an_attempt_is_frozen() {
    let locks = |lost, programs: &[Program]| Setting {
        locks: Some(lost),
        frozen: true,
        copies: 0,
        sweeps: 0,
        ..stormy(programs)
    };
    let mut settings = vec![
        locks(1, &[check(1), check(1)]),
        locks(1, &[check(1).unmarked(), check(1).unmarked()]),
        locks(1, &[check(1).first(), stay()]),
        locks(1, &[check(1).first().unmarked(), check(1).unmarked()]),
    ];
    if large() {
        settings.push(locks(1, &[check(1).unmarked(), check(1).unmarked(), check(1)]));
    }
    clean("with lock files", &settings);
}

/// Holders renew, and the lease is longer than a tick.
#[test]
fn renewals() {
    let renews = |programs: &[Program]| Setting { renew: true, lease: 2, ..stormy(programs) };
    clean("renewals", &[renews(&[check(1), check(2)]), renews(&[rerun(), check(1).first().unmarked()])]);
}

/// Endings expire or are forgotten, and lives of the key follow one another.
#[test]
fn lives_of_a_key() {
    let lives = |one: Program, other: Program| Setting {
        workers: vec![vec![one.expires(), one.expires()], vec![other.expires()]],
        sweeps: 1,
        copies: 0,
        drops: large(),
        ..stormy(&[])
    };
    let settings = [
        lives(check(1), rerun()),
        lives(stay().unmarked(), check(1)),
        Setting { operators: vec![vec![Verb::Forget]], ..lives(stay(), check(1)) },
    ];
    clean("lives of a key", &settings);
}

/// Operators look, think, and act on what they saw, while everything goes on.
#[test]
fn operators_among_callers() {
    let all = vec![Verb::Done, Verb::NotDone, Verb::Revoke, Verb::Forget];
    let one = |programs: &[Program]| Setting { operators: vec![all.clone()], ..stormy(programs) };
    let two = |programs: &[Program]| Setting {
        operators: vec![all.clone(), all.clone()],
        drops: large(),
        lost: large(),
        ..stormy(programs)
    };
    let settings = [
        one(&[stay(), stay().unmarked()]),
        one(&[check(1), check(1)]),
        one(&[check(1).unmarked(), rerun()]),
        two(&[stay(), check(1)]),
    ];
    clean("operators among callers", &settings);
}

/// Three callers.
#[test]
fn three_callers() {
    let calm = |programs: &[Program]| Setting {
        lost: large(),
        refusals: large(),
        copies: 0,
        sweeps: 0,
        ..stormy(programs)
    };
    let settings = [
        calm(&[check(1), check(1), check(1)]),
        calm(&[rerun(), check(1), rerun().refused(Refused::Store)]),
        calm(&[stay().unmarked(), check(2), check(1)]),
    ];
    clean("three callers", &settings);
}
