//! A store that fails as it is told to.

use std::any::Any;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gate::Gate;
use super::when::{Call, When};
use crate::block_on::block_on;
use crate::key::Key;
use crate::protocol::{Answer, Fence, Request};
use crate::store::{BoxFuture, Entry, Error, ErrorKind, Filter, Lease, Store, Subject, Trail};

/// What happens to a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The request never arrives: it is not applied, and the caller gets an error.
    RequestLost,
    /// The request is applied, and the caller gets an error.
    AnswerLost,
    /// The store refuses: the request is not applied, and the caller gets this error.
    Error(Error),
    /// The store panics, and the request is not applied. The panic has no message.
    RequestPanics,
    /// The request is applied, and then the store panics. The panic has no message.
    AnswerPanics,
    /// The request waits at the gate before it is applied.
    HoldRequest(Gate),
    /// The request is applied, and its answer waits at the gate.
    HoldAnswer(Gate),
    /// The request waits so long before it is applied.
    Delay(Duration),
    /// The call goes through, although a later rule says otherwise.
    None,
}

/// A [`Store`] around another one, which fails as the test tells it to.
///
/// ```
/// use std::sync::Arc;
/// use idempotent::{MemoryStore, testing::{Call, Fault, FaultyStore}};
///
/// let store = FaultyStore::new(MemoryStore::new())
///     .on(Call::Mark.nth(1), Fault::AnswerLost)
///     .on(Call::Settle.first(2), Fault::RequestLost);
/// let faults = store.faults(); // a handle for later, while `store` is in use
/// let store = Arc::new(store);
/// faults.down(); // nothing goes through ..
/// faults.up(); // .. until here
/// assert_eq!(faults.count(Call::Claim), 0);
/// # let _ = store;
/// ```
///
/// The first rule that hits a call decides it; a call that no rule hits goes through. Each rule counts the
/// calls of its kind from the moment when it is set. [`Store::lease`] and [`Store::changed`] always go through.
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    faults: Faults,
}

/// The handle on the faults of a [`FaultyStore`]. Clones are the same handle.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    down: bool,
    rules: Vec<Rule>,
    counts: [usize; Call::ALL.len()],
}

#[derive(Debug)]
struct Rule {
    when: When,
    fault: Fault,
    seen: usize,
}

impl<S: Store> FaultyStore<S> {
    /// A store without faults around `inner`.
    pub fn new(inner: S) -> FaultyStore<S> {
        FaultyStore { inner, faults: Faults::default() }
    }

    /// The same store with one more rule.
    #[must_use]
    pub fn on(self, when: When, fault: Fault) -> Self {
        self.faults.on(when, fault);
        self
    }

    /// A handle to set faults and read counts while the store is in use.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The store inside, without faults.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Does to the call `sent` what the rules say.
    async fn disturb<T>(&self, call: Call, sent: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.faults.next(call) {
            Fault::None => sent.await,
            Fault::RequestLost => Err(lost(call, "request")),
            Fault::Error(error) => Err(error),
            Fault::AnswerLost => {
                sent.await?;
                Err(lost(call, "answer"))
            }
            Fault::RequestPanics => resume_unwind(panicking(call)),
            Fault::AnswerPanics => {
                sent.await?;
                resume_unwind(panicking(call))
            }
            Fault::HoldRequest(gate) => {
                gate.pass().await;
                sent.await
            }
            Fault::HoldAnswer(gate) => {
                let answer = sent.await;
                gate.pass().await;
                answer
            }
            Fault::Delay(time) => {
                futures_timer::Delay::new(time).await;
                sent.await
            }
        }
    }
}

impl Faults {
    /// Adds a rule behind those that are there.
    pub fn on(&self, when: When, fault: Fault) {
        self.lock().rules.push(Rule { when, fault, seen: 0 });
    }

    /// Removes all rules. The counts and an outage stay.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// Begins an outage: no call goes through, whatever the rules say.
    pub fn down(&self) {
        self.lock().down = true;
    }

    /// Ends the outage.
    pub fn up(&self) {
        self.lock().down = false;
    }

    /// How many calls of this kind were made, failed ones included.
    #[must_use]
    pub fn count(&self, call: Call) -> usize {
        self.lock().counts[call as usize]
    }

    /// How many calls were made in all, failed ones included.
    #[must_use]
    pub fn total(&self) -> usize {
        self.lock().counts.iter().sum()
    }

    /// Counts this call and finds what is to happen to it.
    fn next(&self, call: Call) -> Fault {
        let mut plan = self.lock();
        plan.counts[call as usize] += 1;
        let mut found = None;
        for rule in plan.rules.iter_mut().filter(|rule| rule.when.concerns(call)) {
            rule.seen += 1;
            if found.is_none() && rule.when.hits(rule.seen) {
                found = Some(rule.fault.clone());
            }
        }
        if plan.down {
            return Fault::Error(unavailable("the store is down".into()));
        }
        found.unwrap_or(Fault::None)
    }

    /// Counters and rules are whole at every moment, so a poisoned lock holds nothing wrong.
    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(call: Call, what: &str) -> Error {
    unavailable(format!("the {what} of {call:?} was lost"))
}

fn panicking(call: Call) -> Box<dyn Any + Send> {
    Box::new(format!("the store panics at {call:?}, as the test asked for"))
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, message, "this is a fault that the test asked for")
}

