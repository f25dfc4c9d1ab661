//! The way of a call to its claim or its answer.

use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Identity};
use super::check::Asking;
use super::claim::{Claim, report};
use super::outcome::Returns;
use super::wait::{POLL, TRUST, duration, pause_between, wait_for, wait_for_change};
use crate::attempt;
use crate::block_on::block_on;
use crate::clock::micros;
use crate::error::{Error, InDoubt, InProgress, KeyReused, Site, StoreFailed, StoredValue};
use crate::handle::Handle;
use crate::install::installed;
use crate::keeper::{Job, Open, too_late};
use crate::observe::{How, inspects};
use crate::pause::Deadline;
use crate::protocol::{self, Answer, Ending, Grant, Held, Micros, Policy, Request, Token};
use crate::send::{Answered, Mode, send, wrong_answer};
use crate::slots::{Found, Turn};
use crate::store::{self, ErrorKind, Subject};
use crate::telemetry::{CallSpan, events};

/// What a call comes to: an answer, or the right to run its body.
#[expect(clippy::large_enum_variant, reason = "taken apart at once; a box would allocate at every call")]
pub enum Next<R: Returns> {
    /// A replay or a refusal.
    Answer(R),
    /// The body is to be run.
    Run(Claim<R>),
}

/// What a call with a check comes to: its check is to be asked first, or as [`Next`].
pub enum Claimed<R: Returns> {
    /// The check is to be asked.
    Check(Asking<R>),
    /// An answer, or the right to run.
    Next(Next<R>),
}

/// What asking the store came to.
enum Came<R: Returns> {
    /// An answer, and how it came about.
    Answer(R, How),
    /// The body is to be run.
    Run(Claim<R>),
    /// The check is to be asked.
    Check(Asking<R>),
}

/// A claim whose answer is not there yet: dropped, it is given up.
struct Unanswered<'a> {
    handle: &'a Handle,
    subject: &'a Arc<Subject>,
    token: Token,
    turn: Option<Turn>,
    /// A request is under way or its answer was lost.
    armed: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.handle.keeper().take(Job {
                subject: Arc::clone(self.subject),
                request: Request::Abandon { token: self.token },
                evidence: None,
                turn: self.turn.take(),
            });
        }
    }
}

impl<R: Returns> Call<R> {
    /// Asks for the right to run the body.
    pub async fn claim(self) -> Next<R> {
        let deadline = Deadline::after(self.operation.wait);
        self.next(Mode::Async, deadline).await
    }

    /// [`claim`](Call::claim) for a synchronous function.
    pub fn claim_blocking(self) -> Next<R> {
        let deadline = Deadline::after(self.operation.wait);
        block_on(self.next(Mode::Blocking, deadline))
    }

    /// Asks for the right to run the body, or to ask the check first where there is doubt, and before a first
    /// attempt if the operation says so.
    pub async fn claim_or_check(self) -> Claimed<R> {
        let deadline = Deadline::after(self.operation.wait);
        self.claimed(true, Mode::Async, deadline).await
    }

    /// [`claim_or_check`](Call::claim_or_check) for a synchronous function.
    pub fn claim_or_check_blocking(self) -> Claimed<R> {
        let deadline = Deadline::after(self.operation.wait);
        block_on(self.claimed(true, Mode::Blocking, deadline))
    }

    async fn next(self, mode: Mode, deadline: Deadline) -> Next<R> {
        match self.claimed(false, mode, deadline).await {
            Claimed::Next(next) => next,
            // Only a claim under the policy "check" is answered so; the claim is given back.
            Claimed::Check(asking) => Next::Answer(asking.unasked()),
        }
    }

    pub(super) async fn claimed(self, asks: bool, mode: Mode, deadline: Deadline) -> Claimed<R> {
        let rules = self.rules;
        let refused = |error| Claimed::Next(Next::Answer(R::from_result(Err((rules.from_error)(error)))));
        let Identity { subject, fingerprint } = match self.identity.clone() {
            Ok(identity) => identity,
            Err(error) => return refused(error),
        };
        if inspects(|| Site::of(&subject)) {
            return refused(Error::Inspected(Box::new(Site::of(&subject))));
        }
        let span = CallSpan::of(&subject);
        match span.around(self.asked(asks, mode, deadline, &subject, fingerprint)).await {
            Ok(Came::Run(mut claim)) => {
                span.begins(claim.attempt);
                claim.span = span;
                Claimed::Next(Next::Run(claim))
            }
            Ok(Came::Check(mut asking)) => {
                asking.claim.span = span;
                Claimed::Check(asking)
            }
            Ok(Came::Answer(out, how)) => {
                report(&subject, &span, how, 0);
                Claimed::Next(Next::Answer(out))
            }
            Err(error) => {
                let how = if matches!(error, Error::InDoubt(_)) { How::InDoubt } else { How::Refused };
                report(&subject, &span, how, 0);
                refused(error)
            }
        }
    }

