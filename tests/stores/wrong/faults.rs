//! The ways in which a store of these tests can be wrong about a move.

use std::sync::Arc;

use idempotent::protocol::{
    Answer, Claim, Context, Decision, Event, Fence, Held, Liveness, Policy, Record, Request, Resolution,
    Seen, State, Token, Value, Write,
};

macro_rules! wrong {
    ($($(#[$doc:meta])* $name:ident => $($case:ident),+;)*) => {
        /// What is wrong with a store.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Wrong {
            $($(#[$doc])* $name,)*
        }

        /// Every wrong store, with the cases that are meant for it.
        pub(crate) const ALL: &[(Wrong, &[&str])] = &[$((Wrong::$name, &[$(stringify!($case)),+])),*];
    };
}

wrong! {
    // What it loses.
    LosesSettle => i2_result_is_replayed, i2_concurrent_settle_and_claims_agree;
    LosesFree => i1_racing_claims_take_turns, i5_freed_key_runs_again;
    LosesMark => i4_mark_is_in_the_record, i4_death_after_the_marker_is_doubt;
    LosesProceed => i4_check_that_says_no_runs;
    LosesRenewal => i10_renewal_prolongs_the_claim;
    LosesAbandon => i5_abandoned_claim_frees_the_key, i11_dropped_claim_can_be_abandoned;
    LosesRevocation => i1_revoked_holder_is_fenced;
    LosesNotDone => i5_operator_ends_doubt_as_not_done;
    LosesPrior => i4_rerun_runs_over_doubt_begun_under_it, i4_checker_that_dies_leaves_doubt;
    LosesLate => i4_late_truth_is_accepted;
    LosesLastError => i4_settled_doubt_stays;
    LosesGeneration => i4_death_before_the_marker_runs_again;
    LosesAttempt => i1_racing_claims_take_turns;
    LosesOperatorsName => i5_operator_ends_doubt_as_done;
    LosesOwnerAtTheEnd => i11_retried_settle_is_settled, i2_later_endings_change_nothing;
    LosesFailure => i2_failure_is_replayed;
    // Whom it lets act.
    LetsTwoThrough => i1_eight_threads_one_run, i5_racing_operators_lose_no_correction;
    LetsTheDeadAct => i1_late_settle_is_fenced, i1_late_mark_is_fenced, i1_late_renew_and_proceed_are_fenced;
    IgnoresFence => i1_token_alone_is_not_enough;
    IgnoresToken => i1_fence_alone_is_not_enough;
    IgnoresOperatorsFence => i5_operator_with_an_old_fence_is_stale;
    IgnoresFingerprint => i6_other_payload_is_refused;
    IgnoresHalfOfTheFingerprint => i6_every_byte_of_the_fingerprint_counts;
    IgnoresTokenOfAbandon => i5_abandoned_claim_frees_the_key;
    ForgetsRetries => i1_retried_claim_gets_the_same_grant, i11_dropped_claim_can_be_retried;
    RevivesLateCopies => i1_late_copy_of_an_ended_claim_is_stale;
    KeepsPayloadOfTheFreed => i6_wrong_payload_that_did_nothing_blocks_nobody;
    RefusesRetriedMoves => i11_retried_moves_of_a_holder_are_accepted;
    LastSettleWins => i2_later_endings_change_nothing, i2_concurrent_settles_leave_one_result;
    IgnoresWhatOperatorsSaw => i5_not_done_is_stale_once_the_attempt_has_marked,
        i5_not_done_is_stale_once_the_check_has_said_no;
    LetsOperatorsChangeResults => i2_operators_cannot_change_an_attempts_result;
    LetsOperatorsTakeTheLiving => i5_operators_do_not_resolve_a_live_attempt;
    LetsPoliciesTakeTheLiving => i1_doubt_policies_do_not_touch_a_live_holder;
    ForgetsDoubt => i4_doubt_is_not_forgotten;
    KeepsForgotten => i5_forgotten_key_begins_anew;
    NotesMove => i11_note_moves_nothing;
    // What it takes for doubt.
    RevokesMarkedAsFree => i4_revoked_after_the_marker_is_doubt;
    FailsOverDoubt => i4_failure_over_doubt_is_doubt;
    GivesUpDoubt => i4_checker_that_gives_up_leaves_doubt, i4_quiet_time_goes_on_over_several_checks;
    TrustsMarkersOfAll => i4_death_without_a_marker_is_doubt;
    DoubtsTheUnmarked => i4_death_before_the_marker_runs_again;
    RerunsAll => i4_rerun_is_no_promise_about_older_attempts;
    ProceedsOverMarks => i4_proceed_is_refused_once_marked;
    RefusesLateTruth => i4_doubt_may_end_by_its_own_late_truth, i4_check_that_says_yes_is_recorded;
    DoubtExpires => i4_doubt_does_not_expire;
    IgnoresFirst => i4_first_attempt_is_checked_first, i4_first_check_that_says_yes_is_recorded,
        i4_first_check_that_gives_up_leaves_no_doubt;
    RunsTheRetryOfAFirstCheck => i4_first_attempt_is_checked_first;
    DoubtsTheFirstCheck => i4_first_check_that_dies_leaves_no_doubt;
    // What time it is.
    IgnoresQuietTime => i4_check_within_the_quiet_time_is_early, i4_quiet_time_ends;
    ShortensQuietTime => i4_the_longer_quiet_time_counts, i4_first_does_not_shorten_the_quiet_time;
    QuietTimeStartsAnew => i4_quiet_time_goes_on_over_several_checks;
    QuietTimeFromTheMark => i4_quiet_time_of_a_dead_holder_is_counted_from_its_end;
    LeaseNeverEnds => i10_holder_lives_as_long_as_the_store_says;
    LeaseEndsAtOnce => i10_fresh_claim_is_alive, i1_first_claim_runs, i1_second_claim_is_busy_and_says_with_whom;
    MarkRenewsNothing => i10_mark_prolongs_the_claim;
    RefusesTheLapsed => i10_lapsed_holder_that_nobody_took_over_goes_on;
    LeasesOnTheWallClock => i10_wall_clock_ends_no_lease, i10_wall_clock_keeps_no_dead_holder_alive,
        i10_wall_clock_ends_no_quiet_time;
    KeepsForEver => i2_expired_result_runs_again, i2_result_is_replayed_within_keep;
    KeepsTooShort => i2_result_is_replayed_within_keep, i2_keep_ends_when_its_time_is_over;
    BusyNamesNobody => i1_second_claim_is_busy_and_says_with_whom;
    // Fences.
    FenceStands => i1_fences_grow_with_every_grant;
    FenceStandsForOperators => i1_fences_grow_with_an_operators_write;
    FenceRestarts => i1_fences_never_restart_after_a_sweep, i1_fences_never_restart_after_forget;
    FenceRestartsAtExpiry => i1_fences_never_restart_after_expiry;
    FenceRestartsWhenReopened => i3_fences_go_on_after_reopening;
    FencesFromTheWallClock => i10_wall_clock_turns_no_fence_back;
    // Values, names, keys.
    CutsValues => i2_a_mebibyte_comes_back;
    TidiesJson => i2_json_comes_back_to_the_byte;
    TakesBytesForText => i2_bytes_of_any_codec_come_back;
    LosesCodec => i2_bytes_of_any_codec_come_back;
    TidiesCodecNames => i2_bytes_of_every_codec_name_come_back;
    MissingIsEmpty => i2_missing_value_is_not_an_empty_one;
    CutsNames => i7_names_are_data;
    CutsTexts => i5_long_texts_come_back;
    CutsReasons => i5_long_texts_come_back;
    TakesNamesForAlike => i7_names_that_look_alike_are_apart;
    MixesNearKeys => i7_keys_that_differ_in_one_bit_are_apart;
    MixesKeysAtNul => i7_keys_may_hold_any_bytes;
    MixesSettles => i7_interleaved_keys_keep_their_own_results;
    ForgetsNeighbours => i7_operators_act_on_one_key;
    // Lists, sweeps, trails, waiting.
    ListsStoredState => i5_list_shows_derived_doubt;
    ListsNothingFree => i5_list_shows_what_is_unfinished;
    ListsWithoutOrder => i5_list_pages_in_key_order;
    ListsAllOperations => i5_list_of_an_operation_shows_no_other;
    ListsAllScopes => i5_list_of_a_scope_shows_no_other;
    ListsWhatIsYoung => i5_list_shows_what_began_before;
    ListsNothingRunning => i5_list_shows_what_is_running;
    ListsOneConditionOfTwo => i5_list_obeys_every_combination_of_conditions;
    CountsBeforeItLooks => i5_list_obeys_every_combination_of_conditions;
    ListsTwoHundred => i5_list_of_hundreds_leaves_out_none;
    ListsAThousand => i5_list_of_ten_thousand_leaves_out_none;
    SweepsByAnOldLook => i5_sweeps_beside_calls_take_nothing_from_them;
    SweepsDoubt => i4_sweep_spares_doubt_holders_and_results;
    SweepsNothing => i5_sweep_removes_what_is_over;
    LeavesATrace => i5_requests_on_an_absent_key_leave_no_trace;
    WritesEveryTrail => i5_ordinary_calls_leave_no_trail;
    WritesNoTrail => i5_trail_tells_what_was_exceptional;
    TrailByTheWallClock => i10_wall_clock_does_not_turn_the_trail_round;
    TrailDiesWithTheRecord => i5_trail_outlives_the_record;
    NeverWakes => i5_changed_wakes_when_the_attempt_ends;
    WaitsForWhatIsOver => i5_changed_completes_for_what_is_over;
    WaitsForTheDead => i5_changed_completes_for_a_dead_holder;
    // What it keeps when it is opened again, and how it fails.
    ForgetsWhenReopened => i3_endings_survive_reopening;
    ForgetsMarksWhenReopened => i3_marks_survive_reopening;
    ForgetsTrailsWhenReopened => i3_doubt_and_trail_survive_reopening;
    WritesLater => i3_moves_are_visible_to_all_who_opened_it;
    SpoiledIsAbsent => i8_spoiled_record_does_not_run, i8_spoiled_record_harms_no_other;
    SpoiledIsWrittenOver => i8_spoiled_record_is_not_written_over;
    SpoiledIsHidden => i8_spoiled_record_is_listed_as_doubt;
    SpoiledIsSwept => i8_spoiled_record_is_not_swept;
    HalfAClaim => i11_dropped_claim_can_be_retried, i11_dropped_claim_can_be_abandoned;
    HalfAMark => i11_dropped_mark_can_be_retried;
    HalfASettle => i11_dropped_settle_is_whole_or_not_there;
    SticksToItsThread => i11_future_moves_between_threads;
    RunsASecondTime => i2_result_is_replayed;
}

/// Twists what comes in: the request, the record found and what the store knows.
pub(crate) fn before(wrong: Wrong, request: &mut Request, found: &mut Option<Record>, context: &mut Context) {
    let operators = matches!(
        request,
        Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. }
    );
    if let (Some(record), Some(held)) = (found.as_ref(), held(request)) {
        match wrong {
            Wrong::IgnoresFence => held.fence = record.fence,
            Wrong::IgnoresToken => held.token = record.owner.unwrap_or(held.token),
            Wrong::LetsTheDeadAct if record.state == State::Running => {
                *held = Held { token: record.owner.unwrap_or(held.token), fence: record.fence };
            }
            _ => {}
        }
    }
    if let Request::Claim(claim) = request {
        before_claim(wrong, claim, found, context);
    }
    let Some(record) = found.as_mut() else { return };
    match (wrong, &mut *request) {
        (Wrong::IgnoresTokenOfAbandon, Request::Abandon { token }) => *token = record.owner.unwrap_or(*token),
        (Wrong::GivesUpDoubt, Request::Abandon { .. }) => record.prior = false,
        (Wrong::GivesUpDoubt, Request::Settle { resolution: Resolution::Free { .. }, .. }) => {
            record.prior = false
        }
        (Wrong::FailsOverDoubt, Request::Settle { resolution: Resolution::Failed { .. }, .. }) => {
            record.prior = false;
        }
        (Wrong::LastSettleWins, Request::Settle { held, .. }) if record.owner == Some(held.token) => {
            record.state = State::Running;
        }
        (Wrong::RevokesMarkedAsFree, Request::Revoke { .. }) => record.effect = false,
        (Wrong::ProceedsOverMarks, Request::Proceed { .. }) => record.effect = false,
        (Wrong::IgnoresQuietTime, Request::Proceed { .. }) => record.quiet_from = None,
        (Wrong::LetsOperatorsChangeResults, Request::ResolveDone { operator, .. }) => {
            record.resolved_by = Some(operator.by.clone());
        }
        (Wrong::ForgetsDoubt, Request::Forget { .. }) => record.state = State::Free,
        (Wrong::IgnoresWhatOperatorsSaw, Request::ResolveFree { operator }) => {
            operator.seen = Seen { fence: operator.seen.fence, ..record.seen() };
        }
        (Wrong::LetsOperatorsTakeTheLiving, _) if operators => context.holder = Liveness::Dead,
        _ => {}
    }
    if wrong == Wrong::IgnoresOperatorsFence {
        match request {
            Request::ResolveDone { operator, .. }
            | Request::ResolveFree { operator }
            | Request::Revoke { operator }
            | Request::Forget { operator } => operator.seen = record.seen(),
            _ => {}
        }
    }
}

fn before_claim(wrong: Wrong, claim: &mut Claim, found: &mut Option<Record>, context: &mut Context) {
    match wrong {
        Wrong::TrustsMarkersOfAll => claim.has_marker = true,
        Wrong::DoubtsTheUnmarked => claim.has_marker = false,
        Wrong::IgnoresFirst => claim.first = false,
        Wrong::LeaseEndsAtOnce => claim.lease = 0,
        Wrong::LeaseNeverEnds => claim.lease *= 1_000_000,
        _ => {}
    }
    let Some(record) = found.as_mut() else { return };
    let over = record.state == State::Free || record.expires_at.is_some_and(|at| at <= context.wall);
    match wrong {
        Wrong::IgnoresFingerprint => claim.fingerprint = record.fingerprint,
        Wrong::IgnoresHalfOfTheFingerprint => {
            claim.fingerprint[32..].copy_from_slice(&record.fingerprint[32..]);
        }
        Wrong::ForgetsRetries if record.owner == Some(claim.token) => claim.token = Token([9; 16]),
        Wrong::RevivesLateCopies if over => record.owner = None,
        Wrong::RunsTheRetryOfAFirstCheck if record.owner == Some(claim.token) => claim.first = false,
        Wrong::RerunsAll => record.rerun = true,
        Wrong::ShortensQuietTime => record.after = 0,
        Wrong::QuietTimeFromTheMark if record.state == State::Running => {
            record.lease_until = record.lease_until.map(|until| until.min(0));
        }
        Wrong::DoubtExpires
            if record.state == State::InDoubt && context.wall - record.changed_at > 86_400_000_000 =>
        {
            *found = None;
        }
        Wrong::LetsPoliciesTakeTheLiving if claim.policy != Policy::Stay => context.holder = Liveness::Dead,
        Wrong::FenceRestartsAtExpiry if over && record.state != State::Free => *found = None,
        Wrong::RunsASecondTime if record.state == State::Done => *found = None,
        _ => {}
    }
}

/// The claim that a holder's request names.
fn held(request: &mut Request) -> Option<&mut Held> {
    match request {
        Request::Proceed { held, .. }
        | Request::Mark { held, .. }
        | Request::Renew { held, .. }
        | Request::Settle { held, .. } => Some(held),
        _ => None,
    }
}

/// Twists what goes out: what is written and what is answered.
pub(crate) fn after(
    wrong: Wrong,
    request: &Request,
    found: Option<&Record>,
    context: &Context,
    decision: &mut Decision,
) {
    let kept = matches!(
        (wrong, request),
        (Wrong::LosesSettle, Request::Settle { .. })
            | (Wrong::LosesFree, Request::Settle { resolution: Resolution::Free { .. }, .. })
            | (Wrong::LosesMark, Request::Mark { .. })
            | (Wrong::LosesProceed, Request::Proceed { .. })
            | (Wrong::LosesRenewal, Request::Renew { .. })
            | (Wrong::LosesAbandon, Request::Abandon { .. })
            | (Wrong::LosesRevocation, Request::Revoke { .. })
            | (Wrong::LosesNotDone, Request::ResolveFree { .. })
            | (Wrong::KeepsForgotten, Request::Forget { .. })
    );
    if kept {
        decision.write = Write::Keep;
    }
    if let Write::Put(record) = &mut decision.write {
        spoil(wrong, request, found, record);
    }
    if let (Wrong::CutsReasons, Some(event)) = (wrong, &mut decision.event) {
        cut(&mut event.why);
    }
    if wrong == Wrong::WritesNoTrail {
        decision.event = None;
    }
    let lapsed = found.and_then(|record| record.lease_until).is_some_and(|until| until <= context.now);
    match (wrong, &mut decision.answer, request) {
        (Wrong::BusyNamesNobody, Answer::Busy(busy), _) => busy.left = 0,
        (Wrong::RefusesTheLapsed, answer, Request::Mark { .. }) if lapsed => *answer = fenced(found),
        (Wrong::RefusesRetriedMoves, answer, Request::Mark { .. })
            if found.is_some_and(|record| record.effect) =>
        {
            *answer = fenced(found);
        }
        (Wrong::RefusesLateTruth, answer, Request::Settle { resolution: Resolution::Done { .. }, .. })
            if found.is_some_and(|record| record.state == State::InDoubt || record.prior) =>
        {
            *answer = fenced(found);
        }
        (Wrong::KeepsPayloadOfTheFreed, answer, Request::Claim(claim)) => {
            if let Some(found) = found.filter(|record| record.fingerprint != claim.fingerprint) {
                *answer = Answer::KeyReused { stored: found.fingerprint };
                decision.write = Write::Keep;
            }
        }
        (Wrong::NotesMove, _, Request::Note { .. }) => {
            if let Some(found) = found {
                decision.write = Write::Put(Record { changed_at: found.changed_at + 1, ..found.clone() });
            }
        }
        (Wrong::WritesEveryTrail, _, _) => {
            decision.event.get_or_insert(Event {
                what: "asked",
                fence: Fence(0),
                by: None,
                why: None,
                before: None,
                after: None,
            });
        }
        _ => {}
    }
}

fn fenced(found: Option<&Record>) -> Answer {
    Answer::Fenced(idempotent::protocol::Fenced { state: found.map(|record| record.state) })
}

/// Twists the record that is written.
fn spoil(wrong: Wrong, request: &Request, found: Option<&Record>, record: &mut Record) {
    let ended = matches!(record.state, State::Done | State::Failed | State::Free);
    let operators =
        matches!(request, Request::ResolveDone { .. } | Request::ResolveFree { .. } | Request::Revoke { .. });
    match wrong {
        Wrong::LosesPrior => record.prior = false,
        Wrong::LosesLate => record.late = None,
        Wrong::DoubtsTheFirstCheck if matches!(request, Request::Claim(claim) if claim.first) => {
            record.effect = true;
        }
        Wrong::CutsTexts => cut(&mut record.last_error),
        Wrong::LosesLastError => record.last_error = None,
        Wrong::LosesGeneration => record.generation = record.owner.unwrap_or(record.generation),
        Wrong::LosesAttempt => record.attempt = 1,
        Wrong::LosesOperatorsName => record.resolved_by = None,
        Wrong::LosesOwnerAtTheEnd if ended => record.owner = None,
        Wrong::LosesFailure if record.state == State::Failed => {
            record.state = State::Done;
            record.value = record.error.take();
        }
        Wrong::MarkRenewsNothing if matches!(request, Request::Mark { .. }) => {
            record.lease_until = found.and_then(|found| found.lease_until);
        }
        Wrong::KeepsForEver => record.expires_at = None,
        Wrong::KeepsTooShort => {
            record.expires_at = record.expires_at.map(|at| record.changed_at + (at - record.changed_at) / 2);
        }
        Wrong::QuietTimeStartsAnew if record.state == State::InDoubt => {
            record.quiet_from = record.quiet_from.map(|from| from + 1);
        }
        Wrong::FenceStands => record.fence = found.map_or(record.fence, |found| found.fence),
        Wrong::FenceStandsForOperators if operators => {
            record.fence = found.map_or(record.fence, |found| found.fence);
        }
        Wrong::CutsValues
        | Wrong::TidiesJson
        | Wrong::TakesBytesForText
        | Wrong::LosesCodec
        | Wrong::TidiesCodecNames
        | Wrong::MissingIsEmpty => {
            for value in [&mut record.value, &mut record.error].into_iter().flatten() {
                spoil_value(wrong, value);
            }
        }
        _ => {}
    }
}

/// What a column of 64 KiB would keep.
fn cut(text: &mut Option<Arc<str>>) {
    *text = text.as_ref().map(|text| text.chars().take(16_384).collect::<String>().into());
}

fn spoil_value(wrong: Wrong, value: &mut Value) {
    match (wrong, value) {
        (Wrong::CutsValues, Value::Bytes { bytes, .. }) if bytes.len() > 65_535 => {
            *bytes = bytes[..65_535].into();
        }
        (Wrong::TidiesJson, Value::Bytes { bytes, .. }) => {
            let text = String::from_utf8_lossy(bytes).trim().replace(".0", "");
            *bytes = text.into_bytes().into();
        }
        (Wrong::TakesBytesForText, Value::Bytes { bytes, .. }) => {
            *bytes = String::from_utf8_lossy(bytes).into_owned().into_bytes().into();
        }
        (Wrong::TidiesCodecNames, Value::Bytes { codec, .. }) => *codec = codec.trim().to_lowercase().into(),
        (Wrong::LosesCodec, Value::Bytes { codec, .. }) => *codec = "json".into(),
        (Wrong::MissingIsEmpty, value @ Value::Missing { .. }) => {
            *value = Value::Bytes { bytes: (*b"").into(), codec: "json".into(), version: 1 };
        }
        _ => {}
    }
}
