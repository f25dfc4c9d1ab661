//! The store of the model: the real `protocol::decide`, one move at a time, with at most one rule taken away
//! by changing what goes into it or what comes out. Nothing in `src` knows of this.

use idempotent::protocol::{
    Answer, Claim, Context, Decision, Ending, Fence, Held, Liveness, Micros, Operator, Policy, Record,
    Request, Resolution, Seen, State, Status, Write, decide, status,
};

use crate::promises::{self, Broken};
use crate::setting::{Outcome, Rule, Setting, Verb};
use crate::world::{Kind, Msg, NOW, Rec, World, bit, name, of_value, process, token, value};

/// An answer, as far as a caller acts on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Run(u8),
    Check { fence: u8, quiet: u8, prior: bool },
    Replay(u8),
    Busy,
    Refused,
    Ok,
    Early(u8),
    Fenced,
    Settled(State),
}

impl World {
    /// One request reaches the store.
    pub(crate) fn apply(&self, setting: &Setting, msg: &Msg) -> (World, Told, Option<Broken>) {
        let context = self.context(setting, msg.file);
        let old = self.rec.map(|rec| rec.record());
        let request = request(setting, msg);
        let decision = decide_without(setting.off, setting, old.as_ref(), request, &context);
        let mut next = *self;
        match &decision.write {
            Write::Keep => {}
            Write::Put(record) => next.rec = Some(Rec::of(record)),
            Write::Remove => next.rec = None,
        }
        next.keep_books(self, msg, &decision);
        let told = told(&decision.answer);
        let broken = promises::of_move(self, &next, setting, msg, told);
        (next, told, broken)
    }

    pub(crate) fn context(&self, setting: &Setting, file: u8) -> Context {
        Context {
            now: NOW,
            wall: NOW,
            next_fence: self.next_fence(setting),
            holder: self.liveness(setting),
            process: process(file),
        }
    }

    /// What the model remembers beside the record, to judge by.
    fn keep_books(&mut self, old: &World, msg: &Msg, decision: &Decision) {
        let ended_before = matches!(old.rec, Some(rec) if matches!(rec.state, State::Done | State::Failed));
        let begins = match &decision.write {
            Write::Keep => false,
            Write::Remove => ended_before,
            Write::Put(record) => ended_before && record.state == State::Running,
        };
        if begins {
            self.landed = 0;
            self.life = 0;
            self.seen = None;
            self.flights = [None; 3];
        }
        if matches!(msg.kind, Kind::Operator(_)) && decision.write != Write::Keep {
            self.operator_writes += 1;
        }
        if matches!(decision.answer, Answer::Run(_) | Answer::Check { .. }) {
            self.granted = msg.claim;
            self.life |= bit(msg.claim);
        }
    }
}

fn told(answer: &Answer) -> Told {
    let small = |time: &Micros| u8::try_from(*time).expect("short times");
    match answer {
        Answer::Run(grant) => Told::Run(grant.fence.0 as u8),
        Answer::Check { grant, quiet_left } => {
            Told::Check { fence: grant.fence.0 as u8, quiet: small(quiet_left), prior: grant.prior }
        }
        Answer::Replay(Ending::Done(value) | Ending::Failed(value)) => Told::Replay(of_value(value)),
        Answer::Busy(_) => Told::Busy,
        Answer::KeyReused { .. } | Answer::InDoubt(_) | Answer::Stale | Answer::NotFound => Told::Refused,
        Answer::Ok => Told::Ok,
        Answer::Early { left } => Told::Early(small(left)),
        Answer::Fenced(_) => Told::Fenced,
        Answer::Settled(settled) => Told::Settled(settled.state),
        Answer::Unreadable { why } => unreachable!("every record of the model can be read: {why}"),
    }
}

/// The token that a claim carries.
fn token_of(setting: &Setting, claim: u8) -> idempotent::protocol::Token {
    if setting.is_off(Rule::FreshTokenPerClaim) { token((claim - 1) / 4 * 4 + 1) } else { token(claim) }
}

