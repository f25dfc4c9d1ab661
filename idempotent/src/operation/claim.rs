//! The right to run one body, and how it ends.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::call::Call;
use super::outcome::Returns;
use super::rules::OnErrRule;
use crate::attempt::Attempt;
use crate::block_on::block_on;
use crate::error::{Error, InDoubt, Site};
use crate::handle::Handle;
use crate::keeper::{Job, Open};
use crate::observe::{How, Outcome, tell};
use crate::policy::OnErr;
use crate::protocol::{Answer, Ending, Request, Resolution, State, Token};
use crate::send::{Answered, Mode, send, unexpected};
use crate::slots::Turn;
use crate::telemetry::{CallSpan, events, metrics};

/// The right to run the body of one call, until it is settled.
///
/// A claim that is dropped, because a future was dropped or a panic unwinds, is settled by the keeper: free if
/// its effect cannot have begun, else in doubt.
#[must_use = "a claim that is dropped ends as an interruption"]
pub struct Claim<R: Returns> {
    pub(super) open: Arc<Open>,
    pub(super) call: Call<R>,
    pub(super) handle: Handle,
    pub(super) turn: Option<Turn>,
    pub(super) attempt: u32,
    /// What an earlier attempt or check had to say, when this claim was granted.
    pub(super) last_error: Option<Arc<str>>,
    /// The check is being asked; the body has not begun, whatever the record says of its effect.
    pub(super) asking: bool,
    /// How the attempt ended, once that is known: the only settle that is ever sent.
    pub(super) outcome: Option<Resolution>,
    /// The store has answered the settle.
    pub(super) over: bool,
    /// What subscribers see of the call.
    pub(super) span: CallSpan,
}

/// How a body ended: with its result, or stopped because it had lost its claim.
#[must_use = "settle the claim with it"]
pub struct Ran<R>(Option<R>);

/// The payload that unwinds a body which may not go on: the one under this claim, through others inside it.
struct Stop(Token);

impl Stop {
    fn is_for(payload: &(dyn Any + Send), token: Token) -> bool {
        payload.downcast_ref::<Stop>().is_some_and(|stop| stop.0 == token)
    }
}

enum Sent {
    Settled(State),
    Fenced,
    Failed(crate::store::Error),
}

impl<R: Returns> Claim<R> {
    /// Durably announces that the effect is about to begin, and renews the lease in the same move. What ends
    /// before this is answered did nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] or [`Error::Store`]: nothing may be done any more. The claim remembers it: the
    /// call ends in this error whatever the body returns.
    pub async fn mark(&self) -> Result<(), Error> {
        self.open.mark(Mode::Async).await
    }

    /// [`mark`](Claim::mark) for a synchronous body.
    ///
    /// # Errors
    /// As [`mark`](Claim::mark).
    pub fn mark_blocking(&self) -> Result<(), Error> {
        block_on(self.open.mark(Mode::Blocking))
    }

    /// What a body returns after a mark that was refused.
    #[doc(hidden)]
    pub fn refusal(&self) -> R {
        let error = self.open.latched().unwrap_or_else(|| self.open.lease_lost(None));
        self.answer(error)
    }

    /// Ends the body where it cannot return, after a mark that was refused: unwinds to [`run`](Claim::run).
    #[doc(hidden)]
    pub fn stop(&self) -> ! {
        if cfg!(panic = "abort") {
            let error = self.open.latched().unwrap_or_else(|| self.open.lease_lost(None));
            panic!("{error}; {}", error.advice());
        }
        resume_unwind(Box::new(Stop(self.open.token())))
    }

