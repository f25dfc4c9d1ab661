//! Which calls of a store a fault hits.

use crate::protocol::Request;

/// A kind of call to a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Call {
    /// [`Request::Claim`].
    Claim,
    /// [`Request::Proceed`].
    Proceed,
    /// [`Request::Mark`].
    Mark,
    /// [`Request::Renew`].
    Renew,
    /// [`Request::Settle`], whatever the ending.
    Settle,
    /// [`Request::Abandon`].
    Abandon,
    /// [`Request::Note`].
    Note,
    /// An operator's request: resolve, revoke, forget.
    Operator,
    /// [`Store::load`](crate::Store::load).
    Load,
    /// [`Store::list`](crate::Store::list).
    List,
    /// [`Store::trail`](crate::Store::trail).
    Trail,
    /// [`Store::sweep`](crate::Store::sweep), and [`Request::Sweep`].
    Sweep,
}

impl Call {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Call; 12] = [
        Call::Claim,
        Call::Proceed,
        Call::Mark,
        Call::Renew,
        Call::Settle,
        Call::Abandon,
        Call::Note,
        Call::Operator,
        Call::Load,
        Call::List,
        Call::Trail,
        Call::Sweep,
    ];

    /// The kind of a request.
    #[must_use]
    pub const fn of(request: &Request) -> Call {
        match request {
            Request::Claim(_) => Call::Claim,
            Request::Proceed { .. } => Call::Proceed,
            Request::Mark { .. } => Call::Mark,
            Request::Renew { .. } => Call::Renew,
            Request::Settle { .. } => Call::Settle,
            Request::Abandon { .. } => Call::Abandon,
            Request::Note { .. } => Call::Note,
            Request::ResolveDone { .. }
            | Request::ResolveFree { .. }
            | Request::Revoke { .. }
            | Request::Forget { .. } => Call::Operator,
            Request::Sweep { .. } => Call::Sweep,
        }
    }

    /// The `n`-th call of this kind, from 1, counted from when the rule is set.
    #[must_use]
    pub const fn nth(self, n: usize) -> When {
        When { call: Some(self), from: n, to: n }
    }

    /// The first `n` calls of this kind after the rule is set.
    #[must_use]
    pub const fn first(self, n: usize) -> When {
        When { call: Some(self), from: 1, to: n }
    }

    /// The `n`-th call of this kind and all after it.
    #[must_use]
    pub const fn from(self, n: usize) -> When {
        When { call: Some(self), from: n, to: usize::MAX }
    }

    /// Every call of this kind.
    #[must_use]
    pub const fn always(self) -> When {
        When { call: Some(self), from: 1, to: usize::MAX }
    }
}

/// The calls that a rule hits: made by the methods of [`Call`], or by [`When::any`] for all kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct When {
    call: Option<Call>,
    from: usize,
    to: usize,
}

impl When {
    /// Every call of every kind.
    #[must_use]
    pub const fn any() -> When {
        When { call: None, from: 1, to: usize::MAX }
    }

    /// The `n`-th call of whatever kind, from 1, counted from when the rule is set.
    #[must_use]
    pub const fn any_nth(n: usize) -> When {
        When { call: None, from: n, to: n }
    }

    pub(super) fn concerns(self, call: Call) -> bool {
        self.call.is_none_or(|wanted| wanted == call)
    }

    pub(super) const fn hits(self, count: usize) -> bool {
        self.from <= count && count <= self.to
    }
}
