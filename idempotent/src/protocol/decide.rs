//! The table of all moves.

use super::moves::{Context, Decision, Liveness, Request};
use super::state::{Record, State, Status};
use super::{claim, holder, operator};

/// Decides one move: what to write, and what to answer once that is durable.
///
/// `record` is what is stored under the key, `None` if nothing is. A record that cannot be read never comes
/// here: the store answers [`Answer::Unreadable`](super::Answer::Unreadable) itself.
///
/// A decision stays right while the record is unchanged, even if time goes on: lapsed, quiet and expired only
/// ever become true. A store that decides outside its server therefore guards its write by the fence and a
/// revision that it has read, and decides again when no row was written.
///
/// # The table
///
/// "-" is "nothing written". The lines of a cell are tried from the top. *Doubt* is `effect || prior`, or the
/// state `in_doubt`. *Live* is running with a living holder; *lapsed-clean* is running, not live and without
/// doubt; *expired* is done or failed past its time. *Holder* is `owner == token && fence == fence`.
///
/// **claim**
///
/// | record | answer and write |
/// |---|---|
/// | running, `owner == token` (a retry) | the same grant again (Run or Check), lease renewed |
/// | done or failed, `owner == token` | Replay - |
/// | free or expired, `owner == token` | Stale - |
/// | in_doubt, `owner == token` | InDoubt - |
/// | absent; expired | Run: a new life, attempt 1, next fence, `effect` = the code has no marker |
/// | free; lapsed-clean | Run: the same, life kept, attempt + 1; any fingerprint |
/// | (these two, with `first`) | the same write, answer Check |
/// | any other, other fingerprint | KeyReused - |
/// | done, failed | Replay - |
/// | live | Busy - |
/// | doubt, policy rerun, but `rerun` false | InDoubt - |
/// | doubt, policy rerun | Run: next fence, attempt + 1, `prior`, `effect` = no marker, the longer `after` |
/// | doubt, policy check | Check: next fence, `prior`, `effect` = false |
/// | doubt, no policy | InDoubt - |
///
/// **The holder's moves**
///
/// | request | absent | free | running, holder | in_doubt, holder | done/failed, `owner == token` | anything else |
/// |---|---|---|---|---|---|---|
/// | proceed | Fenced | Fenced | `prior && !effect`: too early: Early -, else a fresh attempt: Ok · `!prior`: lease, Ok · `prior && effect`: Fenced | Fenced | Fenced | Fenced |
/// | mark | Fenced | Fenced | `effect`, lease: Ok | Fenced | Fenced | Fenced |
/// | renew | Fenced | Fenced | lease: Ok | Fenced | Fenced | Fenced |
/// | settle done | Fenced | Fenced | done | done (late truth) | Settled - | Fenced, but `token == late` while running or in_doubt with `prior && !effect`: done |
/// | settle failed | Fenced | Fenced | `prior`: in_doubt, else failed | `prior`: -, else failed | Settled - | Fenced |
/// | settle free | Fenced | `owner == token`: Settled - | `prior`: in_doubt, else free | the same | Settled - | Fenced |
/// | settle in_doubt | Fenced | Fenced | in_doubt | Settled - | Settled - | Fenced |
/// | abandon | Ok - | Ok - | as settle free (by token alone) | Ok - | Ok - | Ok - |
/// | note | Ok - | trail | trail | trail | trail | trail |
///
/// **Operators and housekeeping**: another fence than the one seen is Stale; for "not done" so is any other
/// change of state, `effect` or `prior`.
///
/// | request | absent | free | live | lapsed-clean | doubt | done/failed | expired |
/// |---|---|---|---|---|---|---|---|
/// | resolve | NotFound | Stale | Busy | done / free | done / free | done by an operator: done(value) replaces it, else Stale | Stale |
/// | revoke | NotFound | Stale | doubt: in_doubt, else free | as live | running: as live; in_doubt: Stale | Stale | Stale |
/// | forget | Ok - | absent | Busy | Busy | InDoubt | absent | absent |
/// | sweep | Ok - | absent | Ok - | absent | Ok - | Ok - | absent |
#[must_use]
pub fn decide(record: Option<&Record>, request: &Request, context: &Context) -> Decision {
    match request {
        Request::Claim(asked) => claim::claim(record, asked, context),
        Request::Proceed { held, has_marker, after, lease } => {
            holder::proceed(record, *held, *has_marker, *after, *lease, context)
        }
        Request::Mark { held, lease } => holder::mark(record, *held, *lease, context),
        Request::Renew { held, lease } => holder::renew(record, *held, *lease, context),
        Request::Settle { held, resolution } => holder::settle(record, *held, resolution, context),
        Request::Abandon { token } => holder::abandon(record, *token, context),
        Request::Note { text, .. } => holder::note(record, text),
        Request::ResolveDone { operator, value } => operator::resolve_done(record, operator, value, context),
        Request::ResolveFree { operator } => operator::resolve_free(record, operator, context),
        Request::Revoke { operator } => operator::revoke(record, operator, context),
        Request::Forget { operator } => operator::forget(record, operator, context),
        Request::Sweep { fence } => operator::sweep(record, *fence, context),
    }
}

/// What a record means now: the state that lists, statistics and exit statuses show.
#[must_use]
pub fn status(record: &Record, context: &Context) -> Status {
    match record.state {
        State::Free => Status::Free,
        State::Running if live(record, context) => Status::Live,
        State::Running if record.doubt() => Status::Doubt,
        State::Running => Status::LapsedClean,
        State::InDoubt => Status::Doubt,
        State::Done | State::Failed => match record.expires_at {
            Some(at) if at <= context.wall => Status::Expired,
            Some(_) | None => Status::Ended,
        },
    }
}

fn live(record: &Record, context: &Context) -> bool {
    match context.holder {
        Liveness::Alive => true,
        Liveness::Dead => false,
        Liveness::ByLease => record.lease_until.is_some_and(|until| context.now < until),
    }
}
