//! A slot for one answer, which a future or a thread waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A slot: who sends, and who waits.
pub(super) fn slot<T>() -> (Sender<T>, Reply<T>) {
    let slot = Arc::new(Mutex::new(Slot { answer: None, sender: true, waiter: true, waker: None }));
    (Sender(Arc::clone(&slot)), Reply(slot))
}

struct Slot<T> {
    answer: Option<T>,
    sender: bool,
    waiter: bool,
    waker: Option<Waker>,
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The half that answers.
pub(super) struct Sender<T>(Arc<Mutex<Slot<T>>>);

impl<T> Sender<T> {
    /// Whether nobody waits any more.
    pub(super) fn is_withdrawn(&self) -> bool {
        !lock(&self.0).waiter
    }

    /// Gives the answer and wakes who waits.
    pub(super) fn send(self, answer: T) {
        lock(&self.0).answer = Some(answer);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut slot = lock(&self.0);
            slot.sender = false;
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The half that waits: a future of the answer, or `None` if the sender went away without one.
pub(super) struct Reply<T>(Arc<Mutex<Slot<T>>>);

impl<T> Future for Reply<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut slot = lock(&self.0);
        if let Some(answer) = slot.answer.take() {
            return Poll::Ready(Some(answer));
        }
        if !slot.sender {
            return Poll::Ready(None);
        }
        match &mut slot.waker {
            Some(waker) => waker.clone_from(context.waker()),
            waker => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let mut slot = lock(&self.0);
        slot.waiter = false;
        slot.waker = None;
    }
}
