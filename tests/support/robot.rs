//! A robot in a process of its own: what it is told to do, the operations that it calls, and where it can be
//! stopped.
//!
//! The operations are the same booking in four forms (with and without a check, with and without a marker), each
//! synchronous and asynchronous, and each once for a patient caller and once for one that will not wait. A process
//! uses either the patient or the hasty set: they share their names, and so their records.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use idempotent::protocol::{Answer, Fence, Micros, Request};
use idempotent::store::{BoxFuture, Entry, Error, Filter, Lease, SqliteOptions, Store, Subject, Trail};
use idempotent::{Clock, Handle, Key, SystemClock};
use serde::{Deserialize, Serialize};

use crate::{Ledger, point};

/// The form in which the booking is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Form {
    /// `check` and `effect!`.
    Checked,
    /// `check` alone: the effect begins with the claim.
    CheckedUnmarked,
    /// `effect!` alone.
    Marked,
    /// Neither.
    Bare,
}

impl Form {
    /// All four.
    pub const ALL: [Form; 4] = [Form::Checked, Form::CheckedUnmarked, Form::Marked, Form::Bare];

    /// Whether it can find out what an interrupted attempt did.
    pub fn checks(self) -> bool {
        matches!(self, Form::Checked | Form::CheckedUnmarked)
    }

    /// Whether it announces its effect.
    pub fn marks(self) -> bool {
        matches!(self, Form::Checked | Form::Marked)
    }
}

/// Where a robot waits for its parent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stops {
    /// Nowhere.
    Nowhere,
    /// At every point that it passes.
    Everywhere,
    /// Only where it passes this point for the n-th time, from 1.
    At(String, usize),
}

/// What a robot is told to do: one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Where the records are.
    pub url: String,
    /// The outside world.
    pub ledger: PathBuf,
    /// Where it waits for its parent.
    pub stops: Stops,
    /// How far both clocks of this process are ahead, in microseconds.
    pub ahead: Micros,
    /// How far its wall clock alone is ahead, or behind.
    pub skew: Micros,
    /// The form of the booking.
    pub form: Form,
    /// Whether to call the asynchronous one.
    pub is_async: bool,
    /// Whether it will not wait for another holder.
    pub hasty: bool,
    /// The key.
    pub job: String,
    /// The rest of the arguments.
    pub payload: u32,
}

impl Task {
    /// A patient, synchronous call that stops nowhere.
    pub fn new(folder: &Path, form: Form, job: &str) -> Task {
        Task {
            url: format!("sqlite:{}", folder.join("records.db").display()),
            ledger: folder.join("ledger"),
            stops: Stops::Nowhere,
            ahead: 0,
            skew: 0,
            form,
            is_async: false,
            hasty: false,
            job: job.to_owned(),
            payload: 0,
        }
    }

    /// As the child's input.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a task is JSON")
    }

    /// From the child's input.
    pub fn read(line: &str) -> Task {
        serde_json::from_str(line).expect("the parent writes a task")
    }
}

/// What a call came to: the child's result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// `ok`, or the code of the error.
    pub code: String,
    /// The confirmation, or the error's words.
    pub text: String,
    /// How the call came to it.
    pub how: String,
}

impl Told {
    /// What a call came to.
    pub fn of(seen: idempotent::Observed<Result<String, idempotent::Error>>) -> Told {
        let how = seen.outcome.map_or("", |outcome| outcome.how.name()).to_owned();
        match seen.result {
            Ok(text) => Told { code: "ok".to_owned(), text, how },
            Err(error) => Told { code: error.code().to_owned(), text: error.to_string(), how },
        }
    }

    /// As the child's result.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("this is JSON")
    }

    /// From the child's result.
    pub fn read(line: &str) -> Told {
        serde_json::from_str(line).unwrap_or_else(|_| panic!("the child failed, and said `{line}`"))
    }

    /// The confirmation of a call that succeeded.
    pub fn confirmation(&self) -> &str {
        assert_eq!(self.code, "ok", "{self:?}");
        &self.text
    }
}

/// Stops the process at points: before and after each kind of move, and in the body.
#[derive(Clone)]
pub struct Points {
    stops: Stops,
    passed: Arc<AtomicUsize>,
}

impl Points {
    /// Points that stop where `stops` says.
    pub fn new(stops: Stops) -> Points {
        Points { stops, passed: Arc::default() }
    }

    /// Passes the point `name`.
    pub fn pass(&self, name: &str) {
        let stops = match &self.stops {
            Stops::Nowhere => false,
            Stops::Everywhere => true,
            Stops::At(wanted, nth) => {
                wanted == name && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == *nth
            }
        };
        if stops {
            point(name);
        }
    }
}

