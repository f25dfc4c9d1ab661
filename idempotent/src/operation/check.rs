//! Asking the check what became of an interrupted attempt, or whether a first one is needed at all.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::claim::Claim;
use super::outcome::{Returns, Told};
use super::run::{Claimed, Next, too_slow};
use crate::block_on::block_on;
use crate::clock::boot_micros;
use crate::error::{CheckFailed, Error, Site};
use crate::observe::How;
use crate::pause::{Deadline, pause};
use crate::protocol::{Answer, Micros, Request};
use crate::send::{Answered, Mode, send, wrong_answer};
use crate::store;
use crate::telemetry::events;

/// A claim whose check is to be asked now.
///
/// "It happened" is trusted at any time. "It did not" counts only if the question was put after the quiet time:
/// an earlier one is thrown away, and the check is asked once more when the time has passed. Before a first attempt
/// there is no quiet time: nothing of ours can be under way.
///
/// Dropped without an answer, the claim is given back: what was in doubt stays so, what was not is free again.
#[must_use = "ask the check, and give its answer"]
pub struct Asking<R: Returns> {
    pub(super) claim: Claim<R>,
    /// Nothing is in doubt: no attempt has begun.
    first: bool,
    /// When the question was put at the earliest, on this machine's boot clock.
    asked: Micros,
    /// When a "did not happen" may be believed, on that clock.
    quiet_until: Micros,
    deadline: Deadline,
}

impl<R: Returns> Asking<R> {
    pub(super) fn new(claim: Claim<R>, first: bool, quiet_left: Micros, deadline: Deadline) -> Asking<R> {
        let asked = boot_micros();
        Asking { claim, first, asked, quiet_until: asked.saturating_add(quiet_left), deadline }
    }

    /// Puts the question: [`attempt`](crate::attempt()) gives the check the request ids to look for.
    pub async fn ask<F: Future>(&self, check: F) -> F::Output {
        self.claim.span.around(self.claim.attempt().around(check)).await
    }

    /// [`ask`](Asking::ask) for a synchronous check.
    pub fn ask_blocking<T>(&self, check: impl FnOnce() -> T) -> T {
        let attempt = self.claim.attempt();
        let _entered = attempt.enter();
        self.claim.span.inside(check)
    }

    /// Gives up a claim whose check nobody can ask.
    pub(super) fn unasked(self) -> R {
        let error = store::Error::new(
            store::ErrorKind::Refused,
            "the store asks for a check that this call does not have",
            "use `claim_or_check`, or run `store_conformance!` on the store",
        );
        self.claim.answer(self.claim.open.store_failed(error, None))
    }

    /// Gives the answer of the check: `Some` is recorded and returned; `None` leads to the body, once it may be
    /// believed; `Err` leaves the key in doubt, or free where no attempt has begun.
    pub async fn answer<E: Told>(self, answer: Result<Option<R::Ok>, E>) -> Claimed<R> {
        let span = self.claim.span.again();
        span.around(self.answered(answer, Mode::Async)).await
    }

    /// [`answer`](Asking::answer) for a synchronous function.
    pub fn answer_blocking<E: Told>(self, answer: Result<Option<R::Ok>, E>) -> Claimed<R> {
        let span = self.claim.span.again();
        span.inside(|| block_on(self.answered(answer, Mode::Blocking)))
    }

    async fn answered<E: Told>(self, answer: Result<Option<R::Ok>, E>, mode: Mode) -> Claimed<R> {
        let answer = answer.map_err(|error| self.claim.call.rules.check_said(&error));
        let said = match &answer {
            Ok(Some(_)) => "happened",
            Ok(None) => "did not happen",
            Err(_) => "cannot tell",
        };
        events::checked(&self.claim.open.subject, said);
        match answer {
            Ok(Some(value)) => {
                Claimed::Next(Next::Answer(self.claim.succeed(value, How::Recovered, mode).await))
            }
            Ok(None) if self.asked < self.quiet_until => {
                let left = self.quiet_until - boot_micros();
                self.ask_again(left, mode).await
            }
            Ok(None) if self.goes_straight() => self.begins(),
            Ok(None) => self.proceed(mode).await,
            Err(said) => {
                let text: Arc<str> = format!("the check cannot tell: {said}").into();
                let error = if self.first {
                    let site = Site::of(&self.claim.open.subject);
                    Error::Check(Box::new(CheckFailed { site, said: said.into() }))
                } else {
                    self.claim.in_doubt(Some(Arc::clone(&text)))
                };
                self.gives_up(error, Some(text), mode).await
            }
        }
    }

