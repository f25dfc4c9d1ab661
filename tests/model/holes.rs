//! One test for each rule that the protocol needs: without it, the promise named is broken; with it, none is.
//!
//! Each fails when `src/protocol` loses the rule (the run is then bad with the switch left alone), and when its setting
//! is too small to need the rule.

use crate::promises::{
    BUSY_ON_ITSELF, CHANGED, DOUBT_LOST, HIDDEN, LATE_HOLDER, LOST_OWN, NEEDLESS, NOT_KEPT, NOTHING_DONE,
    STUCK, TWICE, UNSEEN,
};
use crate::search::needs;
use crate::setting::{Refused, Rule, Setting, Verb, check, rerun, stay};

#[test]
fn h01_a_claims_retry_is_known_by_its_token() {
    let setting = Setting { lost: true, ..Setting::of(&[stay()]) };
    needs(&setting, Rule::ClaimRetryByToken, BUSY_ON_ITSELF);
}

#[test]
fn h02_a_settle_is_accepted_again() {
    let setting = Setting { lost: true, ..Setting::of(&[stay()]) };
    needs(&setting, Rule::SettleAgainAfterDone, LOST_OWN);
}

#[test]
fn h03_the_token_stands_beside_the_fence() {
    let setting =
        Setting { fences_restart: true, sweeps: 1, copies: 1, drops: true, ..Setting::of(&[stay(), stay()]) };
    needs(&setting, Rule::TokenBesideFence, LATE_HOLDER);
}

#[test]
fn h04_the_fence_stands_beside_the_token() {
    let setting = Setting { copies: 1, drops: true, ..Setting::of(&[stay(), stay()]) };
    needs(&setting, Rule::FenceBesideToken, LATE_HOLDER);
}

#[test]
fn h05_effect_is_the_attempts_not_the_callers() {
    let setting = Setting::of(&[stay().unmarked(), stay()]);
    needs(&setting, Rule::EffectAtClaim, TWICE);
}

#[test]
fn h06_a_checker_that_dies_leaves_the_doubt() {
    let setting = Setting { crashes: true, frozen: false, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::Prior, DOUBT_LOST);
}

#[test]
fn h07_a_checker_that_gives_up_leaves_the_doubt() {
    let setting = Setting { drops: true, locks: Some(0), ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::Prior, DOUBT_LOST);
}

#[test]
fn h08_proceed_is_a_durable_move() {
    let unmarked = check(1).unmarked();
    let setting = Setting { frozen: false, ..Setting::of(&[unmarked, unmarked, unmarked]) };
    needs(&setting, Rule::DurableProceed, TWICE);
}

#[test]
fn h09_proceed_is_refused_once_marked() {
    let setting = Setting { copies: 1, frozen: false, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::ProceedRefusedOnceMarked, DOUBT_LOST);
}

#[test]
fn h10_doubt_never_overwrites_done() {
    let setting = Setting { drops: true, careless_drop: true, ..Setting::of(&[stay()]) };
    needs(&setting, Rule::DoubtNeverOverwritesDone, CHANGED);
}

#[test]
fn h11_operators_carry_the_fence_they_saw() {
    let setting = Setting { operators: vec![vec![Verb::NotDone]], ..Setting::of(&[stay(), stay()]) };
    needs(&setting, Rule::OperatorsCarryTheFence, TWICE);
}

/// The fence alone is not enough for "not done": an attempt that had lapsed can go on under it.
#[test]
fn h11_operators_carry_what_they_saw_of_the_effect() {
    let setting = Setting { operators: vec![vec![Verb::NotDone]], ..Setting::of(&[stay(), stay()]) };
    needs(&setting, Rule::OperatorsCarryTheDoubt, TWICE);
}

#[test]
fn h12_operators_clear_the_owner() {
    let setting = Setting { operators: vec![vec![Verb::Done]], ..Setting::of(&[stay()]) };
    needs(&setting, Rule::OperatorsClearTheOwner, NOT_KEPT);
}

#[test]
fn h13_did_not_happen_is_believed_only_after_the_quiet_time() {
    let setting = Setting { frozen: false, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::NoneOnlyAfterQuiet, TWICE);
}

#[test]
fn h14_did_not_happen_is_believed_only_if_asked_after_the_quiet_time() {
    let setting = Setting { frozen: false, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::NoneAskedAfterQuiet, TWICE);
}

#[test]
fn h15_quiet_time_counts_from_the_end_of_the_lease() {
    let setting = Setting { frozen: false, lease: 2, ..Setting::of(&[check(2), check(2)]) };
    needs(&setting, Rule::QuietFromLeaseEnd, TWICE);
}

#[test]
fn h16_each_claim_takes_a_fresh_token() {
    let setting =
        Setting { workers: vec![vec![stay(), stay()]], lost: true, drops: true, ..Setting::of(&[]) };
    needs(&setting, Rule::FreshTokenPerClaim, LATE_HOLDER);
}

