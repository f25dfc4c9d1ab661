//! One case of the matrix: what is called, on a record in which state, under which fault.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::store::Subject;
use idempotent::testing::{Call, Fault, Gate};
use idempotent::{Error, Filter, OperatorError, effect, idempotent, inspect, inspect_async};
use serde::{Deserialize, Serialize};

use super::acts::Act;
use super::hows::How;
use super::states::{At, Site};
use crate::script::fresh;

/// An error that can be recorded, and can carry the library's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Oops {
    Own(String),
    Library(String),
}

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Oops::Own(text) | Oops::Library(text) => f.write_str(text),
        }
    }
}

impl From<Error> for Oops {
    fn from(error: Error) -> Oops {
        Oops::Library(error.code().to_owned())
    }
}

/// What a caller was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// A result of its own run.
    Ran(u32),
    /// A result that was there.
    Replayed(u32),
    /// The body's own error, from its own run or from the record.
    Own,
    /// The library's error, by its code; or another function's refusal, by its name.
    Code(String),
    /// It looked, and saw.
    Seen,
    /// The store's panic went through.
    Panicked,
    /// Nobody was there to be told.
    Nobody,
}

impl Told {
    pub(super) fn code(code: &str) -> Told {
        Told::Code(code.to_owned())
    }
}

pub(super) struct Case<'s> {
    pub(super) site: &'s Site,
    pub(super) act: Act,
    pub(super) at: At,
    pub(super) how: How,
    pub(super) id: u32,
    pub(super) gate: Gate,
    fingerprint: [u8; 64],
    struck: AtomicBool,
    pub(super) runs: AtomicUsize,
    pub(super) acts: AtomicUsize,
    /// What the caller is to be, when it is not the act itself.
    plain: bool,
}

#[idempotent(key = id, name = "matrix.stores", skip(case), store = case.site.world.handle, wait = "0s", on_err = store)]
fn stores(case: &Case<'_>, id: u32) -> Result<u32, Oops> {
    case.before()?;
    effect!(case.acts());
    case.after()
}

#[idempotent(key = id, name = "matrix.doubts", skip(case), store = case.site.world.handle, wait = "0s")]
fn doubts(case: &Case<'_>, id: u32) -> Result<u32, Oops> {
    case.before()?;
    effect!(case.acts());
    case.after()
}

#[idempotent(key = id, name = "matrix.drops", skip(case), store = case.site.world.handle, wait = "0s", on_err = store)]
async fn drops(case: &Case<'_>, id: u32) -> Result<u32, Oops> {
    case.before()?;
    effect!(case.acts());
    if !case.plain {
        std::future::pending::<()>().await;
    }
    case.after()
}

fn find(case: &Case<'_>, _: u32) -> Result<Option<u32>, String> {
    if !case.plain {
        case.strike();
    }
    Ok(None)
}

#[idempotent(key = id, name = "matrix.checked", skip(case), store = case.site.world.handle, wait = "0s", on_err = store,
    check(find, after = "0s"))]
fn checked(case: &Case<'_>, id: u32) -> Result<u32, Oops> {
    case.before()?;
    effect!(case.acts());
    case.after()
}

