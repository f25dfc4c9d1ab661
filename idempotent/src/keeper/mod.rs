//! The keeper of a store: a thread that renews leases and settles what was dropped.
//!
//! It starts with the first claim and ends with the last handle. Everything it asks of the store is under way
//! at once, so that one slow settle delays no renewal.

mod open;

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use event_listener::Event;

pub(crate) use open::{Open, too_late};

use crate::clock::boot_micros;
use crate::pause::{Deadline, within};
use crate::protocol::{Answer, Request, Token};
use crate::send::unexpected;
use crate::slots::Turn;
use crate::store::{self, Lease, Store, Subject};
use crate::telemetry::{events, metrics};

/// How long the keeper pauses before it asks a failing store again: doubling from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));
/// How often a closed keeper asks a failing store before it gives up.
const LAST_TRIES: u32 = 5;

/// How many moves may wait for a failing store before calls are refused at once.
const MOST_UNSETTLED: usize = 10_000;

/// A move that its caller no longer waits for.
pub(crate) struct Job {
    pub(crate) subject: Arc<Subject>,
    pub(crate) request: Request,
    /// Goes into the trail if the move comes too late.
    pub(crate) evidence: Option<(Token, Arc<str>)>,
    /// Keeps callers of this process waiting until the move is made.
    pub(crate) turn: Option<Turn>,
}

pub(crate) struct Keeper {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    lease: Lease,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Rings when the last job is done.
    idle: Event,
}

#[derive(Default)]
struct State {
    /// The thread runs.
    runs: bool,
    /// The last handle is gone.
    closed: bool,
    /// A future under way wants to be polled.
    woken: bool,
    open: HashMap<Token, Weak<Open>>,
    jobs: Vec<Job>,
    /// Jobs that were taken and are not done.
    taken: usize,
}