impl<S: Store> Store for FaultyStore<S> {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        let call = Call::of(&request);
        Box::pin(self.disturb(call, async move { self.inner.apply(subject, request).await }))
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        let call = Call::of(&request);
        let sent = async move { self.inner.apply_blocking(subject, request) };
        block_on(self.disturb(call, sent))
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(self.disturb(Call::Load, async move { self.inner.load(key).await }))
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(self.disturb(Call::List, async move { self.inner.list(filter).await }))
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        Box::pin(self.disturb(Call::Trail, async move { self.inner.trail(key).await }))
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(self.disturb(Call::Sweep, async move { self.inner.sweep(limit).await }))
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        self.inner.changed(key, fence)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::MemoryStore;
    use crate::protocol::{Claim, Policy, Token};

    fn subject() -> Arc<Subject> {
        Arc::new(Subject {
            key: Key::from_bytes([7; 32]),
            scope: "".into(),
            operation: "faulty".into(),
            call: "".into(),
        })
    }

    fn claim() -> Request {
        Request::Claim(Claim {
            token: Token([1; 16]),
            fingerprint: [0; 64],
            policy: Policy::Stay,
            after: 0,
            has_marker: true,
            first: false,
            lease: 1_000_000,
        })
    }

    fn is_there<S: Store>(store: &FaultyStore<S>) -> bool {
        block_on(store.inner().load(&subject().key)).unwrap().is_some()
    }

    /// Red when `RequestLost` or an outage applies the request, or `AnswerLost` does not; the same for both
    /// ways to apply.
    #[test]
    fn a_lost_request_is_not_applied_and_a_lost_answer_is() {
        for blocking in [false, true] {
            let apply = |store: &FaultyStore<MemoryStore>| {
                let subject = subject();
                if blocking {
                    store.apply_blocking(&subject, claim())
                } else {
                    block_on(store.apply(&subject, claim()))
                }
            };
            let store = FaultyStore::new(MemoryStore::new())
                .on(Call::Claim.nth(1), Fault::RequestLost)
                .on(Call::Claim.nth(3), Fault::AnswerLost);
            let faults = store.faults();
            assert!(apply(&store).unwrap_err().is_transient());
            assert!(!is_there(&store));
            faults.down();
            apply(&store).unwrap_err();
            assert!(!is_there(&store));
            faults.up();
            apply(&store).unwrap_err();
            assert!(is_there(&store));
            assert!(matches!(apply(&store), Ok(Answer::Run(_))), "the same token is granted again");
            assert_eq!((faults.count(Call::Claim), faults.count(Call::Mark), faults.total()), (4, 0, 4));
        }
    }

    /// Red when `RequestPanics` applies the request, `AnswerPanics` does not, or either is an error instead.
    #[test]
    fn a_store_panics_before_or_after() {
        for (fault, applied) in [(Fault::RequestPanics, false), (Fault::AnswerPanics, true)] {
            let store = FaultyStore::new(MemoryStore::new()).on(Call::Claim.nth(1), fault);
            let panics = std::panic::AssertUnwindSafe(|| store.apply_blocking(&subject(), claim()));
            assert!(std::panic::catch_unwind(panics).is_err());
            assert_eq!(is_there(&store), applied);
            assert!(store.apply_blocking(&subject(), claim()).is_ok());
        }
    }

    /// Red when a rule counts calls from before it was set, hits another kind, or hits once too often.
    #[test]
    fn a_rule_counts_from_when_it_is_set_and_minds_its_kind() {
        let refusal = Error::new(ErrorKind::Refused, "no", "ask");
        let store = FaultyStore::new(MemoryStore::new());
        let faults = store.faults();
        let load = || block_on(store.load(&subject().key)).map(|_| ());
        load().unwrap();
        faults.on(Call::Load.nth(2), Fault::Error(refusal));
        faults.on(Call::List.always(), Fault::RequestLost);
        load().unwrap();
        assert_eq!(load().unwrap_err().kind(), ErrorKind::Refused);
        load().unwrap();
        faults.clear();
        assert!(block_on(store.list(&Filter::default())).is_ok());
        assert_eq!(faults.count(Call::Load), 4);
    }

    /// Red when a held request is applied before the gate opens, or a held answer's request after.
    #[test]
    fn a_gate_holds_requests_before_and_answers_after_they_are_applied() {
        for (fault, applied) in
            [(Fault::HoldRequest as fn(Gate) -> Fault, false), (Fault::HoldAnswer as fn(Gate) -> Fault, true)]
        {
            let gate = Gate::new();
            let store = FaultyStore::new(MemoryStore::new()).on(Call::Claim.nth(1), fault(gate.clone()));
            thread::scope(|scope| {
                let call = scope.spawn(|| store.apply_blocking(&subject(), claim()));
                gate.reached_blocking(1);
                let seen = (is_there(&store), call.is_finished());
                // Before anything is asserted: a thread at a closed gate would never be joined.
                gate.open();
                assert_eq!(seen, (applied, false));
                assert!(matches!(call.join().unwrap(), Ok(Answer::Run(_))));
            });
            assert!(is_there(&store));
        }
    }
}
