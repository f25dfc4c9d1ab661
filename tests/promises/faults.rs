//! I1 to I11 under a store that fails: each call that a run makes x each fault x synchronous and asynchronous x
//! each kind of operation, enumerated. The ledger says what happened; the check of the operation that has one
//! reads the ledger. Every state, and the calls of the keeper and of operators, are in `matrix`.
//!
//! Red when a request is not sent again with the same token (send.rs), when a body runs although the claim or mark
//! failed (operation/run.rs, effect.rs), when an outcome is not handed to the keeper (operation/claim.rs `Drop`),
//! or when an abandoned claim is not given back (operation/run.rs `Unanswered`).

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::store::{Error as StoreError, ErrorKind};
use idempotent::testing::{Call, Fault};
use idempotent::{effect, idempotent};
use idempotent_tests::{Terms, World, on_every_store};

use crate::Trouble;
use crate::script::panics;

/// What happens to the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    RequestLostOnce,
    AnswerLostOnce,
    RefusedOnce,
    RequestsLostForGood,
    AnswersLostForGood,
}

const HOWS: [How; 5] = [
    How::RequestLostOnce,
    How::AnswerLostOnce,
    How::RefusedOnce,
    How::RequestsLostForGood,
    How::AnswersLostForGood,
];

const CALLS: [Call; 5] = [Call::Claim, Call::Proceed, Call::Mark, Call::Renew, Call::Settle];

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    /// With a marker, and no word about doubt.
    Marked,
    /// Without a marker.
    Unmarked,
    /// With a marker and a check; an earlier attempt marked and died before it acted.
    Doubtful,
}

const KINDS: [Kind; 3] = [Kind::Marked, Kind::Unmarked, Kind::Doubtful];

#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    call: Call,
    how: How,
    asynchronous: bool,
}

impl Case {
    fn all() -> Vec<Case> {
        let mut all = Vec::new();
        for kind in KINDS {
            for call in CALLS {
                for how in HOWS {
                    all.extend([false, true].map(|asynchronous| Case { kind, call, how, asynchronous }));
                }
            }
        }
        all
    }

    /// Why this case cannot be.
    fn impossible(self) -> Option<&'static str> {
        match (self.kind, self.call) {
            (Kind::Marked | Kind::Unmarked, Call::Proceed) => {
                Some("only a check that says no is followed by proceed")
            }
            (Kind::Unmarked, Call::Mark) => Some("there is no marker"),
            _ => None,
        }
    }

    fn set(self, world: &World) {
        let refusal = StoreError::new(ErrorKind::Refused, "the store refuses", "the test asked for it");
        match self.how {
            How::RequestLostOnce => world.faults.on(self.call.first(1), Fault::RequestLost),
            How::AnswerLostOnce => world.faults.on(self.call.first(1), Fault::AnswerLost),
            How::RefusedOnce => world.faults.on(self.call.first(1), Fault::Error(refusal)),
            How::RequestsLostForGood => world.faults.on(self.call.always(), Fault::RequestLost),
            How::AnswersLostForGood => world.faults.on(self.call.always(), Fault::AnswerLost),
        }
    }

    /// Whether the store stays in trouble for longer than the call tries.
    fn lasts(self) -> bool {
        matches!(self.how, How::RefusedOnce | How::RequestsLostForGood | How::AnswersLostForGood)
    }
}

/// One case while it runs.
struct Run {
    world: World,
    case: Case,
    dies: AtomicBool,
    bodies: AtomicUsize,
}

impl Run {
    fn acts(&self) -> usize {
        self.world.ledger.lines().len()
    }

    fn act(&self) -> usize {
        if self.dies.load(Ordering::SeqCst) {
            // A panic without its message: dies between its mark and its act.
            resume_unwind(Box::new("dies"));
        }
        self.world.ledger.act("acts");
        self.acts()
    }

    /// Where the renewal is what fails, a body lasts longer than its lease.
    fn is_slow(&self) -> bool {
        self.case.call == Call::Renew
            && !self.dies.load(Ordering::SeqCst)
            && self.world.faults.count(Call::Renew) < 5
    }

    fn begins(&self) {
        self.bodies.fetch_add(1, Ordering::SeqCst);
    }
}

const MOMENT: Duration = Duration::from_millis(1);

