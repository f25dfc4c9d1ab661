//! One request to the store, sent again while its answer is lost.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::clock::{boot_micros, micros};
use crate::pause::pause;
use crate::protocol::{Answer, Micros, Request};
use crate::store::{Error, Store, Subject};
use crate::telemetry::events;
use crate::telemetry::metrics::{self, Stopwatch};

/// Whether the caller's thread may block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Async,
    Blocking,
}

/// An answer, and when the request that it answers was sent, on this machine's boot clock.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    pub(crate) sent: Micros,
}

/// How long a request is sent again. A store that took longer to say that it is in trouble has waited itself.
const AGAIN_FOR: Duration = Duration::from_secs(1);

/// Sends `request`, and again with the same token while the store is in passing trouble.
pub(crate) async fn send(
    store: &Arc<dyn Store>,
    subject: &Arc<Subject>,
    request: Request,
    mode: Mode,
) -> Result<Answered, Error> {
    let mut pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(5))
        .with_max_delay(Duration::from_millis(100))
        .with_max_times(3)
        .build();
    let first = boot_micros();
    loop {
        let sent = boot_micros();
        let took = Stopwatch::start();
        let result = match mode {
            Mode::Blocking => store.apply_blocking(subject, request.clone()),
            Mode::Async => store.apply(subject, request.clone()).await,
        };
        metrics::store(request.name(), &took, result.is_err());
        events::moved(subject, request.name(), result.as_ref().map(Answer::name));
        match result {
            Ok(answer) => return Ok(Answered { answer, sent }),
            Err(error) if error.is_transient() && boot_micros() - first < micros(AGAIN_FOR) => {
                match pauses.next() {
                    Some(length) => pause(length).await,
                    None => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Why a move of a holder was not made: its record cannot be read, or the store gives a wrong answer.
pub(crate) fn unexpected(request: &str, answer: Answer) -> Error {
    match answer {
        Answer::Unreadable { why } => Error::new(
            crate::store::ErrorKind::Refused,
            format!("the record cannot be read any more: {why}"),
            "mend the stored row by hand: nothing runs until then, and the keeper goes on recording how this ended",
        ),
        answer => wrong_answer(request, &answer),
    }
}

/// A store that gives an answer which the protocol does not know for the request.
pub(crate) fn wrong_answer(request: &str, answer: &Answer) -> Error {
    Error::new(
        crate::store::ErrorKind::Refused,
        format!("the store answered a {request} with {answer:?}"),
        "this is a fault of the store: run `store_conformance!` on it",
    )
}
