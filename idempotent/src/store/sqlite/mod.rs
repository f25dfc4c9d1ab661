//! The embedded durable store: one SQLite file, many processes of one machine.
//!
//! **Durable** means: synced to the disk. The file is in WAL mode with `synchronous=FULL`, and an answer is
//! given after the commit that it tells of; whatever a reader sees has been synced, too. A power cut takes back
//! nothing that was answered, as far as the disk keeps its word. (The death of a process is tested at every point;
//! a power cut cannot be.)
//!
//! **No clock decides who is alive.** Each process holds an OS lock on a file of its own in the folder
//! `<file>-holders`, taken before its first claim. Lock free: the process is dead, and its claim is taken over
//! at once. Lock held: the key is busy, however long, also while that process is merely stopped. Only if the
//! lock file is missing or replaced does the lease decide.
//!
//! **Time.** Leases and quiet time run on the clock that counts since the start of the machine, its sleep
//! included. The wall clock decides when a kept result expires, and nothing else.
//!
//! **A lost reply** (an I/O error at the commit, a dropped future) leaves the move either applied or not. The
//! same request with the same token finds out.
//!
//! **What can go wrong outside**: a file system whose locks do not reach everybody (network file systems are
//! recognised and refused), a copy or a backup of the file that is used beside the original, a database file
//! bind-mounted into a container without its folder, and somebody who deletes the folder of lock files while
//! an attempt is stopped between its marker and its request.

mod batch;
mod boot;
mod engine;
mod fault;
mod holders;
mod moves;
mod opened;
mod options;
mod place;
mod readers;
mod row;
mod schema;
mod turn;
mod watch;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use options::SqliteOptions;

use self::batch::{Outcome, Work, Writer};
use self::engine::{Engine, Settings};
use self::fault::Fault;
use self::moves::Eyes;
use self::place::Place;
use self::schema::PATIENCE;
use self::turn::Turn;
use self::watch::Watch;
use self::writer::Shared;
use super::reply::slot;
use super::{BoxFuture, Entry, Error, Filter, Lease, Store, Subject, Trail};
use crate::block_on::block_on;
use crate::key::Key;
use crate::pause::within;
use crate::protocol::{Answer, Fence, Request};

/// How many records a slice of a sweep removes: callers' moves get their turn between slices.
const SLICE: usize = 32;

/// Records in an SQLite file: survives crashes, and is shared by all processes of one machine.
///
/// ```no_run
/// let store = idempotent::SqliteStore::open("robot.db")?;
/// # let _ = store;
/// # Ok::<(), idempotent::store::Error>(())
/// ```
///
/// Any tool reads what is recorded: `sqlite3 robot.db 'select * from records'`.
///
/// A hit (a call whose result is recorded) is one read on the caller's own thread; if its page is not in memory
/// that is one read of the disk. Everything else is written by a thread of the store, many callers' moves in one
/// transaction. A synchronous caller who is alone writes on its own thread.
///
/// The store must not be used in a forked child of the process that opened it; calls there are refused.
pub struct SqliteStore {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    lease: Duration,
    patience: Duration,
}