impl State {
    fn unsettled(&self) -> usize {
        self.jobs.len() + self.taken
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is a single insert, remove or count, so a poisoned lock holds nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.lock().woken = true;
        self.wake.notify_all();
    }
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn Store>, lease: Lease) -> Keeper {
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), idle: Event::new() });
        Keeper { shared, store, lease }
    }

    /// Renews this claim until it is dropped.
    pub(crate) fn keep(&self, open: &Arc<Open>) {
        let mut state = self.shared.lock();
        state.open.insert(open.token(), Arc::downgrade(open));
        self.start(&mut state);
    }

    /// Forgets a claim that has ended.
    pub(crate) fn release(&self, token: Token) {
        self.shared.lock().open.remove(&token);
    }

    /// Takes over a move that its caller no longer waits for.
    pub(crate) fn take(&self, job: Job) {
        if let Some(turn) = &job.turn {
            turn.ends();
        }
        let mut state = self.shared.lock();
        state.jobs.push(job);
        state.woken = true;
        self.start(&mut state);
        let unsettled = state.unsettled();
        drop(state);
        self.shared.wake.notify_all();
        metrics::unsettled(unsettled);
    }

    /// Whether so many moves wait for a failing store that no more calls should be made: each that fails leaves one.
    pub(crate) fn is_swamped(&self) -> bool {
        self.shared.lock().unsettled() >= MOST_UNSETTLED
    }

    /// Completes when no job is left, at the latest at the deadline, with the number of jobs left.
    pub(crate) async fn drain(&self, deadline: Duration) -> usize {
        let deadline = Deadline::after(deadline);
        loop {
            let idle = self.shared.idle.listen();
            let left = self.shared.lock().unsettled();
            if left == 0 || within(deadline.left(), idle).await.is_none() {
                return self.shared.lock().unsettled();
            }
        }
    }

    fn start(&self, state: &mut State) {
        if state.runs {
            return;
        }
        let work = Work {
            shared: Arc::clone(&self.shared),
            store: Arc::clone(&self.store),
            lease: self.lease,
            under_way: Vec::new(),
            later: Vec::new(),
            next_round: Instant::now() + round(self.lease),
        };
        let started =
            std::thread::Builder::new().name("idempotent-keeper".to_owned()).spawn(move || work.run());
        match started {
            Ok(_) => state.runs = true,
            Err(error) => events::no_keeper(&error),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

/// A job that the store has refused for now.
struct Later {
    job: Job,
    tries: u32,
    at: Instant,
}

enum UnderWay {
    Job { future: Pin<Box<dyn Future<Output = Option<store::Error>> + Send>>, job: Job, tries: u32 },
    Renewal { future: Pin<Box<dyn Future<Output = ()> + Send>>, token: Token },
}

impl UnderWay {
    /// The claim whose renewal it is.
    fn renews(&self) -> Option<Token> {
        match self {
            UnderWay::Renewal { token, .. } => Some(*token),
            UnderWay::Job { .. } => None,
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    lease: Lease,
    under_way: Vec<UnderWay>,
    later: Vec<Later>,
    next_round: Instant,
}

impl Work {
    fn run(mut self) {
        let waker = Waker::from(Arc::clone(&self.shared));
        loop {
            if self.take_up() {
                return;
            }
            self.poll(&mut Context::from_waker(&waker));
            self.sleep();
        }
    }

    /// Starts what is due. Whether there is nothing left to do, for ever.
    fn take_up(&mut self) -> bool {
        let now = Instant::now();
        let (jobs, open, closed) = {
            let mut state = self.shared.lock();
            state.woken = false;
            let jobs = std::mem::take(&mut state.jobs);
            state.taken += jobs.len();
            let open: Vec<Arc<Open>> = if now >= self.next_round {
                state.open.values().filter_map(Weak::upgrade).collect()
            } else {
                Vec::new()
            };
            (jobs, open, state.closed)
        };
        for job in jobs {
            self.start(job, 0);
        }
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|later| now >= later.at);
        self.later = later;
        let due: Vec<Later> = due;
        for later in due {
            self.start(later.job, later.tries);
        }
        if now >= self.next_round {
            self.next_round = now + round(self.lease);
            // A store that does not answer for a while gets one renewal of each claim, not a heap of them.
            let asked: HashSet<Token> = self.under_way.iter().filter_map(UnderWay::renews).collect();
            for open in open.into_iter().filter(|open| !asked.contains(&open.token())) {
                let token = open.token();
                let future = Box::pin(async move { open.renew().await });
                self.under_way.push(UnderWay::Renewal { future, token });
            }
        }
        closed && self.under_way.is_empty() && self.later.is_empty()
    }

    fn start(&mut self, job: Job, tries: u32) {
        let store = Arc::clone(&self.store);
        let (subject, request) = (Arc::clone(&job.subject), job.request.clone());
        let evidence = job.evidence.clone();
        let future = Box::pin(async move {
            match (store.apply(&subject, request).await, evidence) {
                (Err(error), _) => Some(error),
                (Ok(answer @ Answer::Unreadable { .. }), _) => Some(unexpected("settle", answer)),
                (Ok(Answer::Fenced(_)), Some((token, text))) => {
                    store.apply(&subject, Request::Note { token, text }).await.err()
                }
                (Ok(_), _) => None,
            }
        });
        self.under_way.push(UnderWay::Job { future, job, tries });
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        let closed = self.shared.lock().closed;
        for mut one in std::mem::take(&mut self.under_way) {
            match &mut one {
                UnderWay::Renewal { future, .. } => {
                    if guarded(future.as_mut(), context).is_ok_and(|polled| polled.is_pending()) {
                        self.under_way.push(one);
                    }
                }
                UnderWay::Job { future, .. } => {
                    match guarded(future.as_mut(), context).unwrap_or_else(panicked) {
                        Poll::Pending => self.under_way.push(one),
                        Poll::Ready(error) => {
                            if let UnderWay::Job { job, tries, .. } = one {
                                self.over(job, tries, error, closed);
                            }
                        }
                    }
                }
            }
        }
    }

    fn over(&mut self, mut job: Job, tries: u32, error: Option<store::Error>, closed: bool) {
        if let Some(error) = error {
            // While the store fails, callers of this process are told so by the store and do not wait for it here.
            job.turn = None;
            if !closed || tries < LAST_TRIES {
                // Once, then ever more seldom: an outage has as many of these as calls that failed.
                if tries == 0 || tries.is_power_of_two() {
                    events::unsettled(&job.subject, &error, tries);
                }
                let pause = PAUSES.0.saturating_mul(1 << tries.min(16)).min(PAUSES.1);
                self.later.push(Later { job, tries: tries + 1, at: Instant::now() + pause });
                return;
            }
            events::given_up(&job.subject, &error);
        }
        // Callers of this process that waited look for themselves now.
        drop(job.turn);
        let mut state = self.shared.lock();
        state.taken -= 1;
        let unsettled = state.unsettled();
        drop(state);
        if unsettled == 0 {
            self.shared.idle.notify(usize::MAX);
        }
        metrics::unsettled(unsettled);
    }

    fn sleep(&mut self) {
        let deadline = self.open().iter().filter_map(|open| open.ends_in()).min();
        let next = self.later.iter().map(|later| later.at).min();
        let until = next.map_or(self.next_round, |next| next.min(self.next_round));
        let mut pause = until.saturating_duration_since(Instant::now());
        if let Some(ends_in) = deadline {
            pause = pause.min(ends_in);
        }
        self.rest(pause);
        let now = boot_micros();
        for open in self.open() {
            open.lapse(now);
        }
    }

    /// Sleeps until somebody wakes the keeper, at most for `pause`.
    fn rest(&self, pause: Duration) {
        let nothing_left = self.under_way.is_empty() && self.later.is_empty();
        let state = self.shared.lock();
        if !state.woken && (!state.closed || !nothing_left) {
            // Whoever wakes sets `woken` under this lock, so nothing is missed between the look and the sleep.
            drop(self.shared.wake.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The claims that are held now. What is dropped with the last of them is not dropped under the lock.
    fn open(&self) -> Vec<Arc<Open>> {
        self.shared.lock().open.values().filter_map(Weak::upgrade).collect()
    }
}

/// How long until the claims are renewed again: three times in a lease, but never without a pause.
fn round(lease: Lease) -> Duration {
    (lease.length / 3).max(Duration::from_millis(1))
}

/// Polls a future of a store. A store that panics must not end the keeper.
fn guarded<F: Future + ?Sized>(
    future: Pin<&mut F>,
    context: &mut Context<'_>,
) -> std::thread::Result<Poll<F::Output>> {
    catch_unwind(AssertUnwindSafe(|| future.poll(context)))
}

fn panicked(_: Box<dyn Any + Send>) -> Poll<Option<store::Error>> {
    Poll::Ready(Some(store::Error::new(
        store::ErrorKind::Unavailable,
        "the store panicked",
        "this is a fault of the store: look for its panic message",
    )))
}