/// A store around a store: passes a point before and after each move of a call, and where a call begins to wait
/// for another process. The moves that the keeper makes by itself pass none.
pub struct Pointed<S> {
    inner: S,
    points: Points,
}

impl<S: Store> Pointed<S> {
    /// The store `inner`, seen through `points`.
    pub fn new(inner: S, points: Points) -> Pointed<S> {
        Pointed { inner, points }
    }

    fn pass(&self, side: &str, request: &Request) {
        let what = match request {
            Request::Claim(_) => "claim",
            Request::Proceed { .. } => "proceed",
            Request::Mark { .. } => "mark",
            Request::Settle { .. } => "settle",
            _ => return,
        };
        self.points.pass(&format!("{side} {what}"));
    }
}

impl<S: Store> Store for Pointed<S> {
    fn lease(&self) -> Lease {
        self.inner.lease()
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move {
            self.pass("before", &request);
            let answer = self.inner.apply(subject, request.clone()).await;
            self.pass("after", &request);
            answer
        })
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        self.pass("before", &request);
        let answer = self.inner.apply_blocking(subject, request.clone());
        self.pass("after", &request);
        answer
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        self.inner.load(key)
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        self.inner.list(filter)
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        self.inner.trail(key)
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        self.inner.sweep(limit)
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        self.points.pass("waiting");
        self.inner.changed(key, fence)
    }
}

/// The clocks of this machine, both ahead, and the wall clock by something more.
struct Ahead(Micros, Micros);

impl Clock for Ahead {
    fn now(&self) -> Micros {
        SystemClock.now() + self.0
    }

    fn wall(&self) -> Micros {
        SystemClock.wall() + self.0 + self.1
    }
}

/// Opens the store that a URL names.
pub fn open(url: &str) -> idempotent::SqliteStore {
    open_with(url, Ahead(0, 0))
}

fn open_with(url: &str, clock: Ahead) -> idempotent::SqliteStore {
    let options = SqliteOptions::from_url(url).expect("a good URL").clock(Arc::new(clock));
    options.open().unwrap_or_else(|error| panic!("{error}"))
}

/// The robot itself.
pub struct Robot {
    /// Its store.
    pub handle: Handle,
    /// The outside world.
    pub portal: Portal,
    /// Where it can be stopped.
    pub points: Points,
}

impl AsRef<Handle> for Robot {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl Robot {
    /// Opens its store.
    pub fn new(task: &Task) -> Robot {
        let points = Points::new(task.stops.clone());
        let store = Pointed::new(open_with(&task.url, Ahead(task.ahead, task.skew)), points.clone());
        Robot { handle: Handle::new(store), portal: Portal(Ledger::at(&task.ledger)), points }
    }

    /// A body begins: that it does is written beside the ledger, and with which fence.
    fn begin(&self, job: &str) {
        self.portal.log("begins", job);
        self.points.pass("before the effect");
    }

    /// Makes the call that the task asks for.
    pub fn call(&self, task: &Task) -> Told {
        let Task { form, is_async, hasty, job, payload, .. } = task;
        match (hasty, is_async) {
            (false, false) => patient::call(self, *form, job, *payload),
            (false, true) => patient::call_async(self, *form, job, *payload),
            (true, false) => hasty::call(self, *form, job, *payload),
            (true, true) => hasty::call_async(self, *form, job, *payload),
        }
    }
}

/// Does what a task says in this process.
pub fn run(line: &str) -> String {
    let task = Task::read(line);
    let robot = Robot::new(&task);
    robot.points.pass("ready");
    let told = robot.call(&task);
    drop(robot);
    told.line()
}

/// The portal where appointments are booked. It books whatever it is asked to, as often as it is asked.
#[derive(Clone)]
pub struct Portal(pub Ledger);

/// A step of an attempt.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// Of which job.
    pub job: String,
    /// It is about to act; else its body begins.
    pub acts: bool,
    /// Its fence.
    pub fence: u64,
    /// Which run of the body it is.
    pub number: u32,
}

/// The portal cannot be asked.
#[derive(Debug)]
pub struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the portal cannot be asked")
    }
}

impl Portal {
    /// The act: a line `job confirmation`, another confirmation each time.
    pub fn book(&self, job: &str) -> String {
        let confirmation = format!("{}:{}", job.replace(' ', "_"), uuid::Uuid::new_v4().simple());
        self.0.act(&format!("{job} {confirmation}"));
        confirmation
    }