impl<'s> Case<'s> {
    pub(super) fn new(
        site: &'s Site,
        act: Act,
        at: At,
        how: How,
        id: u32,
        fingerprint: [u8; 64],
    ) -> Case<'s> {
        Case {
            site,
            act,
            at,
            how,
            id,
            gate: Gate::new(),
            fingerprint,
            struck: AtomicBool::new(false),
            runs: AtomicUsize::new(0),
            acts: AtomicUsize::new(0),
            plain: false,
        }
    }

    /// A call of the same key that nothing happens to.
    pub(super) fn again(&self) -> Case<'s> {
        Case { plain: true, ..Case::new(self.site, self.act, self.at, self.how, self.id, self.fingerprint) }
    }

    pub(super) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(super) fn subject(&self) -> Arc<Subject> {
        let call = || match self.act {
            Act::Proceed => inspect(|| checked(self, self.id)),
            Act::SettleDoubt => inspect(|| doubts(self, self.id)),
            Act::Drop | Act::Abandon => pollster::block_on(inspect_async(drops(self, self.id))),
            _ => inspect(|| stores(self, self.id)),
        };
        let operation = match self.act {
            Act::Proceed => "matrix.checked",
            Act::SettleDoubt => "matrix.doubts",
            Act::Drop | Act::Abandon => "matrix.drops",
            _ => "matrix.stores",
        };
        Arc::new(Subject {
            key: call().expect("a key"),
            scope: "".into(),
            operation: operation.into(),
            call: format!("id={}", self.id).into(),
        })
    }

    /// What the fingerprint of all these calls is.
    pub(super) fn fingerprint(site: &Site, act: Act) -> [u8; 64] {
        let case = Case { plain: true, ..Case::new(site, act, At::Absent, How::Untouched, 0, [0; 64]) };
        assert!(matches!(case.call(), Told::Ran(_)));
        let entry = site.entry(&case.subject()).expect("it is recorded");
        entry.record.expect("it can be read").fingerprint
    }

    fn reach(&self, at: At) {
        self.site.reach(&self.subject(), self.fingerprint, at);
    }

    /// The moment has come: the record gets into its state, and the fault lies in wait.
    fn strike(&self) {
        if !self.struck.swap(true, Ordering::SeqCst) {
            if self.at != At::LiveOwn {
                self.reach(self.at);
            }
            self.how.set(&self.site.world.faults, self.act.call(), &self.gate);
        }
    }

    fn before(&self) -> Result<(), Oops> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        if self.plain {
            return Ok(());
        }
        match self.act {
            Act::Mark => self.strike(),
            Act::Renew => {
                let renewals = || self.site.world.faults.count(Call::Renew);
                self.strike();
                let from = renewals();
                let wanted = if matches!(self.how, How::RequestLost(_) | How::AnswerLost(_)) { 5 } else { 2 };
                let until = Instant::now() + Duration::from_secs(60);
                while renewals() < from + wanted && !(self.how.is_late() && self.gate.arrived() > 0) {
                    assert!(Instant::now() < until, "the keeper does not renew");
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Act::SettleFree => {
                self.strike();
                return Err(Oops::Own("the portal is closed".to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    fn acts(&self) {
        self.acts.fetch_add(1, Ordering::SeqCst);
    }

    fn after(&self) -> Result<u32, Oops> {
        let value = fresh() as u32 + 100_000;
        if self.plain {
            return Ok(value);
        }
        match self.act {
            Act::SettleDone => self.strike(),
            Act::Note => self.strike(),
            Act::SettleFailed | Act::SettleDoubt => {
                self.strike();
                return Err(Oops::Own("the connection was cut".to_owned()));
            }
            _ => {}
        }
        Ok(value)
    }

    /// Calls the function.
    pub(super) fn call(&self) -> Told {
        let result = match self.act {
            Act::Proceed => checked(self, self.id),
            Act::SettleDoubt => doubts(self, self.id),
            Act::Drop | Act::Abandon => pollster::block_on(drops(self, self.id)),
            _ => stores(self, self.id),
        };
        match result {
            Ok(value) if self.runs() > 0 => Told::Ran(value),
            Ok(value) => Told::Replayed(value),
            Err(Oops::Own(_)) => Told::Own,
            Err(Oops::Library(code)) => Told::Code(code),
        }
    }

    /// Does what the case is about, while a late request or answer waits at its gate for a moment.
    pub(super) fn run(&self) -> Told {
        match self.act {
            Act::Proceed => self.reach(At::InDoubt),
            act if act.begins_in_state() => self.reach(self.at),
            _ => self.reach(At::Absent),
        }
        if self.act.begins_in_state() {
            self.struck.store(true, Ordering::SeqCst);
            self.how.set(&self.site.world.faults, self.act.call(), &self.gate);
        }
        thread::scope(|scope| {
            let caller = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| self.perform())));
            if self.how.is_late() {
                let until = Instant::now() + Duration::from_secs(60);
                let over = || caller.is_finished() && !self.act.is_the_keepers();
                while self.gate.arrived() == 0 && !over() && Instant::now() < until {
                    thread::sleep(Duration::from_millis(1));
                }
                let waits = self.gate.arrived() > 0 && !over();
                self.gate.open();
                let told = caller.join().expect("the panic is caught");
                let Case { act, at, how, .. } = self;
                assert!(waits, "{act:?} on {at:?} under {how:?}: {told:?} before the answer came");
                return told.unwrap_or(Told::Panicked);
            }
            caller.join().expect("the panic is caught").unwrap_or(Told::Panicked)
        })
    }

    fn perform(&self) -> Told {
        let handle = &self.site.world.handle;
        let subject = self.subject();
        let key = &subject.key;
        let ada = handle.operator("ada", "to test");
        let seen = || self.site.seen(&subject);
        match self.act {
            Act::Claim
            | Act::Mark
            | Act::Proceed
            | Act::Renew
            | Act::SettleDone
            | Act::SettleFailed
            | Act::SettleDoubt
            | Act::SettleFree
            | Act::Note => self.call(),
            Act::Drop => {
                let mut call = pin!(drops(self, self.id));
                poll_until(call.as_mut(), || self.acts.load(Ordering::SeqCst) == 1);
                self.strike();
                Told::Nobody
            }
            Act::Abandon => {
                let gate = Gate::new();
                self.site.world.faults.on(Call::Claim.first(1), Fault::HoldAnswer(gate.clone()));
                let mut call = pin!(drops(self, self.id));
                poll_until(call.as_mut(), || gate.arrived() == 1);
                self.site.world.faults.clear();
                self.strike();
                Told::Nobody
            }
            Act::List => saw(handle.list(&Filter::default()).wait(), |all| {
                all.iter().find(|entry| entry.subject.key == *key).map(|entry| entry.status)
                    == self.at.status()
            }),
            Act::ShowRecord | Act::ShowTrail => saw(handle.show(key).wait(), |shown| {
                shown.entry.as_ref().map(|entry| entry.status) == self.at.status()
            }),
            Act::Ended => saw(handle.ended(key, Duration::ZERO).wait(), |entry| {
                entry.as_ref().map(|entry| entry.status) == self.at.status()
            }),
            Act::ResolveDone | Act::SeesResolveDone => ruled(ada.resolve_done(key, seen(), &9_000).wait()),
            Act::ResolveNotDone | Act::SeesResolveNotDone => ruled(ada.resolve_not_done(key, seen()).wait()),
            Act::Revoke | Act::SeesRevoke => ruled(ada.revoke(key, seen()).wait()),
            Act::Forget | Act::SeesForget => ruled(ada.forget(key, seen()).wait()),
            Act::Sweep => saw(handle.sweep(1_000).wait(), |_| true),
        }
    }
}

/// Drives a future on this thread until something has happened.
fn poll_until<F: Future>(mut future: Pin<&mut F>, so: impl Fn() -> bool)
where
    F::Output: fmt::Debug,
{
    let until = Instant::now() + Duration::from_secs(60);
    while !so() {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            panic!("it ended with {out:?}");
        }
        assert!(Instant::now() < until, "nothing happens");
        thread::yield_now();
    }
}

fn saw<T: fmt::Debug>(result: Result<T, idempotent::store::Error>, so: impl Fn(&T) -> bool) -> Told {
    match result {
        Ok(seen) if so(&seen) => Told::Seen,
        Ok(seen) => panic!("it saw {seen:?}"),
        Err(_) => Told::code("store"),
    }
}

fn ruled(result: Result<(), OperatorError>) -> Told {
    match result {
        Ok(()) => Told::Seen,
        Err(error) => Told::code(match error {
            OperatorError::Stale => "stale",
            OperatorError::Busy(_) => "busy",
            OperatorError::InDoubt => "in_doubt",
            OperatorError::NotFound => "not_found",
            OperatorError::Unreadable(_) => "unreadable",
            OperatorError::Store(_) => "store",
            other => panic!("{other}"),
        }),
    }
}
