//! Code that blocks, run on threads of its own.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::block_on::block_on;
use crate::store::reply::slot;
use crate::store::{BoxFuture, Error, ErrorKind};

/// How many threads there are at most.
const MOST: usize = 16;
/// How long a thread waits for more to do before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    threads: usize,
    idle: usize,
}

struct Pool {
    queue: Mutex<Queue>,
    more: Condvar,
}

static POOL: Pool =
    Pool { queue: Mutex::new(Queue { work: VecDeque::new(), threads: 0, idle: 0 }), more: Condvar::new() };

thread_local! {
    /// A synchronous caller waits on this thread.
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// A future of what `work` returns, for engines that block: it runs on one of at most 16 threads of this crate's own,
/// so that it needs no runtime and keeps no executor waiting.
///
/// It begins at once. Where a synchronous caller waits, it runs on that caller's own thread. A future that is dropped before its work has begun takes it back; once begun, the work is done
/// to its end.
///
/// ```
/// use idempotent::store::{BoxFuture, Error, blocking};
///
/// fn length(path: &'static str) -> BoxFuture<'static, Result<u64, Error>> {
///     blocking(move || Ok(std::fs::metadata(path)?.len()))
/// }
/// # let _ = length;
/// ```
///
/// # Errors
/// What `work` returns; and [`ErrorKind::Unavailable`] if it panics, or if there is no thread to run it.
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> BoxFuture<'static, Result<T, Error>> {
    if MAY_BLOCK.get() {
        let done = guarded(work);
        return Box::pin(async move { done });
    }
    let (reply, waiting) = slot();
    let begun = POOL.run(Box::new(move || {
        if !reply.is_withdrawn() {
            reply.send(guarded(work));
        }
    }));
    Box::pin(async move {
        begun?;
        match waiting.await {
            Some(result) => result,
            None => Err(unavailable("the thread that was at work has ended without a word".to_owned())),
        }
    })
}

/// Waits for `future` on this thread, and lets what it asks of [`blocking`] run here, too.
pub(super) fn block_here<T>(future: impl Future<Output = T>) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            MAY_BLOCK.set(self.0);
        }
    }
    let _before = Before(MAY_BLOCK.replace(true));
    block_on(future)
}

/// An engine that panics must not end the thread, or a caller who has nothing to do with it.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No work runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&'static self, work: Work) -> Result<(), Error> {
        let mut queue = self.lock();
        queue.work.push_back(work);
        if queue.idle < queue.work.len() && queue.threads < MOST {
            let started =
                thread::Builder::new().name("idempotent-blocking".to_owned()).spawn(|| self.serve());
            match started {
                Ok(_) => queue.threads += 1,
                // The others get to it.
                Err(_) if queue.threads > 0 => {}
                Err(error) => {
                    queue.work.pop_back();
                    return Err(unavailable(format!("no thread can be started: {error}")));
                }
            }
        }
        drop(queue);
        self.more.notify_one();
        Ok(())
    }

    fn serve(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(work) = queue.work.pop_front() {
                drop(queue);
                work();
                queue = self.lock();
                continue;
            }
            queue.idle += 1;
            let (woken, timeout) =
                self.more.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if timeout.timed_out() && queue.work.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    unavailable(format!("the engine panicked: {}", said.unwrap_or("without a text")))
}

fn unavailable(message: String) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        message,
        "call again; if it stays so, look for what is wrong with the engine or the machine",
    )
}
