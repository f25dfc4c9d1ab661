//! I5: the trail tells an operator what was exceptional, whole, and outlives the record.

use std::sync::Arc;

use super::bench::Bench;
use super::voice::{Voice, ask, assert_doubt, assert_settled, done, in_doubt, operator, subject};
use crate::protocol::{Answer, Operator, Request, State};
use crate::store::Subject;

/// An ordinary claim and settle write no line to the trail.
pub(super) fn i5_ordinary_calls_leave_no_trail(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_eq!(voice.mark(&run), Answer::Ok);
    assert_settled(voice.settle(&run, done("1")), State::Done);
    assert!(voice.trail(&call).is_empty());
}

/// The trail tells of errors, checks, late evidence and operators, oldest first, with who and why.
pub(super) fn i5_trail_tells_what_was_exceptional(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let (check, _) = voice.check(&ask(&call).checks(0));
    assert_eq!(voice.proceed(&check), Answer::Ok);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Revoke { operator: operator.clone() }), Answer::Ok);
    assert_eq!(voice.note(&call, "said \"done\" \0 é"), Answer::Ok);
    let events = voice.events(&call);
    assert_eq!(events, ["in_doubt", "taken_over", "check_did_not_happen", "revoked", "late_evidence"]);
    let trail = voice.trail(&call);
    assert_eq!(trail[0].why.as_deref(), Some("cut off"));
    assert_eq!((trail[0].before, trail[0].after), (Some(State::Running), Some(State::InDoubt)));
    assert_eq!((&trail[3].by, &trail[3].why), (&Some(operator.by), &Some(operator.why)));
    assert_eq!((trail[3].before, trail[3].after), (Some(State::Running), Some(State::Free)));
    assert_eq!(trail[4].why.as_deref(), Some("said \"done\" \0 é"));
    assert!(trail.is_sorted_by_key(|line| line.at) && trail.is_sorted_by_key(|line| line.fence));
    assert_eq!(trail[3].fence, voice.record(&call).fence);
}

/// The trail of a key is still there when its record has been forgotten or swept.
pub(super) fn i5_trail_outlives_the_record(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    voice.run_into_doubt(&ask(&call));
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    let operator = voice.operator(&call);
    assert_eq!(voice.send(&call, Request::Forget { operator }), Answer::Ok);
    assert!(voice.load(&call.key).is_none());
    assert_eq!(voice.events(&call), ["in_doubt", "resolved_not_done", "forgotten"]);
    assert_eq!(voice.trail(&call)[2].after, None);
    assert_doubt_free(&voice, &call);
}

fn assert_doubt_free(voice: &Voice, call: &Arc<Subject>) {
    voice.run_into_doubt(&ask(call));
    assert_doubt(voice.claim(&ask(call)));
    assert_eq!(voice.events(call).len(), 4);
}

/// Error texts, reasons and evidence of a mebibyte come back: whole in the record, and in the trail at least a beginning
/// that says of itself that it is one.
pub(super) fn i5_long_texts_come_back(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let long: Arc<str> = "né \"1\"\n".repeat((1 << 20) / 8).into();
    let run = voice.run(&ask(&call));
    assert_eq!(voice.mark(&run), Answer::Ok);
    assert_settled(voice.settle(&run, in_doubt(&long)), State::InDoubt);
    assert!(voice.record(&call).last_error.as_ref() == Some(&long), "the error's text is another");
    let Answer::InDoubt(doubt) = voice.claim(&ask(&call)) else { panic!("the doubt is gone") };
    assert!(doubt.last_error == Some(long.clone()), "callers are told another text");
    assert_eq!(voice.note(&call, &long), Answer::Ok);
    let seen = voice.record(&call).seen();
    let operator = Operator { why: long.clone(), ..operator(seen) };
    assert_eq!(voice.send(&call, Request::ResolveFree { operator }), Answer::Ok);
    assert!(voice.record(&call).why.as_ref() == Some(&long), "the operator's reason is another");
    assert_eq!(voice.events(&call), ["in_doubt", "late_evidence", "resolved_not_done"]);
    for line in voice.trail(&call) {
        let told = line.why.unwrap_or_default();
        let beginning = told.strip_suffix('…').filter(|told| told.chars().count() >= 1_000);
        let is_told = told == long || beginning.is_some_and(|beginning| long.starts_with(beginning));
        assert!(is_told, "the trail tells another text of {}", line.what);
    }
}
