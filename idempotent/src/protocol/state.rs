//! What a store holds for one key.
//!
//! ```text
//!              claim                    settle done / failed
//!   absent ────────────▶ running ──────────────────────────────▶ done, failed
//!      ▲                 ▲  │  │                                    │
//!      │          claim  │  │  └── settle in_doubt, revoke ──▶ in_doubt
//!      │                 │  │ settle free                      │   │
//!      │                 │  ▼                                  │   │ resolve, late "done"
//!      └── sweep ─────── free ◀──────── resolve: not done ─────┘   ▼
//!      └── sweep, forget, expiry ─────────────────────────── done, failed
//! ```
//! A running record whose holder is dead is not rewritten: it *reads* as lapsed or in doubt ([`Status`]).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Microseconds. Points in time count from an origin that the store chooses; see
/// [`Context`](super::Context) for the two clocks.
pub type Micros = i64;

/// A random name for one logical claim. A retry of the same claim carries the same token; a new claim takes
/// a new one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub [u8; 16]);

/// A random name for one process, where the store can see whether that process lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Process(pub [u8; 16]);

/// A number that grows with every grant and every operator's write on a key, and never restarts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

macro_rules! hex_debug {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    };
}
hex_debug!(Token);
hex_debug!(Process);

/// The five stored states.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// No attempt holds the key, and none can have acted.
    Free,
    /// An attempt was granted and has not ended in the record.
    Running,
    /// The effect happened and its result is recorded.
    Done,
    /// A final failure is recorded and will be replayed.
    Failed,
    /// An attempt ended otherwise than by `Ok` after its effect may have begun.
    InDoubt,
}

impl State {
    /// The name under which stores write the state.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Free => "free",
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::InDoubt => "in_doubt",
        }
    }

    /// The state of that name; `None` for any other text, which a store must treat as unreadable and never
    /// as absent.
    #[must_use]
    pub fn from_name(name: &str) -> Option<State> {
        Some(match name {
            "free" => State::Free,
            "running" => State::Running,
            "done" => State::Done,
            "failed" => State::Failed,
            "in_doubt" => State::InDoubt,
            _ => return None,
        })
    }
}

/// What an operator saw of a record before deciding: its fence, and what it said of the effect.
///
/// The fence alone is not enough to say "not done": an attempt whose lease is over, but whose claim nobody has
/// taken, may still go on, mark and act under the same fence. Within one fence these three never return to
/// what they were.
///
/// Its text, `7-running-effect`, is for people and command lines, and can be parsed again.
///
/// ```
/// use idempotent::protocol::Seen;
///
/// let seen: Seen = "7-in_doubt-effect-prior".parse()?;
/// assert_eq!(seen.to_string(), "7-in_doubt-effect-prior");
/// # Ok::<(), idempotent::protocol::NotSeen>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Seen {
    /// The record's fence.
    pub fence: Fence,
    /// Its stored state.
    pub state: State,
    /// Whether its attempt may have acted.
    pub effect: bool,
    /// Whether an earlier attempt may have acted.
    pub prior: bool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.fence, self.state.name())?;
        if self.effect {
            f.write_str("-effect")?;
        }
        if self.prior {
            f.write_str("-prior")?;
        }
        Ok(())
    }
}

/// A text that does not say what was seen of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotSeen;

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected what a list shows of a record, such as `7-running-effect`")
    }
}

impl std::error::Error for NotSeen {}

impl FromStr for Seen {
    type Err = NotSeen;

    fn from_str(text: &str) -> Result<Seen, NotSeen> {
        let mut words = text.split('-').peekable();
        let fence = words.next().and_then(|word| word.parse().ok()).map(Fence).ok_or(NotSeen)?;
        let state = words.next().and_then(State::from_name).ok_or(NotSeen)?;
        let effect = words.next_if_eq(&"effect").is_some();
        let prior = words.next_if_eq(&"prior").is_some();
        if words.next().is_some() {
            return Err(NotSeen);
        }
        Ok(Seen { fence, state, effect, prior })
    }
}

