//! Random histories on one key: thousands of requests of every kind, from holders old and new, at random times,
//! on the pure protocol. After each move the promises are looked at.
//!
//! What makes it fail when taken away: the comparison of token and fence (I1), the rule that an ending is never
//! overwritten (I2), `prior` and `effect` in a grant over doubt, `rerun` (I4), the take-over of what has lapsed (I5), the
//! comparison of fingerprints (I6).

use idempotent::protocol::{
    Answer, Claim, Context, Decision, Fence, Held, Liveness, Operator, Policy, Process, Record, Request,
    Resolution, Seen, State, Status, Token, Write, decide, status,
};

use crate::cells::value;

const HISTORIES: u64 = 400;
const MOVES: usize = 400;

/// A small generator (splitmix64): the same seed gives the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len() as u64) as usize].clone()
    }
}

#[test]
fn i1_to_i6_hold_in_random_histories() {
    let mut seen = [0; 5];
    for seed in 0..HISTORIES {
        let mut dice = Dice(seed);
        let mut record: Option<Record> = None;
        let mut now = 1_000;
        let mut highest = 0;
        for number in 0..MOVES {
            now += dice.of(&[0, 1, 5, 40]);
            let holder = dice.of(&[Liveness::ByLease, Liveness::ByLease, Liveness::Alive, Liveness::Dead]);
            let process = dice.of(&[None, Some(Process([1; 16]))]);
            let context = Context { now, wall: now, next_fence: highest + 1, holder, process };
            let request = request(&mut dice, record.as_ref());
            let decision = decide(record.as_ref(), &request, &context);
            check(record.as_ref(), &request, &context, &decision, highest).unwrap_or_else(|broken| {
                panic!("seed {seed}, move {number}: {broken}\n{record:?}\n{request:?}\n{decision:?}")
            });
            match decision.write {
                Write::Keep => {}
                Write::Put(next) => record = Some(next),
                Write::Remove => record = None,
            }
            highest = record.as_ref().map_or(highest, |record| highest.max(record.fence.0));
            if let Some(record) = &record {
                seen[record.state as usize] += 1;
            }
        }
    }
    println!("states met: free, running, done, failed, in doubt: {seen:?}");
    assert!(seen.iter().all(|times| *times > 1_000), "the histories miss a state: {seen:?}");
}

fn request(dice: &mut Dice, record: Option<&Record>) -> Request {
    let token = Token([dice.roll(6) as u8; 16]);
    let fence = record.map_or(Fence(0), |record| record.fence);
    let held = match record.and_then(|record| record.owner).filter(|_| dice.roll(3) > 0) {
        Some(owner) => Held { token: owner, fence },
        None => Held { token, fence: Fence(fence.0 - dice.roll(3).min(fence.0)) },
    };
    let keep = dice.of(&[None, Some(30)]);
    let settle = |resolution| Request::Settle { held, resolution };
    let looked = record.map_or(Seen { fence, state: State::Free, effect: false, prior: false }, Record::seen);
    let operator = Operator { seen: looked, by: "ada".into(), why: "looked".into() };
    match dice.roll(20) {
        0..=6 => Request::Claim(Claim {
            token,
            fingerprint: [dice.of(&[7, 7, 7, 8]); 64],
            policy: dice.of(&[Policy::Stay, Policy::Check, Policy::Rerun]),
            after: dice.of(&[0, 10, 30]),
            has_marker: dice.roll(2) == 0,
            first: dice.roll(5) == 0,
            lease: 20,
        }),
        7 => Request::Proceed { held, has_marker: dice.roll(2) == 0, after: 10, lease: 20 },
        8 | 9 => Request::Mark { held, lease: 20 },
        10 => Request::Renew { held, lease: 20 },
        11 => settle(Resolution::Done { value: value(dice.of(&["one", "two"])), keep }),
        12 => settle(Resolution::Failed { error: value("no"), text: "no".into(), keep }),
        13 => settle(Resolution::Free { last_error: None }),
        14 => settle(Resolution::InDoubt { last_error: Some("cut off".into()) }),
        15 => Request::Abandon { token },
        16 => Request::Sweep { fence },
        17 => Request::ResolveDone { operator, value: value("resolved") },
        18 => dice.of(&[Request::ResolveFree { operator: operator.clone() }, Request::Revoke { operator }]),
        _ => Request::Forget { operator },
    }
}

/// What one move may not do.
fn check(
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
