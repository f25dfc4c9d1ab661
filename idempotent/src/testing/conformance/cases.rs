//! The list of all cases: read by [`store_conformance!`](crate::store_conformance) and by the suite's own test.

/// Hands every case, with the capabilities that it needs, to the macro named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($then:ident $given:tt) => {
        $crate::$then! { $given
            i1_one_holder {
                i1_first_claim_runs []
                i1_second_claim_is_busy_and_says_with_whom []
                i1_retried_claim_gets_the_same_grant []
                i1_late_copy_of_an_ended_claim_is_stale []
                i1_eight_threads_one_run []
                i1_racing_claims_take_turns []
                i1_late_settle_is_fenced [kill]
                i1_late_mark_is_fenced [kill]
                i1_late_renew_and_proceed_are_fenced [kill]
                i1_revoked_holder_is_fenced []
                i1_fence_alone_is_not_enough []
                i1_token_alone_is_not_enough []
                i1_fences_grow_with_every_grant [kill]
                i1_fences_grow_with_an_operators_write []
                i1_fences_never_restart_after_a_sweep []
                i1_fences_never_restart_after_forget []
                i1_fences_never_restart_after_expiry []
                i1_doubt_policies_do_not_touch_a_live_holder []
            }
            i2_stable_result {
                i2_result_is_replayed []
                i2_failure_is_replayed []
                i2_json_comes_back_to_the_byte []
                i2_bytes_of_any_codec_come_back []
                i2_bytes_of_every_codec_name_come_back []
                i2_a_mebibyte_comes_back []
                i2_missing_value_is_not_an_empty_one []
                i2_later_endings_change_nothing []
                i2_expired_result_runs_again []
                i2_result_is_replayed_within_keep []
                i2_keep_ends_when_its_time_is_over [advance]
                i2_concurrent_settle_and_claims_agree []
                i2_concurrent_settles_leave_one_result []
                i2_operators_cannot_change_an_attempts_result []
            }
            i3_nothing_lost {
                i3_endings_survive_reopening [reopen]
                i3_marks_survive_reopening [reopen]
                i3_doubt_and_trail_survive_reopening [reopen]
                i3_fences_go_on_after_reopening [reopen]
                i3_moves_are_visible_to_all_who_opened_it [reopen]
            }
            i4_no_silent_second_run {
                i4_death_after_the_marker_is_doubt [kill]
                i4_death_without_a_marker_is_doubt [kill]
                i4_death_before_the_marker_runs_again [kill]
                i4_settled_doubt_stays []
                i4_rerun_runs_over_doubt_begun_under_it []
                i4_rerun_is_no_promise_about_older_attempts []
                i4_failure_over_doubt_is_doubt []
                i4_check_that_says_no_runs []
                i4_check_that_says_yes_is_recorded []
                i4_check_within_the_quiet_time_is_early []
                i4_the_longer_quiet_time_counts []
                i4_quiet_time_goes_on_over_several_checks []
                i4_quiet_time_ends [advance]
                i4_quiet_time_of_a_dead_holder_is_counted_from_its_end [kill]
                i4_checker_that_gives_up_leaves_doubt []
                i4_checker_that_dies_leaves_doubt [kill]
                i4_proceed_is_refused_once_marked []
                i4_late_truth_is_accepted [kill]
                i4_doubt_may_end_by_its_own_late_truth []
                i4_mark_is_in_the_record []
                i4_sweep_spares_doubt_holders_and_results [kill]
                i4_doubt_is_not_forgotten [kill]
                i4_doubt_does_not_expire [advance]
                i4_revoked_after_the_marker_is_doubt []
            }
            i4_first {
                i4_first_attempt_is_checked_first []
                i4_first_check_that_says_yes_is_recorded []
                i4_first_check_that_gives_up_leaves_no_doubt []
                i4_first_check_that_dies_leaves_no_doubt [kill]
                i4_first_does_not_shorten_the_quiet_time []
            }
            i5_nothing_stuck {
                i5_freed_key_runs_again []
                i5_abandoned_claim_frees_the_key []
                i5_requests_on_an_absent_key_leave_no_trace []
            }
            i5_lists {
                i5_list_shows_derived_doubt [kill]
                i5_list_shows_what_is_unfinished []
                i5_list_pages_in_key_order []
                i5_list_of_an_operation_shows_no_other []
                i5_list_of_a_scope_shows_no_other []
                i5_list_shows_what_is_running []
                i5_list_shows_what_began_before []
                i5_list_obeys_every_combination_of_conditions []
                i5_list_of_hundreds_leaves_out_none []
                i5_list_of_ten_thousand_leaves_out_none [many]
            }
            i5_operators {
                i5_operator_ends_doubt_as_done []
                i5_operator_ends_doubt_as_not_done [kill]
                i5_operator_with_an_old_fence_is_stale []
                i5_not_done_is_stale_once_the_attempt_has_marked [kill]
                i5_not_done_is_stale_once_the_check_has_said_no [kill]
                i5_operators_do_not_resolve_a_live_attempt []
                i5_forgotten_key_begins_anew []
                i5_racing_operators_lose_no_correction []
            }
            i5_sweeps {
                i5_sweep_removes_what_is_over [kill]
                i5_sweeps_beside_calls_take_nothing_from_them []
            }
            i5_trails {
                i5_ordinary_calls_leave_no_trail []
                i5_trail_tells_what_was_exceptional []
                i5_trail_outlives_the_record []
                i5_long_texts_come_back []
            }
            i5_waiting {
                i5_changed_wakes_when_the_attempt_ends [changed]
                i5_changed_completes_for_what_is_over [changed]
                i5_changed_completes_for_a_dead_holder [kill changed]
            }
            i6_other_payload {
                i6_other_payload_is_refused []
                i6_every_byte_of_the_fingerprint_counts []
                i6_wrong_payload_that_did_nothing_blocks_nobody [kill]
            }
            i7_isolation {
                i7_keys_that_differ_in_one_bit_are_apart []
                i7_keys_may_hold_any_bytes []
                i7_interleaved_keys_keep_their_own_results []
                i7_operators_act_on_one_key []
                i7_names_are_data []
                i7_names_that_look_alike_are_apart []
            }
            i8_unreadable_is_not_absent {
                i8_spoiled_record_does_not_run [corrupt]
                i8_spoiled_record_is_not_written_over [corrupt]
                i8_spoiled_record_is_listed_as_doubt [corrupt]
                i8_spoiled_record_is_not_swept [corrupt]
                i8_spoiled_record_harms_no_other [corrupt]
            }
            i10_the_stores_time {
                i10_fresh_claim_is_alive []
                i10_holder_lives_as_long_as_the_store_says [advance]
                i10_renewal_prolongs_the_claim [advance]
                i10_mark_prolongs_the_claim [advance]
                i10_lapsed_holder_that_nobody_took_over_goes_on [advance]
            }
            i10_wall_clock {
                i10_wall_clock_ends_no_lease [wall]
                i10_wall_clock_keeps_no_dead_holder_alive [wall kill]
                i10_wall_clock_ends_no_quiet_time [wall]
                i10_wall_clock_turns_no_fence_back [wall]
                i10_wall_clock_does_not_turn_the_trail_round [wall]
            }
            i11_cancellation {
                i11_dropped_claim_can_be_retried []
                i11_dropped_claim_can_be_abandoned []
                i11_dropped_mark_can_be_retried []
                i11_dropped_settle_is_whole_or_not_there []
                i11_future_moves_between_threads []
                i11_retried_settle_is_settled []
                i11_retried_moves_of_a_holder_are_accepted []
                i11_note_moves_nothing []
            }
        }
    };
}

/// Makes the list of [`Case`](super::Case)s of it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    (() $($promise:ident { $($case:ident [$($need:ident)*])* })*) => {
        &[$($($crate::testing::conformance::Case {
            name: stringify!($case),
            needs: &[$(stringify!($need)),*],
            run: |bench| $promise::$case(bench),
        }),*),*]
    };
}