#[idempotent(key = id, name = "faults.marked", skip(run), store = run.world.handle)]
fn marked(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        thread::sleep(MOMENT);
    }
    effect!(Ok(run.act()))
}

#[idempotent(key = id, name = "faults.marked_async", skip(run), store = run.world.handle)]
async fn marked_async(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        tokio::time::sleep(MOMENT).await;
    }
    effect!(Ok(run.act()))
}

#[idempotent(key = id, name = "faults.unmarked", skip(run), store = run.world.handle)]
fn unmarked(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        thread::sleep(MOMENT);
    }
    Ok(run.act())
}

#[idempotent(key = id, name = "faults.unmarked_async", skip(run), store = run.world.handle)]
async fn unmarked_async(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        tokio::time::sleep(MOMENT).await;
    }
    Ok(run.act())
}

fn find(run: &Run, _id: u32) -> Result<Option<usize>, String> {
    Ok(Some(run.acts()).filter(|acts| *acts > 0))
}

async fn find_async(run: &Run, id: u32) -> Result<Option<usize>, String> {
    find(run, id)
}

#[idempotent(key = id, name = "faults.checked", skip(run), store = run.world.handle, check(find, after = "0s"))]
fn checked(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        thread::sleep(MOMENT);
    }
    effect!(Ok(run.act()))
}

#[idempotent(key = id, name = "faults.checked_async", skip(run), store = run.world.handle, check(find_async, after = "0s"))]
async fn checked_async(run: &Run, id: u32) -> Result<usize, Trouble> {
    run.begins();
    while run.is_slow() {
        tokio::time::sleep(MOMENT).await;
    }
    effect!(Ok(run.act()))
}

impl Run {
    fn call(&self) -> Result<usize, Trouble> {
        let single = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts")
        };
        match (self.case.kind, self.case.asynchronous) {
            (Kind::Marked, false) => marked(self, 1),
            (Kind::Unmarked, false) => unmarked(self, 1),
            (Kind::Doubtful, false) => checked(self, 1),
            (Kind::Marked, true) => single().block_on(marked_async(self, 1)),
            (Kind::Unmarked, true) => single().block_on(unmarked_async(self, 1)),
            (Kind::Doubtful, true) => single().block_on(checked_async(self, 1)),
        }
    }

    /// Runs the case, asserts the promises, and tells the column it falls into.
    fn check(&self) -> &'static str {
        let case = self.case;
        if case.kind == Kind::Doubtful {
            self.dies.store(true, Ordering::SeqCst);
            panics(|| self.call());
            self.world.drain();
            self.dies.store(false, Ordering::SeqCst);
            assert_eq!((self.acts(), self.world.in_doubt().len()), (0, 1), "{case:?}");
        }
        let before = self.bodies.load(Ordering::SeqCst);
        case.set(&self.world);
        let told = self.call();
        if case.call == Call::Claim && case.kind == Kind::Marked && !case.lasts() {
            // Asked again and answered: had it waited for its own lease, it would have asked once more.
            assert_eq!(self.world.faults.count(Call::Claim), 2, "{case:?}");
        }
        let ran = self.bodies.load(Ordering::SeqCst) - before;
        let acted = self.acts();
        self.world.faults.clear();
        self.world.drain();

        assert!(acted <= 1 && ran <= 1, "{case:?}: {acted} acts in {ran} runs");
        self.told_the_truth(&told, ran, acted);
        let again = self.call();
        let after = self.acts();
        let doubtful = self.world.in_doubt().len();
        // I4 and I5: whatever went wrong, there is one effect at the most, and nothing is left held or hidden.
        assert!(after <= 1, "{case:?}: {after} acts, {told:?} then {again:?}");
        let column = match &again {
            Ok(value) => {
                assert_eq!((*value, after, doubtful), (1, 1, 0), "{case:?}: {told:?}");
                if let Ok(told) = &told {
                    // I2 and I3: what was told is what is recorded.
                    assert_eq!(told, value, "{case:?}");
                }
                if acted == 1 { "acted, and recorded" } else { "not done, and done by the next call" }
            }
            Err(error) => {
                assert_eq!((error.code(), doubtful), ("in_doubt", 1), "{case:?}: {told:?} then {error}");
                assert!(told.is_err(), "{case:?}: I3, a result that was told is lost");
                assert_ne!(case.kind, Kind::Doubtful, "{case:?}: the check knows");
                if after == 1 { "in doubt, and it had acted" } else { "in doubt without need" }
            }
        };
        let replayed = self.bodies.load(Ordering::SeqCst);
        assert_eq!(self.call().is_ok(), again.is_ok(), "{case:?}: I2");
        assert_eq!(self.bodies.load(Ordering::SeqCst), replayed, "{case:?}: ran again");
        column
    }

    /// Whether a body is dropped once its lease is over: where time decides, and it can be dropped at all.
    fn is_dropped_late(&self) -> bool {
        self.case.asynchronous && self.world.handle.store().lease().is_deadline
    }

    /// What the caller was told, by the call that failed.
    fn told_the_truth(&self, told: &Result<usize, Trouble>, ran: usize, acted: usize) {
        let case = self.case;
        let code = told.as_ref().err().map(Trouble::code);
        match case.call {
            // A machine under load may renew too late, whatever the fault.
            Call::Renew if code == Some("lease_lost") => {
                assert!(self.is_dropped_late(), "{case:?}: {told:?}");
                assert_eq!((ran, acted), (1, 0), "{case:?}");
            }
            _ if !case.lasts() => assert_eq!((code, ran, acted), (None, 1, 1), "{case:?}: {told:?}"),
            // I9: no claim, no run; and without a proceed or a mark, nothing is done.
            Call::Claim | Call::Proceed => assert_eq!((code, ran, acted), (Some("store"), 0, 0), "{case:?}"),
            Call::Mark => assert_eq!((code, ran, acted), (Some("store"), 1, 0), "{case:?}: {told:?}"),
            Call::Settle => {
                assert_eq!((code, ran, acted), (Some("store"), 1, 1), "{case:?}: {told:?}");
                let Err(Trouble::Library(idempotent::Error::Store(failed))) = told else { unreachable!() };
                assert_eq!(failed.unrecorded.as_deref(), Some("1"), "{case:?}: the value is in the error");
            }
            Call::Renew => {
                let dropped = self.is_dropped_late() && case.how != How::RefusedOnce;
                assert!(!dropped, "{case:?}: the body outlived its lease: {told:?}");
                assert_eq!((code, ran, acted), (None, 1, 1), "{case:?}: {told:?}");
            }
            other => unreachable!("{other:?} is not in the matrix"),
        }
    }
}

