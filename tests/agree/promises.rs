//! What no move may do, whatever came before: the promises, looked at after each of them.

use idempotent::protocol::{
    Answer, Context, Decision, Policy, Record, Request, Resolution, State, Status, Write, status,
};

/// What one move may not do.
pub(crate) fn check(
    before: Option<&Record>,
    request: &Request,
    context: &Context,
    decision: &Decision,
    highest: u64,
) -> Result<(), &'static str> {
    let after = match &decision.write {
        Write::Keep => before,
        Write::Put(next) => Some(next),
        Write::Remove => None,
    };
    let wrote = decision.write != Write::Keep;
    let stands = before.map(|record| status(record, context));
    let operators = matches!(
        request,
        Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. }
    );
    let held = match request {
        Request::Proceed { held, .. }
        | Request::Mark { held, .. }
        | Request::Renew { held, .. }
        | Request::Settle { held, .. } => Some(held),
        _ => None,
    };
    if let (Some(held), Some(old), true) = (held, before, wrote) {
        let current = old.owner == Some(held.token) && old.fence == held.fence;
        let late_truth = old.late == Some(held.token)
            && old.prior
            && !old.effect
            && matches!(request, Request::Settle { resolution: Resolution::Done { .. }, .. });
        if !current && !late_truth {
            return Err("I1: the record was moved by one who does not hold it");
        }
    }
    let granted = matches!(decision.answer, Answer::Run(_) | Answer::Check { .. });
    if let (true, Some(next), Request::Claim(claim)) = (granted, after, request) {
        let again = before.is_some_and(|old| old.owner == Some(claim.token) && old.state == State::Running);
        if !again && next.fence.0 <= highest {
            return Err("I1: a grant did not take a fence of its own");
        }
        if !again && stands == Some(Status::Live) {
            return Err("I1: a living attempt's claim was granted to another");
        }
        if let (false, Some(Status::Doubt), Some(old)) = (again, stands, before) {
            if !next.prior {
                return Err("I4: a grant over doubt forgot the doubt");
            }
            let may = match claim.policy {
                Policy::Stay => false,
                Policy::Check => matches!(decision.answer, Answer::Check { .. }),
                Policy::Rerun => old.rerun,
            };
            if !may {
                return Err("I4: doubt was run over");
            }
            if old.fingerprint != claim.fingerprint {
                return Err("I6: doubt about other arguments was granted");
            }
        }
    }
    if let (Some(old), Some(Status::Ended)) = (before, stands) {
        let same = after
            .is_some_and(|new| (new.state, &new.value, &new.error) == (old.state, &old.value, &old.error));
        let may = matches!(request, Request::Forget { .. }) || (operators && old.resolved_by.is_some());
        if !same && !may {
            return Err("I2: a recorded ending changed");
        }
    }
    if let (Answer::Replay(_), Some(old), Request::Claim(claim)) = (&decision.answer, before, request)
        && old.owner != Some(claim.token)
        && old.fingerprint != claim.fingerprint
    {
        return Err("I6: a result was replayed for other arguments");
    }
    if let (Answer::Settled(settled), Some(next)) = (&decision.answer, after)
        && settled.state != next.state
    {
        return Err("I3: a holder was told another state than is stored");
    }
    if let (Some(old), false) = (before, operators)
        && stands == Some(Status::Doubt)
        && after.is_none_or(|new| new.state == State::Free)
        && (old.prior || !(held.is_some() || matches!(request, Request::Abandon { .. })))
    {
        return Err("I4: doubt was dropped, and neither its own attempt nor an operator said so");
    }
    if let (Some(Status::Free | Status::LapsedClean | Status::Expired), Request::Claim(claim)) =
        (stands, request)
        && before.is_some_and(|old| old.owner != Some(claim.token))
        && !granted
    {
        return Err("I5: a free key was not granted");
    }
    Ok(())
}
