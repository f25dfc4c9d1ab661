//! Waiting without a runtime: a pause, and whichever of two futures ends first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_timer::Delay;

/// Until when a call may wait; `None` if that lies beyond what the clock can tell.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(wait: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(wait))
    }

    /// What is left of the time; zero once it is over.
    pub(crate) fn left(self) -> Duration {
        self.0.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }
}

/// The longest single pause; longer ones are made of several.
const LONGEST: Duration = Duration::from_secs(3600);

/// Lets time pass.
pub(crate) async fn pause(length: Duration) {
    let until = Deadline::after(length);
    while until.left() > Duration::ZERO {
        Delay::new(until.left().min(LONGEST)).await;
    }
}

/// Waits for `event`, but not longer than `most`. Whether it came.
pub(crate) async fn within<F: Future>(most: Duration, event: F) -> Option<F::Output> {
    let mut event = pin!(event);
    let mut over = pin!(pause(most));
    poll_fn(|context| {
        if let Poll::Ready(output) = event.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        over.as_mut().poll(context).map(|()| None)
    })
    .await
}
