//! A claim while it is held: what its body, its keeper and its settle share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::clock::{boot_micros, micros};
use crate::error::{Error, LeaseLost, Site, StoreFailed, StoredValue};
use crate::protocol::{Answer, Held, Micros, Request, Token};
use crate::send::{Answered, Mode, send, unexpected, wrong_answer};
use crate::store::{self, Lease, Store, Subject};
use crate::telemetry::events;

pub(crate) struct Open {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) subject: Arc<Subject>,
    pub(crate) held: Held,
    lease: Lease,
    has_marker: bool,
    life: Mutex<Life>,
}

#[derive(Default)]
struct Life {
    /// A mark failed: nothing more is evaluated under this claim, and the call returns this.
    latched: Option<Error>,
    /// The claim is gone or its time is over: an asynchronous body is dropped.
    lost: bool,
    /// The effect of this attempt may have begun.
    begun: bool,
    /// Until when the claim lives unrenewed, on this machine's boot clock.
    valid_until: Micros,
    /// Wakes the body, so that it can be dropped.
    body: Option<Waker>,
}

impl Open {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        subject: Arc<Subject>,
        held: Held,
        lease: Lease,
        has_marker: bool,
        sent: Micros,
    ) -> Open {
        let life = Life { valid_until: end(sent, lease), ..Life::default() };
        Open { store, subject, held, lease, has_marker, life: Mutex::new(life) }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        // Each change leaves all fields valid, so a poisoned lock holds nothing half done.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn token(&self) -> Token {
        self.held.token
    }

    /// The length of the lease as requests carry it.
    pub(crate) fn lease_micros(&self) -> Micros {
        micros(self.lease.length)
    }

    /// Whether an answer to a request sent at `sent` comes too late to be acted on.
    pub(crate) fn too_late(&self, sent: Micros) -> bool {
        too_late(self.lease, sent)
    }

    /// The body begins; without a marker, so does its effect.
    pub(crate) fn begin(&self) {
        if !self.has_marker {
            self.life().begun = true;
        }
    }

    /// Whether the effect of this attempt may have begun.
    pub(crate) fn begun(&self) -> bool {
        self.life().begun
    }

    pub(crate) fn latched(&self) -> Option<Error> {
        self.life().latched.clone()
    }

    /// A move that was answered in time extends the claim; what was said of its loss no longer counts.
    pub(crate) fn extend(&self, sent: Micros) {
        let mut life = self.life();
        life.valid_until = life.valid_until.max(end(sent, self.lease));
        life.lost = false;
    }

    /// Whether the body must end now; if not, `waker` is called when that changes.
    pub(crate) fn lost(&self, waker: &Waker) -> bool {
        let mut life = self.life();
        if !life.lost && !life.body.as_ref().is_some_and(|body| body.will_wake(waker)) {
            life.body = Some(waker.clone());
        }
        life.lost
    }

    /// Whether the claim may be another's by now: a renewal was refused, or none was answered for a whole lease.
    pub(crate) fn may_be_gone(&self) -> bool {
        let life = self.life();
        life.lost || boot_micros() >= life.valid_until
    }

    fn lose(&self) {
        let mut life = self.life();
        life.lost = true;
        let body = life.body.take();
        drop(life);
        if let Some(body) = body {
            body.wake();
        }
    }

    /// Durably announces that the effect is about to begin. After an error nothing more may be evaluated.
    pub(crate) async fn mark(&self, mode: Mode) -> Result<(), Error> {
        if let Some(error) = self.latched() {
            return Err(error);
        }
        let request = Request::Mark { held: self.held, lease: self.lease_micros() };
        let error = match send(&self.store, &self.subject, request, mode).await {
            Ok(Answered { answer: Answer::Ok, sent }) if !self.too_late(sent) => {
                self.extend(sent);
                let mut life = self.life();
                // Another mark of this claim, under way at once, may have failed meanwhile.
                match &life.latched {
                    None => {
                        life.begun = true;
                        drop(life);
                        events::marked(&self.subject, self.held.fence);
                        return Ok(());
                    }
                    Some(error) => error.clone(),
                }
            }
            Ok(Answered { answer: Answer::Ok | Answer::Fenced(_), .. }) => self.lease_lost(None),
            Ok(Answered { answer: Answer::Unreadable { why }, .. }) => self.unreadable(why),
            Ok(Answered { answer, .. }) => self.store_failed(wrong_answer("mark", &answer), None),
            Err(error) => self.store_failed(error, None),
        };
        self.life().latched.get_or_insert(error.clone());
        Err(error)
    }

    /// One renewal by the keeper.
    pub(crate) async fn renew(&self) {
        let sent = boot_micros();
        let request = Request::Renew { held: self.held, lease: self.lease_micros() };
        match self.store.apply(&self.subject, request).await {
            Ok(Answer::Ok) => self.extend(sent),
            // Before its effect, a body that has lost its claim can only be refused later. After it, its word
            // may still be accepted, or be evidence.
            Ok(Answer::Fenced(_)) if !self.begun() => self.lose(),
            Ok(Answer::Fenced(_)) => {}
            Ok(answer @ Answer::Unreadable { .. }) => {
                events::not_renewed(&self.subject, &unexpected("renewal", answer));
            }
            Ok(answer) => {
                let error = wrong_answer("renewal", &answer);
                events::wrong_answer(&self.subject, &error);
            }
            Err(error) => events::not_renewed(&self.subject, &error),
        }
    }

    /// How long until the claim's time is over, where time decides.
    pub(crate) fn ends_in(&self) -> Option<Duration> {
        let life = self.life();
        (self.lease.is_deadline && !life.lost).then(|| {
            let left = life.valid_until.saturating_sub(boot_micros()).max(0);
            Duration::from_micros(u64::try_from(left).unwrap_or(0))
        })
    }

    /// Ends the body if the claim's time is over.
    pub(crate) fn lapse(&self, now: Micros) {
        let over = {
            let life = self.life();
            self.lease.is_deadline && !life.lost && now >= life.valid_until
        };
        if over {
            self.lose();
        }
    }

    pub(crate) fn lease_lost(&self, unrecorded: Option<Arc<str>>) -> Error {
        let effect_begun = self.begun();
        Error::LeaseLost(Box::new(LeaseLost { site: Site::of(&self.subject), effect_begun, unrecorded }))
    }

    /// Somebody has damaged the record while it was held.
    pub(crate) fn unreadable(&self, why: Arc<str>) -> Error {
        Error::StoredValue(Box::new(StoredValue { site: Site::of(&self.subject), why }))
    }

    pub(crate) fn store_failed(&self, source: store::Error, unrecorded: Option<Arc<str>>) -> Error {
        Error::Store(Box::new(StoreFailed { site: Some(Site::of(&self.subject)), source, unrecorded }))
    }
}

fn end(sent: Micros, lease: Lease) -> Micros {
    sent.saturating_add(micros(lease.length))
}

/// An answer that arrives later than *sent + lease* does not count where the lease decides who is alive.
pub(crate) fn too_late(lease: Lease, sent: Micros) -> bool {
    lease.is_deadline && boot_micros() >= end(sent, lease)
}