    /// Writes beside the ledger what the running attempt does.
    fn log(&self, what: &str, job: &str) {
        let attempt = idempotent::attempt();
        let line = format!("{job} {what} {} {}", attempt.fence(), attempt.number());
        Ledger::at(self.0.path().with_extension("attempts")).act(&line);
    }

    /// What attempts at all jobs did, in order.
    pub fn attempts(&self) -> Vec<Attempted> {
        let lines = Ledger::at(self.0.path().with_extension("attempts")).lines();
        let read = |line: &String| {
            let mut words = line.rsplitn(4, ' ');
            let number = words.next()?.parse().ok()?;
            let fence = words.next()?.parse().ok()?;
            let acts = words.next()? == "acts";
            Some(Attempted { job: words.next()?.to_owned(), acts, fence, number })
        };
        lines.iter().map(|line| read(line).expect("a line of an attempt")).collect()
    }

    /// The confirmations of every job, in order.
    pub fn all_bookings(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in self.0.lines() {
            let (job, confirmation) = line.rsplit_once(' ').expect("a line of a booking");
            all.entry(job.to_owned()).or_default().push(confirmation.to_owned());
        }
        all
    }

    /// The confirmations of a job, in order.
    pub fn bookings(&self, job: &str) -> Vec<String> {
        let lines = self.0.lines();
        lines.iter().filter_map(|line| line.strip_prefix(job)?.strip_prefix(' ')).map(str::to_owned).collect()
    }
}

fn find(robot: &Robot, job: &str, _: u32) -> Result<Option<String>, Unreachable> {
    robot.points.pass("in the check");
    Ok(robot.portal.bookings(job).pop())
}

async fn find_async(robot: &Robot, job: &str, payload: u32) -> Result<Option<String>, Unreachable> {
    find(robot, job, payload)
}

/// The one line that acts, with a stop on either side of the act.
fn act(robot: &Robot, job: &str) -> String {
    robot.portal.log("acts", job);
    robot.points.pass("in the effect");
    robot.portal.book(job)
}

type Booked = Result<String, idempotent::Error>;

macro_rules! forms {
    ($set:ident, wait = $wait:tt) => {
        mod $set {
            use super::*;
            use idempotent::{effect, idempotent, observe, observe_async};

            #[idempotent(key = job, name = "robot.checked", skip(robot), store = robot, check(find, after = "0s"), wait = $wait)]
            fn checked(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = effect!(act(robot, job));
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.checked_async", skip(robot), store = robot, check(find_async, after = "0s"), wait = $wait)]
            async fn checked_async(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = effect!(act(robot, job));
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.checked_unmarked", skip(robot), store = robot, check(find, after = "0s"), wait = $wait)]
            fn checked_unmarked(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = act(robot, job);
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.checked_unmarked_async", skip(robot), store = robot, check(find_async, after = "0s"), wait = $wait)]
            async fn checked_unmarked_async(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = act(robot, job);
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.marked", skip(robot), store = robot, wait = $wait)]
            fn marked(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = effect!(act(robot, job));
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.marked_async", skip(robot), store = robot, wait = $wait)]
            async fn marked_async(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = effect!(act(robot, job));
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.bare", skip(robot), store = robot, wait = $wait)]
            fn bare(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = act(robot, job);
                robot.points.pass("after the effect");
                Ok(booked)
            }

            #[idempotent(key = job, name = "robot.bare_async", skip(robot), store = robot, wait = $wait)]
            async fn bare_async(robot: &Robot, job: &str, payload: u32) -> Booked {
                robot.begin(job);
                let booked = act(robot, job);
                robot.points.pass("after the effect");
                Ok(booked)
            }

            pub(super) fn call(robot: &Robot, form: Form, job: &str, payload: u32) -> Told {
                Told::of(observe(|| match form {
                    Form::Checked => checked(robot, job, payload),
                    Form::CheckedUnmarked => checked_unmarked(robot, job, payload),
                    Form::Marked => marked(robot, job, payload),
                    Form::Bare => bare(robot, job, payload),
                }))
            }

            pub(super) fn call_async(robot: &Robot, form: Form, job: &str, payload: u32) -> Told {
                Told::of(pollster::block_on(observe_async(async {
                    match form {
                        Form::Checked => checked_async(robot, job, payload).await,
                        Form::CheckedUnmarked => checked_unmarked_async(robot, job, payload).await,
                        Form::Marked => marked_async(robot, job, payload).await,
                        Form::Bare => bare_async(robot, job, payload).await,
                    }
                })))
            }
        }
    };
}
forms!(patient, wait = "30s");
forms!(hasty, wait = "0s");