    /// Which run of the body this is, its fence and its request ids.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        Attempt::new(self.handle.id(), self.open.subject.key, self.attempt, self.open.held.fence)
    }

    /// Runs the body. It is dropped when the claim is lost before its effect, or its lease is over.
    ///
    /// Not an `async fn`: that would hold the body twice, and bodies are futures within futures.
    pub fn run<F: Future<Output = R>>(&self, body: F) -> Running<'_, R, F> {
        Running { claim: self, attempt: self.attempt(), body }
    }

    /// [`run`](Claim::run) for a synchronous body.
    pub fn run_blocking(&self, body: impl FnOnce() -> R) -> Ran<R> {
        let attempt = self.attempt();
        self.open.begin();
        let _entered = attempt.enter();
        match catch_unwind(AssertUnwindSafe(|| self.span.inside(body))) {
            Ok(out) => Ran(Some(out)),
            Err(payload) if Stop::is_for(&*payload, self.open.token()) => Ran(None),
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Records how the body ended, and gives what the caller gets: `Ok` only once it is durable.
    pub async fn settle(self, ran: Ran<R>) -> R {
        let span = self.span.again();
        span.around(self.settle_in(ran, Mode::Async)).await
    }

    /// [`settle`](Claim::settle) for a synchronous body.
    pub fn settle_blocking(self, ran: Ran<R>) -> R {
        let span = self.span.again();
        span.inside(|| block_on(self.settle_in(ran, Mode::Blocking)))
    }

    async fn settle_in(self, ran: Ran<R>, mode: Mode) -> R {
        if let Some(error) = self.open.latched() {
            return self.give_up(error, mode).await;
        }
        match ran.0.map(R::into_result) {
            Some(Ok(value)) => self.succeed(value, How::Executed, mode).await,
            Some(Err(error)) => self.fail(error, mode).await,
            None => {
                let error = self.open.lease_lost(None);
                self.give_up(error, mode).await
            }
        }
    }

    /// A refused mark, or a lost claim: whatever the body returned does not count.
    async fn give_up(mut self, error: Error, mode: Mode) -> R {
        let last_error = Some(error.to_string().into());
        self.outcome = Some(self.interrupted(last_error));
        self.transmit(mode).await;
        self.report(How::Refused);
        self.answer(error)
    }

    /// The effect happened: by the body, or as the check found out.
    pub(super) async fn succeed(mut self, value: R::Ok, how: How, mode: Mode) -> R {
        let stored = self.call.rules.value(self.call.operation, self.handle.codecs(), &value);
        let keep = self.call.operation.keep;
        self.outcome = Some(Resolution::Done { value: stored.clone(), keep });
        match self.transmit(mode).await {
            Sent::Settled(State::Done) => {
                if let Some(turn) = self.turn.take() {
                    turn.share(Ending::Done(stored));
                }
                self.report(how);
                R::from_result(Ok(value))
            }
            Sent::Settled(State::Free | State::Running | State::Failed | State::InDoubt) | Sent::Fenced => {
                self.report(How::Refused);
                self.answer(self.open.lease_lost(Some(self.call.rules.text(&stored))))
            }
            Sent::Failed(error) => {
                self.report(How::Refused);
                self.answer(self.open.store_failed(error, Some(self.call.rules.text(&stored))))
            }
        }
    }

    async fn fail(mut self, error: R::Err, mode: Mode) -> R {
        let begun = self.open.begun();
        let rules = self.call.rules;
        let said = rules.said(&error);
        let verdict = match rules.on_err {
            _ if !begun => OnErr::Release,
            OnErrRule::Doubt => OnErr::Doubt,
            OnErrRule::Release => OnErr::Release,
            OnErrRule::Store(_) => OnErr::Store,
            OnErrRule::With(judge, _) => judge(&error),
        };
        let last_error = Some(Arc::clone(&said));
        let resolution = match (verdict, rules.on_err) {
            (OnErr::Release, _) => Resolution::Free { last_error },
            (OnErr::Store, OnErrRule::Store(codec) | OnErrRule::With(_, codec)) => Resolution::Failed {
                error: rules.error_value(codec, self.handle.codecs(), &error),
                text: Arc::clone(&said),
                keep: self.call.operation.keep,
            },
            (OnErr::Doubt | OnErr::Store, _) => Resolution::InDoubt { last_error },
        };
        let failed = match &resolution {
            Resolution::Failed { error, .. } => Some(error.clone()),
            Resolution::Done { .. } | Resolution::Free { .. } | Resolution::InDoubt { .. } => None,
        };
        self.outcome = Some(resolution);
        let sent = self.transmit(mode).await;
        match (sent, failed) {
            (Sent::Settled(State::Failed), Some(value)) => {
                if let Some(turn) = self.turn.take() {
                    turn.share(Ending::Failed(value));
                }
                self.report(How::Executed);
                R::from_result(Err(error))
            }
            (Sent::Settled(State::InDoubt), Some(_)) => {
                self.report(How::InDoubt);
                self.answer(self.in_doubt(Some(said)))
            }
            (Sent::Settled(State::InDoubt), None) => {
                if begun {
                    self.warn_of_doubt(&said);
                }
                self.report(How::InDoubt);
                R::from_result(Err(error))
            }
            (Sent::Fenced, _) if begun => {
                self.report(How::Refused);
                self.answer(self.open.lease_lost(Some(said)))
            }
            (Sent::Settled(State::Free | State::Running | State::Done | State::Failed), _)
            | (Sent::Fenced | Sent::Failed(_), _) => {
                self.report(How::Executed);
                R::from_result(Err(error))
            }
        }
    }

    /// Ends the check phase without an answer: the store turns "free" into doubt where there was doubt.
    pub(super) async fn withdraw(mut self, last_error: Option<Arc<str>>, mode: Mode) {
        self.outcome = Some(Resolution::Free { last_error });
        self.transmit(mode).await;
    }

    /// Sends the outcome. If the store cannot be reached, dropping the claim hands it to the keeper.
    async fn transmit(&mut self, mode: Mode) -> Sent {
        let Some(resolution) = self.outcome.clone() else {
            return Sent::Fenced;
        };
        let request = Request::Settle { held: self.open.held, resolution };
        match send(&self.open.store, &self.open.subject, request, mode).await {
            Ok(Answered { answer: Answer::Settled(settled), .. }) => {
                self.over = true;
                Sent::Settled(settled.state)
            }
            Ok(Answered { answer: Answer::Fenced(_), .. }) => {
                if let Some(evidence) = self.evidence() {
                    let note = Request::Note { token: self.open.held.token, text: evidence };
                    if send(&self.open.store, &self.open.subject, note.clone(), mode).await.is_err() {
                        self.handle.keeper().take(Job {
                            subject: Arc::clone(&self.open.subject),
                            request: note,
                            evidence: None,
                            turn: None,
                        });
                    }
                }
                self.over = true;
                Sent::Fenced
            }
            Ok(Answered { answer, .. }) => Sent::Failed(unexpected("settle", answer)),
            Err(error) => Sent::Failed(error),
        }
    }

    /// What an operator wants to know of an outcome that was refused.
    fn evidence(&self) -> Option<Arc<str>> {
        match self.outcome.as_ref()? {
            Resolution::Done { value, .. } => {
                Some(format!("a late attempt ended with {}", self.call.rules.text(value)).into())
            }
            Resolution::Failed { text, .. } => {
                Some(format!("a late attempt ended with the error: {text}").into())
            }
            Resolution::InDoubt { last_error } => Some(match last_error {
                Some(said) => format!("a late attempt ended in doubt: {said}").into(),
                None => "a late attempt ended in doubt, without a word".into(),
            }),
            Resolution::Free { .. } => None,
        }
    }

    /// How an attempt ends that ended without a word.
    fn interrupted(&self, last_error: Option<Arc<str>>) -> Resolution {
        if !self.asking && self.open.begun() {
            Resolution::InDoubt { last_error }
        } else {
            Resolution::Free { last_error }
        }
    }

    pub(super) fn in_doubt(&self, last_error: Option<Arc<str>>) -> Error {
        Error::InDoubt(Box::new(InDoubt {
            site: Site::of(&self.open.subject),
            fence: self.open.held.fence,
            attempt: self.attempt,
            last_error: last_error.or_else(|| self.last_error.clone()),
            retry_in: None,
            has_marker: self.call.operation.has_marker,
        }))
    }

    /// Without the values of the arguments, which are nobody's to log.
    fn warn_of_doubt(&self, said: &str) {
        let error = self.in_doubt(None);
        events::doubt(&self.open.subject, self.attempt, said, &error);
    }

    pub(super) fn answer(&self, error: Error) -> R {
        R::from_result(Err((self.call.rules.from_error)(error)))
    }

    pub(super) fn report(&self, how: How) {
        report(&self.open.subject, &self.span, how, self.attempt);
    }
}

pin_project! {
    /// A body that runs under its claim; see [`Claim::run`].
    #[must_use = "a body does nothing until it is awaited"]
    pub struct Running<'a, R: Returns, F> {
        claim: &'a Claim<R>,
        attempt: Attempt,
        #[pin]
        body: F,
    }
}