    async fn asked(
        self,
        asks: bool,
        mode: Mode,
        deadline: Deadline,
        subject: &Arc<Subject>,
        fingerprint: [u8; 64],
    ) -> Result<Came<R>, Error> {
        let handle = match &self.handle {
            Some(handle) => handle.clone(),
            None => installed(self.operation.name())?,
        };
        if attempt::holds(handle.id(), &subject.key) {
            return Err(in_progress(subject, None, Duration::ZERO, true));
        }
        if handle.keeper().is_swamped() {
            return Err(store_failed(subject, swamped()));
        }
        loop {
            let turn = match handle.slots().enter(subject.key, fingerprint) {
                Found::Mine(turn) => Some(turn),
                Found::Same(slot) if deadline.left() > Duration::ZERO => {
                    match wait_for(&slot, deadline).await {
                        Some(Some(ending)) => {
                            return Ok(self.replay(&handle, subject, &ending, How::Waited));
                        }
                        Some(None) => continue,
                        None => return Err(in_progress(subject, None, TRUST, false)),
                    }
                }
                Found::Ending(slot) => match wait_for(&slot, deadline).await {
                    Some(_) => continue,
                    None => return Err(in_progress(subject, None, TRUST, false)),
                },
                // Only the store can judge other arguments, and name the holder to a call that will not wait.
                Found::Same(_) | Found::Other => None,
            };
            return self.claim_from_store(asks, mode, deadline, &handle, subject, fingerprint, turn).await;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, taken apart by its only caller")]
    async fn claim_from_store(
        self,
        asks: bool,
        mode: Mode,
        deadline: Deadline,
        handle: &Handle,
        subject: &Arc<Subject>,
        fingerprint: [u8; 64],
        turn: Option<Turn>,
    ) -> Result<Came<R>, Error> {
        let lease = handle.lease();
        let policy = match (asks, self.operation.rerun) {
            (true, _) => Policy::Check,
            (false, true) => Policy::Rerun,
            (false, false) => Policy::Stay,
        };
        let has_marker = self.operation.has_marker;
        let mut asking = Unanswered { handle, subject, token: fresh_token()?, turn, armed: false };
        let mut how = How::Replayed;
        let mut stale = false;
        let mut next_poll = POLL.0;
        let mut roused = None;
        loop {
            let request = Request::Claim(protocol::Claim {
                token: asking.token,
                fingerprint,
                policy,
                after: self.operation.check_after.unwrap_or(0),
                has_marker,
                first: asks && self.operation.check_first,
                lease: micros(lease.length),
            });
            asking.armed = true;
            let answered = send(handle.store(), subject, request, mode).await;
            let Answered { answer, sent } = answered.map_err(|error| store_failed(subject, error))?;
            match answer {
                // Without a marker the effect begins here, so a late answer counts as none: ask again.
                Answer::Run(_) if !has_marker && too_late(lease, sent) => {
                    if deadline.left().is_zero() {
                        return Err(store_failed(subject, too_slow()));
                    }
                }
                Answer::Run(grant) => {
                    let turn = asking.answered();
                    let claim = self.granted(handle, subject, asking.token, &grant, turn, sent, false);
                    return Ok(Came::Run(claim));
                }
                Answer::Check { grant, quiet_left } => {
                    let turn = asking.answered();
                    let claim = self.granted(handle, subject, asking.token, &grant, turn, sent, true);
                    return Ok(Came::Check(Asking::new(claim, !grant.prior, quiet_left, deadline)));
                }
                Answer::Replay(ending) => {
                    let turn = asking.answered();
                    let out = self.replay(handle, subject, &ending, how);
                    if let Some(turn) = turn {
                        turn.share(ending);
                    }
                    return Ok(out);
                }
                Answer::Busy(busy) => {
                    asking.armed = false;
                    if how == How::Replayed {
                        events::waits(subject, &busy);
                    }
                    how = How::Waited;
                    if deadline.left().is_zero() {
                        let retry_in = if busy.left > 0 { duration(busy.left) } else { TRUST };
                        return Err(in_progress(subject, busy.named, retry_in, false));
                    }
                    // Told of a change, and nothing has changed: a store may do that, and must not be asked
                    // again at once each time.
                    if roused == Some(busy.fence) {
                        pause_between(&busy, deadline, &mut next_poll).await;
                    }
                    let changed = wait_for_change(handle, subject, &busy, deadline, &mut next_poll).await;
                    roused = changed.then_some(busy.fence);
                }
                // A late copy of this very claim had ended it: once more, as a new one.
                Answer::Stale if !stale => {
                    stale = true;
                    asking.token = fresh_token()?;
                }
                Answer::KeyReused { stored } => {
                    asking.armed = false;
                    let arguments_changed = stored[32..] != fingerprint[32..];
                    return Err(Error::KeyReused(Box::new(KeyReused {
                        site: Site::of(subject),
                        arguments_changed,
                    })));
                }
                Answer::InDoubt(doubt) => {
                    asking.armed = false;
                    return Err(Error::InDoubt(Box::new(InDoubt {
                        site: Site::of(subject),
                        fence: doubt.fence,
                        attempt: doubt.attempt,
                        last_error: doubt.last_error,
                        retry_in: None,
                        has_marker,
                    })));
                }
                Answer::Unreadable { why } => {
                    asking.armed = false;
                    return Err(Error::StoredValue(Box::new(StoredValue { site: Site::of(subject), why })));
                }
                other @ (Answer::Stale
                | Answer::Ok
                | Answer::Early { .. }
                | Answer::Fenced(_)
                | Answer::Settled(_)
                | Answer::NotFound) => return Err(store_failed(subject, wrong_answer("claim", &other))),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one grant, taken apart by its only caller")]
    fn granted(
        self,
        handle: &Handle,
        subject: &Arc<Subject>,
        token: Token,
        grant: &Grant,
        turn: Option<Turn>,
        sent: Micros,
        asking: bool,
    ) -> Claim<R> {
        let open = Arc::new(Open::new(
            Arc::clone(handle.store()),
            Arc::clone(subject),
            Held { token, fence: grant.fence },
            handle.lease(),
            self.operation.has_marker,
            sent,
        ));
        handle.keeper().keep(&open);
        events::claimed(subject, grant.attempt, grant.fence, asking);
        Claim {
            open,
            call: self,
            handle: handle.clone(),
            turn,
            attempt: grant.attempt,
            last_error: grant.last_error.clone(),
            asking,
            outcome: None,
            over: false,
            span: CallSpan::none(),
        }
    }

    /// The recorded ending, as this function returns it.
    fn replay(&self, handle: &Handle, subject: &Subject, ending: &Ending, how: How) -> Came<R> {
        let codecs = handle.codecs();
        let read = match ending {
            Ending::Done(value) => self.rules.decode_done(self.operation, codecs, value).map(Ok),
            Ending::Failed(value) => self.rules.decode_failed(codecs, value).map(Err),
        };
        let (result, how) = match read {
            Ok(result) => (result, how),
            Err(why) => {
                let error = Error::StoredValue(Box::new(StoredValue { site: Site::of(subject), why }));
                (Err((self.rules.from_error)(error)), How::Refused)
            }
        };
        Came::Answer(R::from_result(result), how)
    }
}

impl Unanswered<'_> {
    /// The answer is there: nothing is to be given up.
    fn answered(&mut self) -> Option<Turn> {
        self.armed = false;
        self.turn.take()
    }
}

fn fresh_token() -> Result<Token, Error> {
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|error| {
        Error::Store(Box::new(StoreFailed {
            site: None,
            source: store::Error::new(
                ErrorKind::Unavailable,
                format!("the system gives no random bytes: {error}"),
                "a claim needs a token that nobody else has: look at the system's random source",
            ),
            unrecorded: None,
        }))
    })?;
    Ok(Token(token))
}

fn swamped() -> store::Error {
    store::Error::new(
        ErrorKind::Unavailable,
        "the store has been failing for so long that too many ended attempts wait to be recorded in it",
        "see that the store can be reached: what waits is recorded then, and calls are made again",
    )
}

pub(super) fn too_slow() -> store::Error {
    store::Error::new(
        ErrorKind::Unavailable,
        "the store answers later than its lease lasts",
        "call again; choose a longer lease if this goes on",
    )
}

fn in_progress(subject: &Subject, holder: Option<Arc<str>>, retry_in: Duration, by_itself: bool) -> Error {
    Error::InProgress(Box::new(InProgress { site: Site::of(subject), holder, retry_in, by_itself }))
}

fn store_failed(subject: &Subject, source: store::Error) -> Error {
    Error::Store(Box::new(StoreFailed { site: Some(Site::of(subject)), source, unrecorded: None }))
}