/// What each fault leads to, in so many columns, of which each case falls into one.
fn s56_every_call_times_every_fault(world: &World) {
    let all = Case::all();
    let (impossible, possible): (Vec<Case>, Vec<Case>) =
        all.iter().partition(|case| case.impossible().is_some());
    assert_eq!((all.len(), possible.len(), impossible.len()), (150, 120, 30));

    let terms = Terms { lease: Duration::from_millis(240), ..Terms::default() };
    let columns: Mutex<BTreeMap<(Kind, &str), usize>> = Mutex::default();
    let began = Instant::now();
    thread::scope(|scope| {
        for share in possible.chunks(possible.len().div_ceil(8)) {
            let (columns, terms) = (&columns, &terms);
            scope.spawn(move || {
                for case in share {
                    let run = Run {
                        world: world.on(terms),
                        case: *case,
                        dies: AtomicBool::new(false),
                        bodies: AtomicUsize::new(0),
                    };
                    let column = run.check();
                    *columns.lock().unwrap().entry((case.kind, column)).or_default() += 1;
                }
            });
        }
    });
    let columns = columns.into_inner().unwrap();
    println!("{} cases in {:?}, {} impossible:", possible.len(), began.elapsed(), impossible.len());
    let mut reasons: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    for case in &impossible {
        let reason = case.impossible().expect("the cases were parted by it");
        *reasons.entry((case.kind, reason)).or_default() += 1;
    }
    for ((kind, reason), count) in &reasons {
        println!("{count:>4}  {kind:?}: {reason}");
    }
    for ((kind, column), count) in &columns {
        println!("{count:>4}  {kind:?}: {column}");
    }
    assert_eq!(columns.values().sum::<usize>(), possible.len(), "each case is in one column");
}

on_every_store!(s56_every_call_times_every_fault,);