fn request(setting: &Setting, msg: &Msg) -> Request {
    let fence = Fence(u64::from(msg.fence));
    let lease = Micros::from(setting.lease);
    if let Kind::Operator(verb) = msg.kind {
        let (state, effect, prior) = msg.seen.unwrap_or((State::Free, false, false));
        let seen = Seen { fence, state, effect, prior };
        let operator = Operator { seen, by: name(), why: name() };
        return match verb {
            Verb::Done => Request::ResolveDone { operator, value: value(200 + msg.claim) },
            Verb::NotDone => Request::ResolveFree { operator },
            Verb::Revoke => Request::Revoke { operator },
            Verb::Forget => Request::Forget { operator },
        };
    }
    if msg.kind == Kind::Sweep {
        return Request::Sweep { fence };
    }
    let program = setting.program(msg.claim);
    let held = Held { token: token_of(setting, msg.claim), fence };
    let keep = program.keep.then_some(1);
    match msg.kind {
        Kind::Claim => Request::Claim(Claim {
            token: held.token,
            fingerprint: [program.payload; 64],
            policy: program.policy,
            after: Micros::from(program.after),
            has_marker: program.marker,
            first: program.first,
            lease,
        }),
        Kind::Proceed => {
            Request::Proceed { held, has_marker: program.marker, after: Micros::from(program.after), lease }
        }
        Kind::Mark => Request::Mark { held, lease },
        Kind::Renew => Request::Renew { held, lease },
        Kind::Abandon => Request::Abandon { token: held.token },
        Kind::Settle(outcome) => Request::Settle {
            held,
            resolution: match outcome {
                Outcome::Done(number) => Resolution::Done { value: value(number), keep },
                Outcome::Failed(number) => Resolution::Failed { error: value(number), text: name(), keep },
                Outcome::Free => Resolution::Free { last_error: None },
                Outcome::InDoubt => Resolution::InDoubt { last_error: None },
            },
        },
        Kind::Sweep | Kind::Operator(_) => unreachable!("handled above"),
    }
}