/// What a record means at a moment, derived from its state, the time and the life of its holder. Lists and
/// the command line show this, so that a dead holder's record is in doubt although nobody has written so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Status {
    /// Nobody holds the key and nothing can have happened.
    Free,
    /// An attempt is running and its holder is alive.
    Live,
    /// An attempt was interrupted before its effect began: the key is simply free again.
    LapsedClean,
    /// Something may have happened, and nothing proves what.
    Doubt,
    /// A result or a final failure is recorded.
    Ended,
    /// A recorded ending whose time to be kept is over.
    Expired,
}

/// A recorded value: the bytes of a result or of a final error, or the word that there are none.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    /// The encoded value.
    Bytes {
        /// What the codec wrote.
        bytes: Arc<[u8]>,
        /// The name of that codec.
        codec: Arc<str>,
        /// The schema version of the value.
        version: u32,
    },
    /// The effect happened, but its value could not be encoded. Never reads as `()` or `None`.
    Missing {
        /// Why there are no bytes.
        why: Arc<str>,
    },
}

/// What a store holds for one key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Record {
    /// The stored state.
    pub state: State,
    /// Grows at every grant and operator's write; never restarts, also after sweep, expiry and forget.
    pub fence: Fence,
    /// The token of the current claim. Kept after a settle, so that a repeated settle is recognised; cleared
    /// by operators.
    pub owner: Option<Token>,
    /// *This* attempt may have acted.
    pub effect: bool,
    /// An *earlier* attempt may have acted, and nobody has proved otherwise.
    pub prior: bool,
    /// The token of the last attempt that may have acted, while a checker or a rerun that has not acted holds
    /// the record.
    pub late: Option<Token>,
    /// All attempts in doubt began under `rerun`.
    pub rerun: bool,
    /// The longest quiet time (`after`) that the attempts in doubt began under; 0 is none.
    pub after: Micros,
    /// Until when the claim lives unrenewed, on the store's steady clock.
    pub lease_until: Option<Micros>,
    /// The process that holds the claim, where the store can see it live.
    pub holder: Option<Process>,
    /// The last moment at which an attempt in doubt can have sent anything, on the store's steady clock.
    pub quiet_from: Option<Micros>,
    /// Which run of the body this is, from 1. For display only.
    pub attempt: u32,
    /// The token of the claim that began this life of the key.
    pub generation: Token,
    /// Hash of the arguments that are neither key nor skipped (first half), and of their names (second half).
    pub fingerprint: [u8; 64],
    /// The result, when done.
    pub value: Option<Value>,
    /// The final error, when failed.
    pub error: Option<Value>,
    /// When a recorded ending may be forgotten, on the wall clock; `None` is never.
    pub expires_at: Option<Micros>,
    /// The operator who decided this ending.
    pub resolved_by: Option<Arc<str>>,
    /// The reason that operator gave.
    pub why: Option<Arc<str>>,
    /// The text of the last error of the body or of its check.
    pub last_error: Option<Arc<str>>,
    /// When this life of the key began, on the wall clock.
    pub began_at: Micros,
    /// When the record was last written, on the wall clock.
    pub changed_at: Micros,
}

impl Record {
    /// What an operator who looks at the record now must show with an act on it.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        Seen { fence: self.fence, state: self.state, effect: self.effect, prior: self.prior }
    }

    /// Whether an attempt, this one or an earlier one, may have acted.
    #[must_use]
    pub const fn doubt(&self) -> bool {
        self.effect || self.prior || matches!(self.state, State::InDoubt)
    }

    /// Whether *this* attempt may have acted: it was marked, or it ended in doubt with no earlier one to blame.
    pub(super) const fn acted(&self) -> bool {
        self.effect || (matches!(self.state, State::InDoubt) && !self.prior)
    }

    /// Whether `token` and `fence` together name the current claim. Either alone has a hole: a fence can
    /// return after a sweep, and a late copy of a claim can carry a token that has already ended.
    pub(super) fn held_by(&self, token: Token, fence: Fence) -> bool {
        self.owner == Some(token) && self.fence == fence
    }
}
