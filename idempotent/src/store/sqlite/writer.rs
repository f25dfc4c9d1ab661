//! The thread that writes, and the queue before it.
//!
//! While one batch is synced to the disk the next one queues: that alone makes batches as large as the load.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::batch::{Outcome, Work, Writer};
use super::engine::Engine;
use super::fault::Fault;
use super::readers::Readers;
use super::schema::PATIENCE;
use crate::store::Error;
use crate::store::reply::{Reply, Sender, slot};

/// How many jobs one transaction takes at most.
const BATCH: usize = 1_000;

struct Job {
    work: Work,
    /// `None` for the store's own errands, which nobody waits for.
    reply: Option<Sender<Result<Outcome, Error>>>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    closing: bool,
    /// The thread has ended: nobody will answer.
    stopped: bool,
}

/// An open store, as its threads share it.
pub(super) struct Shared {
    pub(super) engine: Engine,
    pub(super) readers: Readers,
    writer: Mutex<Writer>,
    queue: Mutex<Queue>,
    bell: Condvar,
}

impl Shared {
    pub(super) fn new(engine: Engine, writer: Writer) -> Shared {
        Shared {
            engine,
            readers: Readers::default(),
            writer: Mutex::new(writer),
            queue: Mutex::default(),
            bell: Condvar::new(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `work` to the thread. If the reply is dropped before the work's turn, it is not done.
    pub(super) fn submit(&self, work: Work) -> Result<Reply<Result<Outcome, Error>>, Fault> {
        let (reply, waiting) = slot();
        self.push(Job { work, reply: Some(reply) })?;
        Ok(waiting)
    }

    /// Hands `work` to the thread, and nobody waits for it.
    pub(super) fn leave_to_thread(&self, work: Work) -> Result<(), Fault> {
        self.push(Job { work, reply: None })
    }

    fn push(&self, job: Job) -> Result<(), Fault> {
        let mut queue = self.queue();
        if queue.stopped {
            return Err(Fault::Stopped { file: self.engine.place.database.clone() });
        }
        queue.jobs.push(job);
        drop(queue);
        self.bell.notify_all();
        Ok(())
    }

    /// Does `work` on this thread, if nobody writes and nobody waits to.
    pub(super) fn bypass(&self, work: &Work) -> Option<Result<Outcome, Error>> {
        if !self.queue().jobs.is_empty() {
            return None;
        }
        let mut writer = self.writer.try_lock().ok()?;
        let _turn = writer.try_take_turn(&self.engine)?;
        writer.run(&self.engine, &[work]).pop()
    }

    /// Starts the thread.
    pub(super) fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, Fault> {
        let shared = Arc::clone(self);
        let work = move || {
            let stopped = Stopped(&shared);
            while shared.next_batch() {}
            let mut writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
            shared.readers.close();
            writer.leave(&shared.engine);
            drop(stopped);
        };
        thread::Builder::new()
            .name("idempotent-sqlite".to_owned())
            .spawn(work)
            .map_err(|error| Fault::io("start the thread that writes", &self.engine.place.database, error))
    }

    /// Asks the thread to end once the queue is empty, and waits for it if it is to; `false` if it has not ended by
    /// then, because another process is stopped in its turn.
    pub(super) fn close(&self, waits: bool) -> bool {
        let mut queue = self.queue();
        queue.closing = true;
        self.bell.notify_all();
        let patience = if waits { PATIENCE } else { Duration::ZERO };
        let ended = self.bell.wait_timeout_while(queue, patience, |queue| !queue.stopped);
        ended.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Waits for work and does it; `false` when there will be no more.
    fn next_batch(&self) -> bool {
        let mut queue = self.queue();
        while queue.jobs.is_empty() {
            if queue.closing {
                return false;
            }
            queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        drop(queue);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // The turn first and then the batch: who queued while we waited comes along.
        let turn = writer.take_turn(&self.engine);
        let mut jobs = self.take_jobs();
        // Nobody waits for these any more.
        jobs.retain(|job| !job.reply.as_ref().is_some_and(Sender::is_withdrawn));
        let works: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        let outcomes = match &turn {
            Ok(_) if works.is_empty() => Vec::new(),
            Ok(_) => writer.run(&self.engine, &works),
            Err(_) => Vec::new(),
        };
        let failed = turn.err().map(Error::from);
        drop(writer);
        let outcomes = match failed {
            Some(error) => works.iter().map(|_| Err(error.clone())).collect(),
            None => outcomes,
        };
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            if let Some(reply) = job.reply {
                reply.send(outcome);
            }
        }
        true
    }

    fn take_jobs(&self) -> Vec<Job> {
        let mut queue = self.queue();
        let many = queue.jobs.len().min(BATCH);
        queue.jobs.drain(..many).collect()
    }
}

/// However the thread ends, whoever waits for it learns of it.
struct Stopped<'s>(&'s Shared);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.stopped = true;
        let jobs = std::mem::take(&mut queue.jobs);
        drop(queue);
        drop(jobs);
        self.0.bell.notify_all();
    }
}
