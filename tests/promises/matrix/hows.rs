//! Every fault of a store, and how it is set.

use idempotent::store::{Error as StoreError, ErrorKind};
use idempotent::testing::{Call, Fault, Faults, Gate};

/// What happens to the call of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum How {
    /// Nothing: what the faults are compared with.
    Untouched,
    RequestLost(Times),
    AnswerLost(Times),
    Refused(Times),
    /// The request waits, and arrives late.
    RequestLate,
    /// The request is applied, and its answer arrives late.
    AnswerLate,
    /// The store panics before it applies the request.
    RequestPanics,
    /// The store panics after it has applied the request.
    AnswerPanics,
}

/// How often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Times {
    Once,
    /// As often as a request is sent again.
    Thrice,
    ForEver,
}

impl How {
    pub(super) const ALL: [How; 14] = [
        How::Untouched,
        How::RequestLost(Times::Once),
        How::RequestLost(Times::Thrice),
        How::RequestLost(Times::ForEver),
        How::AnswerLost(Times::Once),
        How::AnswerLost(Times::Thrice),
        How::AnswerLost(Times::ForEver),
        How::Refused(Times::Once),
        How::Refused(Times::Thrice),
        How::Refused(Times::ForEver),
        How::RequestLate,
        How::AnswerLate,
        How::RequestPanics,
        How::AnswerPanics,
    ];

    pub(super) fn set(self, faults: &Faults, call: Call, gate: &Gate) {
        let refusal = StoreError::new(ErrorKind::Refused, "the store refuses", "the test asked for it");
        let (times, fault) = match self {
            How::Untouched => return,
            How::RequestLost(times) => (times, Fault::RequestLost),
            How::AnswerLost(times) => (times, Fault::AnswerLost),
            How::Refused(times) => (times, Fault::Error(refusal)),
            How::RequestLate => (Times::Once, Fault::HoldRequest(gate.clone())),
            How::AnswerLate => (Times::Once, Fault::HoldAnswer(gate.clone())),
            How::RequestPanics => (Times::Once, Fault::RequestPanics),
            How::AnswerPanics => (Times::Once, Fault::AnswerPanics),
        };
        let when = match times {
            Times::Once => call.first(1),
            Times::Thrice => call.first(3),
            Times::ForEver => call.always(),
        };
        faults.on(when, fault);
    }

    /// Whether the call waits at the gate.
    pub(super) fn is_late(self) -> bool {
        matches!(self, How::RequestLate | How::AnswerLate)
    }

    pub(super) fn panics(self) -> bool {
        matches!(self, How::RequestPanics | How::AnswerPanics)
    }

    pub(super) fn is_for_ever(self) -> bool {
        matches!(
            self,
            How::RequestLost(Times::ForEver) | How::AnswerLost(Times::ForEver) | How::Refused(Times::ForEver)
        )
    }

    /// Whether a request that is sent up to four times comes to its answer.
    pub(super) fn passes_if_sent_again(self) -> bool {
        match self {
            How::Untouched | How::RequestLate | How::AnswerLate => true,
            How::RequestLost(times) | How::AnswerLost(times) => times != Times::ForEver,
            How::Refused(_) | How::RequestPanics | How::AnswerPanics => false,
        }
    }

    /// Whether a request that is sent once comes to its answer.
    pub(super) fn passes(self) -> bool {
        self == How::Untouched || self.is_late()
    }

    /// Whether a request that is sent once is applied.
    pub(super) fn applies(self) -> bool {
        self.passes() || matches!(self, How::AnswerLost(_) | How::AnswerPanics)
    }
}
