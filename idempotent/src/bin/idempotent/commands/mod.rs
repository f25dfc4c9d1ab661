//! A file a command: each takes what was typed and gives data. Nothing here prints.

pub(crate) mod act;
pub(crate) mod forget;
pub(crate) mod ls;
pub(crate) mod resolve;
pub(crate) mod revoke;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod sweep;
pub(crate) mod verify;

use idempotent::protocol::Micros;
use idempotent::{Filter, Which};

use crate::args::Filters;
use crate::records::now;

/// The list that these flags ask for; `which` is what they mean if they do not say.
fn filter(flags: &Filters, which: Which) -> Filter {
    let Filters { in_doubt, unfinished, running, op, scope, older_than } = flags;
    let which = match (in_doubt, unfinished, running) {
        (true, ..) => Which::InDoubt,
        (_, true, _) => Which::Unfinished,
        (.., true) => Which::Running,
        (false, false, false) => which,
    };
    Filter {
        which,
        operation: op.as_deref().map(Into::into),
        scope: scope.as_deref().map(Into::into),
        began_before: older_than
            .map(|age| now().saturating_sub(Micros::try_from(age.as_micros()).unwrap_or(Micros::MAX))),
        limit: usize::MAX,
        after: None,
    }
}