impl<R: Returns, F: Future<Output = R>> Future for Running<'_, R, F> {
    type Output = Ran<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ran<R>> {
        let this = self.project();
        let open = &this.claim.open;
        if open.lost(context.waker()) {
            return Poll::Ready(Ran(None));
        }
        open.begin();
        let _entered = this.attempt.enter();
        match catch_unwind(AssertUnwindSafe(|| this.claim.span.inside(|| this.body.poll(context)))) {
            Ok(polled) => polled.map(|out| Ran(Some(out))),
            Err(payload) if Stop::is_for(&*payload, open.token()) => Poll::Ready(Ran(None)),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<R: Returns> Drop for Claim<R> {
    fn drop(&mut self) {
        self.handle.keeper().release(self.open.held.token);
        if self.over {
            return;
        }
        let resolution = match self.outcome.take() {
            Some(outcome) => outcome,
            None => {
                let resolution = self.interrupted(None);
                let doubt = matches!(resolution, Resolution::InDoubt { .. });
                self.span.inside(|| events::interrupted(&self.open.subject, self.attempt, doubt));
                metrics::interrupted(&self.open.subject.operation, doubt);
                resolution
            }
        };
        self.outcome = Some(resolution.clone());
        let evidence = self.evidence().map(|text| (self.open.held.token, text));
        self.handle.keeper().take(Job {
            subject: Arc::clone(&self.open.subject),
            request: Request::Settle { held: self.open.held, resolution },
            evidence,
            turn: self.turn.take(),
        });
    }
}

/// Tells observers and subscribers what became of a call.
pub(super) fn report(subject: &crate::store::Subject, span: &CallSpan, how: How, attempt: u32) {
    span.end(subject, how, attempt);
    tell(Outcome { key: subject.key, how, attempt });
}