impl SqliteStore {
    /// Opens the file at `path`, or creates it, with the default [`SqliteOptions`].
    ///
    /// # Errors
    /// As [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteStore, Error> {
        SqliteOptions::new(path).open()
    }

    fn with(options: SqliteOptions) -> Result<SqliteStore, Fault> {
        options::possible(&options)?;
        let SqliteOptions { path, lease, patience, create, trust_network, max_pages, clock } = options;
        let place = Place::find(&path, create)?;
        if !trust_network {
            place.refuse_network()?;
        }
        let settings = Settings { busy: patience.min(PATIENCE), max_pages };
        let (engine, own) = Engine::open(place, clock, settings)?;
        engine.place.prepare_holders()?;
        let turn = Turn::open(&engine.place)?;
        let shared = Arc::new(Shared::new(engine, Writer::new(own, turn)));
        let thread = shared.start()?;
        let store = SqliteStore { shared, thread: Some(thread), lease, patience };
        // What dead processes have left is removed in passing; nobody waits for it.
        store.shared.leave_to_thread(Work::Tidy)?;
        Ok(store)
    }

    fn read<T>(&self, work: impl FnOnce(&Eyes<'_>) -> rusqlite::Result<T>) -> Result<T, Fault> {
        self.shared.engine.same_process()?;
        self.shared.readers.read(&self.shared.engine, work)
    }

    /// The answer to a claim that needs no write. Whatever fails here is left to the writer, which tells it.
    fn hit(&self, subject: &Subject, request: &Request) -> Option<Answer> {
        match request {
            Request::Claim(_) => self.read(|eyes| eyes.answer(&subject.key, request)).ok().flatten(),
            Request::Proceed { .. }
            | Request::Mark { .. }
            | Request::Renew { .. }
            | Request::Settle { .. }
            | Request::Abandon { .. }
            | Request::Note { .. }
            | Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. }
            | Request::Sweep { .. } => None,
        }
    }

    async fn work(&self, work: Work) -> Result<Outcome, Error> {
        // The deadline sits on the reply: a move that is still in the queue is withdrawn with it.
        match within(self.patience, self.shared.submit(work)?).await {
            Some(Some(outcome)) => outcome,
            Some(None) => Err(self.stopped().into()),
            None => {
                let file = self.shared.engine.place.database.clone();
                Err(Fault::Slow { file, waited: self.patience }.into())
            }
        }
    }

    fn stopped(&self) -> Fault {
        Fault::Stopped { file: self.shared.engine.place.database.clone() }
    }

    /// Reads on this thread, unless that would mean to wait.
    async fn read_here_or_aside<T: Send + 'static>(
        &self,
        work: impl Fn(&Eyes<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        match self.read(&work) {
            Err(fault) if fault.is_busy() => self.read_aside(work).await,
            read => Ok(read?),
        }
    }

    /// Reads on a thread of its own: a long read must not hold up the executor.
    async fn read_aside<T: Send + 'static>(
        &self,
        work: impl Fn(&Eyes<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.engine.same_process()?;
        let shared = Arc::clone(&self.shared);
        let (reply, waiting) = slot();
        thread::Builder::new()
            .name("idempotent-read".to_owned())
            .spawn(move || reply.send(shared.readers.read_patiently(&shared.engine, work)))
            .map_err(|error| {
                Fault::io("start a thread that reads", &self.shared.engine.place.database, error)
            })?;
        match waiting.await {
            Some(read) => Ok(read?),
            None => Err(self.stopped().into()),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if self.shared.engine.same_process().is_err() {
            // The threads are the parent's.
            return;
        }
        self.shared.engine.watch.close();
        let Some(thread) = self.thread.take() else { return };
        // As with the thread that watches: it cannot wait for itself.
        let is_here = thread.thread().id() == thread::current().id();
        if self.shared.close(!is_here) {
            // A panic of that thread has been told by its own message.
            let _ = thread.join();
        }
    }
}

impl Store for SqliteStore {
    fn lease(&self) -> Lease {
        Lease { length: self.lease, is_deadline: false }
    }

    fn apply<'a>(
        &'a self,
        subject: &'a Arc<Subject>,
        request: Request,
    ) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move {
            self.shared.engine.same_process()?;
            if let Some(answer) = self.hit(subject, &request) {
                return Ok(answer);
            }
            answer(self.work(Work::Move { subject: Arc::clone(subject), request }).await?)
        })
    }

    fn apply_blocking(&self, subject: &Arc<Subject>, request: Request) -> Result<Answer, Error> {
        self.shared.engine.same_process()?;
        if let Some(answer) = self.hit(subject, &request) {
            return Ok(answer);
        }
        let work = Work::Move { subject: Arc::clone(subject), request };
        let outcome = match self.shared.bypass(&work) {
            Some(outcome) => outcome?,
            None => block_on(self.work(work))?,
        };
        answer(outcome)
    }

    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            let key = *key;
            self.read_here_or_aside(move |eyes| eyes.load(&key)).await
        })
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let filter = filter.clone();
            self.read_aside(move |eyes| eyes.list(&filter)).await
        })
    }

    fn trail<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, Error>> {
        Box::pin(async move {
            let key = *key;
            self.read_here_or_aside(move |eyes| eyes.trail(&key)).await
        })
    }

    fn sweep(&self, limit: usize) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async move {
            let found = self.read_aside(move |eyes| eyes.sweepable(limit)).await?;
            let mut removed = 0;
            for slice in found.chunks(SLICE) {
                if let Outcome::Removed(some) = self.work(Work::Sweep(slice.to_vec())).await? {
                    removed += some;
                }
            }
            self.work(Work::Tidy).await?;
            Ok(removed)
        })
    }

    fn changed<'a>(&'a self, key: &'a Key, fence: Fence) -> Option<BoxFuture<'a, ()>> {
        Some(Box::pin(async move {
            if self.shared.engine.same_process().is_ok() {
                // No answer is an answer: the caller looks for itself.
                let _ = Watch::wait(&self.shared, *key, fence).await;
            }
        }))
    }
}

/// A move is answered by an answer; the store's own errands are not moves.
fn answer(outcome: Outcome) -> Result<Answer, Error> {
    match outcome {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Removed(_) => Ok(Answer::Ok),
    }
}
