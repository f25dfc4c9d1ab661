//! The span of one call: entered while the claim, the body and the settle run.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;
use tracing::field::Empty;

use super::{events, metrics, quietly};
use crate::observe::How;
use crate::store::Subject;

/// The span of a call. It is told how the call ended, and closed when it is dropped.
pub(crate) struct CallSpan {
    /// `None` when the subscriber panicked or there is no call yet.
    span: Option<Span>,
    took: metrics::Stopwatch,
}

impl CallSpan {
    /// The span of a call that begins now.
    pub(crate) fn of(subject: &Subject) -> CallSpan {
        let span = quietly(|| {
            tracing::info_span!("idempotent", operation = %subject.operation, key = %subject.key,
                outcome = Empty, attempt = Empty)
        });
        CallSpan { span, took: metrics::Stopwatch::start() }
    }

    /// A span that nobody sees.
    pub(crate) fn none() -> CallSpan {
        CallSpan { span: None, took: metrics::Stopwatch::start() }
    }

    /// The same span once more, for a part of the call that consumes the one it is kept in.
    pub(crate) fn again(&self) -> CallSpan {
        let span = self.span.as_ref().and_then(|span| quietly(|| span.clone()));
        CallSpan { span, took: metrics::Stopwatch::start() }
    }

    /// Tells that the body begins, and which run of it it is.
    pub(crate) fn begins(&self, attempt: u32) {
        self.record(|span| {
            span.record("attempt", attempt);
        });
    }

    fn record(&self, tell: impl FnOnce(&Span)) {
        if let Some(span) = &self.span {
            quietly(|| tell(span));
        }
    }

    /// Runs `work` inside this span.
    pub(crate) fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.enter();
        work()
    }

    /// A future that polls `future` inside this span. Not an `async fn`: that would hold `future` twice, and bodies
    /// are futures within futures.
    pub(crate) fn around<F: Future>(&self, future: F) -> Around<'_, F> {
        Around { span: self, future }
    }

    /// Tells how the call ended.
    pub(crate) fn end(&self, subject: &Subject, how: How, attempt: u32) {
        self.record(|span| {
            span.record("outcome", how.name());
            if attempt > 0 {
                span.record("attempt", attempt);
            }
        });
        self.inside(|| events::ended(subject, how, attempt));
        metrics::call(&subject.operation, how, &self.took);
    }

    fn enter(&self) -> Inside<'_> {
        let span = self.span.as_ref().filter(|span| !span.is_disabled());
        if let Some(span) = span {
            quietly(|| span.with_subscriber(|(id, subscriber)| subscriber.enter(id)));
        }
        Inside(span)
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        let span = self.span.take();
        quietly(|| drop(span));
    }
}

pin_project! {
    /// A future inside the span of its call.
    pub(crate) struct Around<'a, F> {
        span: &'a CallSpan,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Around<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.span.inside(|| this.future.poll(context))
    }
}

/// Leaves the span when it is dropped, also by a panic of the body.
struct Inside<'a>(Option<&'a Span>);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.0 {
            quietly(|| span.with_subscriber(|(id, subscriber)| subscriber.exit(id)));
        }
    }
}