/// `decide`, but without one rule.
fn decide_without(
    off: Option<Rule>,
    setting: &Setting,
    old: Option<&Record>,
    mut request: Request,
    context: &Context,
) -> Decision {
    let (Some(off), Some(old)) = (off, old) else {
        if off == Some(Rule::EffectAtClaim) {
            forget_effect(&mut request);
        }
        return decide(old, &request, context);
    };
    let stands = status(old, context);
    let mut record = old.clone();
    match (off, &mut request) {
        (Rule::EffectAtClaim, request) => forget_effect(request),
        (Rule::ClaimRetryByToken, Request::Claim(claim))
            if record.state == State::Running && record.owner == Some(claim.token) =>
        {
            record.owner = None;
        }
        (Rule::SettleAgainAfterDone, Request::Settle { held, .. })
            if matches!(record.state, State::Done | State::Failed) && record.owner == Some(held.token) =>
        {
            record.owner = None;
        }
        (Rule::TokenBesideFence, Request::Mark { held, .. } | Request::Settle { held, .. })
            if held.fence == record.fence =>
        {
            record.owner = Some(held.token);
        }
        (Rule::FenceBesideToken, Request::Mark { held, .. } | Request::Settle { held, .. })
            if record.owner == Some(held.token) =>
        {
            held.fence = record.fence;
        }
        (Rule::ProceedRefusedOnceMarked, Request::Proceed { held, .. })
            if record.state == State::Running
                && record.owner == Some(held.token)
                && record.fence == held.fence =>
        {
            (record.prior, record.effect) = (true, false);
        }
        (
            Rule::DoubtNeverOverwritesDone,
            Request::Settle { held, resolution: Resolution::InDoubt { .. } },
        ) if record.state == State::Done && record.owner == Some(held.token) => {
            record.state = State::Running;
            record.fence = held.fence;
        }
        (
            Rule::OperatorsCarryTheFence,
            Request::ResolveDone { operator, .. }
            | Request::ResolveFree { operator }
            | Request::Revoke { operator }
            | Request::Forget { operator },
        ) => operator.seen = record.seen(),
        (Rule::OperatorsCarryTheDoubt, Request::ResolveFree { operator })
            if operator.seen.fence == record.fence =>
        {
            operator.seen = record.seen();
        }
        (Rule::NoneOnlyAfterQuiet, Request::Proceed { .. }) => record.quiet_from = None,
        (Rule::SweepSparesDoubt, Request::Sweep { .. })
            if stands == Status::Doubt && record.state == State::Running =>
        {
            (record.effect, record.prior) = (false, false);
        }
        (Rule::LapsedCleanBeforeKeyReused, Request::Claim(claim))
            if matches!(stands, Status::Free | Status::LapsedClean)
                && record.owner != Some(claim.token)
                && record.fingerprint != claim.fingerprint =>
        {
            (record.state, record.effect) = (State::InDoubt, true);
        }
        (Rule::StaleForLateCopies, Request::Claim(claim))
            if matches!(stands, Status::Free | Status::Expired) && record.owner == Some(claim.token) =>
        {
            record.owner = None;
        }
        (Rule::FailedWithPriorIsDoubt, Request::Settle { resolution: Resolution::Failed { .. }, .. }) => {
            record.prior = false
        }
        (Rule::RerunIsTheAttempts, Request::Claim(claim)) if claim.policy == Policy::Rerun => {
            record.rerun = true;
        }
        (Rule::LongerAfterCounts, Request::Claim(_) | Request::Proceed { .. }) => record.after = 0,
        (Rule::LateForDoneOnly, Request::Settle { held, resolution: Resolution::Failed { .. } })
            if record.late == Some(held.token) && record.prior && !record.effect =>
        {
            record.owner = Some(held.token);
            record.fence = held.fence;
            record.prior = false;
        }
        _ => {}
    }
    let mut decision = decide(Some(&record), &request, context);
    let Write::Put(next) = &mut decision.write else {
        return decision;
    };
    let operators = matches!(
        request,
        Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. }
    );
    match (off, &request) {
        (Rule::Prior, Request::Claim(_)) => next.prior = false,
        (Rule::QuietFromLeaseEnd, Request::Claim(_))
            if stands == Status::Doubt && old.state == State::Running && old.effect =>
        {
            next.quiet_from = next.quiet_from.map(|from| from - Micros::from(setting.lease));
            if let Answer::Check { quiet_left, .. } = &mut decision.answer {
                *quiet_left = (*quiet_left - Micros::from(setting.lease)).max(0);
            }
        }
        (Rule::ProceedClearsRerun, Request::Proceed { .. }) => next.rerun = old.rerun,
        (Rule::OperatorsClearTheOwner, _) if operators => next.owner = old.owner,
        (Rule::OperatorsTakeTheNextFence, _) if operators => next.fence = old.fence,
        _ => {}
    }
    decision
}

/// As if every code had a marker.
fn forget_effect(request: &mut Request) {
    if let Request::Claim(claim) = request {
        claim.has_marker = true;
    }
}

/// What the record means at this moment, to operators and to the promises.
pub(crate) fn stands(world: &World, setting: &Setting) -> Option<Status> {
    world.rec.map(|rec| status(&rec.record(), &world.context(setting, 0)))
}

/// What a fresh claim with this payload would be told once every lease is over, under the same rules.
pub(crate) fn told_in_the_end(world: &World, setting: &Setting, payload: u8) -> Answer {
    let mut later = *world;
    if let Some(rec) = &mut later.rec {
        (0..=setting.lease).for_each(|_| rec.tick());
    }
    let mut context = later.context(setting, 0);
    if context.holder == Liveness::Alive {
        context.holder = Liveness::Dead;
    }
    let request = Request::Claim(Claim {
        token: token(99),
        fingerprint: [payload; 64],
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        lease: 1,
    });
    let old = later.rec.map(|rec| rec.record());
    decide_without(setting.off, setting, old.as_ref(), request, &context).answer
}