#[test]
fn h17_a_sweep_spares_what_is_in_doubt() {
    let setting = Setting { sweeps: 1, ..Setting::of(&[stay(), stay()]) };
    needs(&setting, Rule::SweepSparesDoubt, TWICE);
}

#[test]
fn h18_a_wrong_payload_blocks_nobody() {
    let setting = Setting::of(&[stay().payload(2), stay()]);
    needs(&setting, Rule::LapsedCleanBeforeKeyReused, STUCK);
}

#[test]
fn h19_a_late_copy_of_an_ended_claim_is_stale() {
    let setting = Setting { copies: 1, no_needless_doubt: true, ..Setting::of(&[stay().unmarked()]) };
    needs(&setting, Rule::StaleForLateCopies, NEEDLESS);
}

#[test]
fn h20_failed_never_hides_an_earlier_attempt() {
    let setting = Setting { refusals: true, ..Setting::of(&[rerun(), rerun().refused(Refused::Store)]) };
    needs(&setting, Rule::FailedWithPriorIsDoubt, HIDDEN);
}

#[test]
fn h21_a_failed_mark_latches() {
    let setting = Setting { lost: true, ..Setting::of(&[stay()]) };
    needs(&setting, Rule::Latch, NOTHING_DONE);
}

#[test]
fn h22_rerun_is_a_promise_about_the_attempts_in_doubt() {
    let setting = Setting::of(&[stay(), rerun()]);
    needs(&setting, Rule::RerunIsTheAttempts, TWICE);
}

#[test]
fn h22_proceed_ends_the_promise_of_rerun() {
    let setting = Setting { frozen: false, flight: Some(1), ..Setting::of(&[rerun(), check(1), rerun()]) };
    needs(&setting, Rule::ProceedClearsRerun, TWICE);
}

#[test]
fn h23_the_longer_quiet_time_counts() {
    let setting = Setting { frozen: false, ..Setting::of(&[check(2), check(1)]) };
    needs(&setting, Rule::LongerAfterCounts, TWICE);
}

#[test]
fn h24_a_late_word_counts_only_if_it_is_done() {
    let refused = rerun().refused(Refused::Store);
    let setting = Setting { refusals: true, ..Setting::of(&[rerun(), refused, rerun()]) };
    needs(&setting, Rule::LateForDoneOnly, HIDDEN);
}

#[test]
fn h25_operators_take_the_next_fence() {
    let operators = vec![vec![Verb::Done], vec![Verb::Done]];
    let setting = Setting { operators, ..Setting::of(&[stay()]) };
    needs(&setting, Rule::OperatorsTakeTheNextFence, UNSEEN);
}

/// The proviso of `check`, and the two rules that keep a working attempt within it.
#[test]
fn proviso_an_attempt_is_not_frozen_beyond_its_lease() {
    let setting = Setting { frozen: false, ..Setting::of(&[check(2), check(1)]) };
    needs(&setting, Rule::FreezeEndsWithTheLease, TWICE);
}

#[test]
fn proviso_a_marks_late_answer_does_not_count() {
    let setting = Setting { frozen: false, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::LateAnswerOfAMark, TWICE);
}

#[test]
fn proviso_a_late_answer_to_proceed_does_not_count_without_a_marker() {
    let unmarked = check(1).unmarked();
    let setting = Setting { frozen: false, ..Setting::of(&[unmarked, unmarked, unmarked]) };
    needs(&setting, Rule::LateAnswerOfAProceed, TWICE);
}

#[test]
fn h26_a_mark_looks_at_its_lock_file() {
    let setting = Setting { locks: Some(1), crashes: true, ..Setting::of(&[check(1), check(1)]) };
    needs(&setting, Rule::MarkLooksAtTheLockFile, TWICE);
}

/// Without a marker, proceed is what lets the attempt act.
#[test]
fn h26_proceed_looks_at_its_lock_file() {
    let unmarked = check(1).unmarked();
    let setting = Setting { locks: Some(1), ..Setting::of(&[unmarked, unmarked, unmarked]) };
    needs(&setting, Rule::ProceedLooksAtTheLockFile, TWICE);
}

/// A first check may take longer than the lease, and without a marker nothing else stands between it and the effect.
#[test]
fn a_first_did_not_happen_is_durable_without_a_marker() {
    let unmarked = check(1).unmarked();
    let setting = Setting { frozen: false, ..Setting::of(&[unmarked.first(), unmarked]) };
    needs(&setting, Rule::FirstNoneIsDurableWithoutAMarker, TWICE);
}

/// Where processes are seen live, a first check may outlast its lock file.
#[test]
fn a_first_did_not_happen_looks_at_its_lock_file_without_a_marker() {
    let unmarked = check(1).unmarked();
    let setting = Setting { locks: Some(1), ..Setting::of(&[unmarked.first(), unmarked]) };
    needs(&setting, Rule::FirstNoneIsDurableWithoutAMarker, TWICE);
}