    /// Waits for the rest of the quiet time while the keeper renews the claim, or says when to come back.
    async fn ask_again(self, left: Micros, mode: Mode) -> Claimed<R> {
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        if left > self.deadline.left() {
            let mut error = self.claim.in_doubt(None);
            if let Error::InDoubt(doubt) = &mut error {
                doubt.retry_in = Some(left);
            }
            return self.gives_up(error, None, mode).await;
        }
        pause(left).await;
        let quiet_left = (self.quiet_until - boot_micros()).max(0);
        Claimed::Check(Asking::new(self.claim, self.first, quiet_left, self.deadline))
    }

    /// Gives the claim back without having come to the body: the store knows what was in doubt, and keeps it so.
    async fn gives_up(self, error: Error, last_error: Option<Arc<str>>, mode: Mode) -> Claimed<R> {
        let how = if matches!(error, Error::InDoubt(_)) { How::InDoubt } else { How::Refused };
        let out = self.claim.answer(error);
        self.claim.report(how);
        self.claim.withdraw(last_error, mode).await;
        Claimed::Next(Next::Answer(out))
    }

    /// Whether the body may begin without another move: nothing was in doubt, and its marker will tell whether the claim
    /// still stands. Without a marker the effect begins here, and the claim may be another's since the check was asked.
    fn goes_straight(&self) -> bool {
        self.first && self.claim.call.operation.has_marker && !self.claim.open.may_be_gone()
    }

    /// The body runs under the claim as it is.
    fn begins(mut self) -> Claimed<R> {
        self.claim.asking = false;
        self.claim.span.begins(self.claim.attempt);
        Claimed::Next(Next::Run(self.claim))
    }

    /// It did not happen: the body may run, once that is durable and the claim is still ours.
    async fn proceed(mut self, mode: Mode) -> Claimed<R> {
        let open = Arc::clone(&self.claim.open);
        let operation = self.claim.call.operation;
        let request = Request::Proceed {
            held: open.held,
            has_marker: operation.has_marker,
            after: operation.check_after.unwrap_or(0),
            lease: open.lease_micros(),
        };
        loop {
            match send(&open.store, &open.subject, request.clone(), mode).await {
                // Without a marker the effect begins here, so a late answer counts as none: ask again.
                Ok(Answered { answer: Answer::Ok, sent }) if !operation.has_marker && open.too_late(sent) => {
                    if self.deadline.left().is_zero() {
                        let error = open.store_failed(too_slow(), None);
                        return self.gives_up(error, None, mode).await;
                    }
                }
                Ok(Answered { answer: Answer::Ok, sent }) => {
                    open.extend(sent);
                    if !self.first {
                        self.claim.attempt = self.claim.attempt.saturating_add(1);
                    }
                    return self.begins();
                }
                Ok(Answered { answer: Answer::Early { left }, .. }) => {
                    self.quiet_until = boot_micros().saturating_add(left);
                    return self.ask_again(left, mode).await;
                }
                // Taken over before the body began: look once more, usually at a result.
                Ok(Answered { answer: Answer::Fenced(_), .. }) => {
                    let call = self.claim.call.clone();
                    let deadline = self.deadline;
                    self.claim.over = true;
                    drop(self.claim);
                    return Box::pin(call.claimed(true, mode, deadline)).await;
                }
                Ok(Answered { answer: Answer::Unreadable { why }, .. }) => {
                    let error = open.unreadable(why);
                    return self.gives_up(error, None, mode).await;
                }
                Ok(Answered { answer, .. }) => {
                    let error = open.store_failed(wrong_answer("proceed", &answer), None);
                    return self.gives_up(error, None, mode).await;
                }
                Err(error) => {
                    let error = open.store_failed(error, None);
                    return self.gives_up(error, None, mode).await;
                }
            }
        }
    }
}
