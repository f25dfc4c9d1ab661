//! A robot in a process of its own: what it is told to do, the operations that it calls, and where it can be
//! stopped.
//!
//! The operations are the same booking in each [`Form`], synchronous and asynchronous, and each once for a patient
//! caller and once for one that will not wait. A process uses either the patient or the hasty set: they share their
//! names, and so their records.

mod forms;
mod points;
mod portal;

use std::fmt;
use std::future::{pending, poll_fn};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use idempotent::protocol::Micros;
use idempotent::store::{SqliteOptions, Store};
use idempotent::testing::{Faults, FaultyStore};
use idempotent::{Clock, Handle, MemoryStore, SystemClock};
use serde::{Deserialize, Serialize};

pub use self::forms::Form;
pub use self::points::{Pointed, Points, Stops};
pub use self::portal::{Attempted, Portal, Unreachable};
use crate::Ledger;

/// What a robot is told to do: one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Where the records are.
    pub url: String,
    /// The outside world.
    pub ledger: PathBuf,
    /// Where it waits for its parent.
    pub stops: Stops,
    /// How its bodies end.
    pub ends: Ends,
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

/// How a body ends, or its check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ends {
    /// With the booking.
    Well,
    /// With an error.
    Errs(Place),
    /// With a panic.
    Panics(Place),
    /// Not at all: an asynchronous one stands there until it is dropped.
    Stands(Place),
    /// As the portal likes: it refuses some jobs of the form `Stored` for good, and those of the form `Released` the
    /// first time.
    Moody,
}

/// Where in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Place {
    /// In its check.
    Check,
    /// Before its effect.
    Before,
    /// In its effect, and nothing has been sent.
    In,
    /// In its effect, and the booking was made.
    Sent,
}

impl Task {
    /// A patient, synchronous call that stops nowhere and ends well.
    pub fn new(folder: &Path, form: Form, job: &str) -> Task {
        Task {
            url: format!("sqlite:{}", folder.join("records.db").display()),
            ledger: folder.join("ledger"),
            stops: Stops::Nowhere,
            ends: Ends::Well,
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

/// Why a booking was not made: the portal's word, or an error of the library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// `portal`, or the code of the error.
    pub code: String,
    /// Its words.
    pub text: String,
}

impl Failure {
    fn of_the_portal(text: &str) -> Failure {
        Failure { code: "portal".to_owned(), text: text.to_owned() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<idempotent::Error> for Failure {
    fn from(error: idempotent::Error) -> Failure {
        Failure { code: error.code().to_owned(), text: error.to_string() }
    }
}

type Booked = Result<String, Failure>;

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
    pub fn of<E: Into<Failure>>(seen: idempotent::Observed<Result<String, E>>) -> Told {
        let how = seen.outcome.map_or("", |outcome| outcome.how.name()).to_owned();
        match seen.result.map_err(Into::into) {
            Ok(text) => Told { code: "ok".to_owned(), text, how },
            Err(Failure { code, text }) => Told { code, text, how },
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

/// Opens the SQLite store that a URL names.
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
    /// The faults of its store: what they hold does not come to a point.
    pub faults: Faults,
    /// The outside world.
    pub portal: Portal,
    /// Where it can be stopped.
    pub points: Points,
    ends: Mutex<Ends>,
    /// A body has come to where it stands.
    stands: AtomicBool,
}

impl AsRef<Handle> for Robot {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl Robot {
    /// Opens its store: `memory:` or a file.
    pub fn new(task: &Task) -> Robot {
        let points = Points::new(task.stops.clone());
        points.pass("opens");
        let store: Arc<dyn Store> = match &*task.url {
            "memory:" => Arc::new(MemoryStore::new()),
            url => Arc::new(open_with(url, Ahead(task.ahead, task.skew))),
        };
        let store = FaultyStore::new(Pointed::new(store, points.clone()));
        Robot {
            faults: store.faults(),
            handle: Handle::new(store),
            portal: Portal(Ledger::at(&task.ledger)),
            points,
            ends: Mutex::new(task.ends),
            stands: AtomicBool::new(false),
        }
    }

    /// How its bodies end from now on.
    pub fn ends(&self, ends: Ends) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    /// Whether a body has come to where it stands.
    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::SeqCst)
    }

    /// Does what the robot is told to do at a place in its body.
    fn at(&self, place: Place) -> Result<(), Failure> {
        let ends = *self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        match ends {
            Ends::Errs(at) if at == place => Err(Failure::of_the_portal("the portal says no")),
            Ends::Panics(at) if at == place => panic!("a body was told to panic"),
            _ => Ok(()),
        }
    }

    /// A body begins: that it does is written beside the ledger, and with which fence.
    fn begin(&self, job: &str) -> Result<(), Failure> {
        self.portal.log("begins", job);
        self.points.pass("before the effect");
        self.at(Place::Before)
    }

    /// The one line that acts, with a stop on either side of the act.
    fn act(&self, form: Form, job: &str) -> Booked {
        self.portal.log("acts", job);
        self.points.pass("in the effect");
        self.at(Place::In)?;
        self.mood(form, job)?;
        let booked = if form.is_booked_once() {
            self.portal.book_once(job, &idempotent::attempt().request_id().to_string())
        } else {
            self.portal.book(job)
        };
        self.points.pass("sent");
        self.at(Place::Sent)?;
        Ok(booked)
    }

    fn mood(&self, form: Form, job: &str) -> Result<(), Failure> {
        if *self.ends.lock().unwrap_or_else(PoisonError::into_inner) != Ends::Moody {
            return Ok(());
        }
        match form {
            Form::Stored if job.ends_with(['1', '3', '6']) => {
                Err(Failure::of_the_portal(&format!("{job} is refused for good")))
            }
            Form::Released if idempotent::attempt().number() == 1 => Err(Failure::of_the_portal("try again")),
            _ => Ok(()),
        }
    }

    /// Where an asynchronous body can be dropped.
    async fn stand(&self, place: Place) {
        let ends = *self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if ends == Ends::Stands(place) {
            self.stands.store(true, Ordering::SeqCst);
            pending::<()>().await;
        }
    }

    /// Makes the call that the task asks for.
    pub fn call(&self, task: &Task) -> Told {
        let Task { form, hasty, job, payload, .. } = task;
        match (hasty, task.is_async) {
            (false, false) => forms::patient::call(self, *form, job, *payload),
            (true, false) => forms::hasty::call(self, *form, job, *payload),
            (_, true) => pollster::block_on(self.call_async(task)),
        }
    }

    /// Makes the asynchronous call that the task asks for.
    pub async fn call_async(&self, task: &Task) -> Told {
        let Task { form, hasty, job, payload, .. } = task;
        if *hasty {
            forms::hasty::call_async(self, *form, job, *payload).await
        } else {
            forms::patient::call_async(self, *form, job, *payload).await
        }
    }

    /// Makes the asynchronous call and drops it once `so`: nothing if it was dropped.
    pub fn call_and_drop(&self, task: &Task, so: impl Fn() -> bool) -> Option<Told> {
        let mut call = Box::pin(self.call_async(task));
        pollster::block_on(poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(told) => Poll::Ready(Some(told)),
            Poll::Pending if so() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }))
    }
}

/// Does what a task says in this process.
pub fn run(line: &str) -> String {
    let task = Task::read(line);
    let robot = Robot::new(&task);
    robot.points.pass("ready");
    let told = robot.call(&task);
    let points = robot.points.clone();
    points.pass("answered");
    drop(robot);
    points.pass("closed");
    told.line()
}
