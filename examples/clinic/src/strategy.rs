//! The ways of doing the job that are compared.

use std::time::Duration;

use clap::ValueEnum;

use crate::portal::Switches;
use crate::robot::steps::Step;

/// A way of doing the job, and the portal that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Strategy {
    /// Plain code that records after success
    Naive,
    /// Plain code that is never retried
    Once,
    /// The attribute with a key and nothing else
    Unmarked,
    /// With `effect!`
    Marked,
    /// With `effect!` and `check`
    Checked,
    /// The same, at a portal that answers before it commits
    CheckedLatePortal,
    /// A request id, at a portal that honours it
    RequestId,
    /// A mistake on purpose: `check` at the late portal, without quiet time
    CheckedLatePortalNoQuiet,
}

/// What becomes of the first robot of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It is killed while it waits at this step.
    KilledAt(Step),
    /// The portal hangs up on it after the commit, and it lives to see that.
    HungUp,
}

/// Patients whose name begins so meet a portal that hangs up after the commit.
pub(crate) const HANG_UP_ON: &str = "cut";

/// How long after the end of a robot's connection a late portal commits.
const LATE: Duration = Duration::from_secs(1);

impl Strategy {
    /// Its name in tables and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Strategy::Naive => "naive",
            Strategy::Once => "once",
            Strategy::Unmarked => "unmarked",
            Strategy::Marked => "marked",
            Strategy::Checked => "checked",
            Strategy::CheckedLatePortal => "checked_late_portal",
            Strategy::RequestId => "request_id",
            Strategy::CheckedLatePortalNoQuiet => "checked_late_portal_no_quiet",
        }
    }

    /// What the reader of a table should know about it.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Strategy::Naive => "plain code: record after success",
            Strategy::Once => "plain code: never retry",
            Strategy::Unmarked => "#[idempotent(key = ..)] alone",
            Strategy::Marked => "and effect!(..)",
            Strategy::Checked => "and check(.., after = 3s)",
            Strategy::CheckedLatePortal => "the same; the portal commits late",
            Strategy::RequestId => "rerun; the portal honours the id",
            Strategy::CheckedLatePortalNoQuiet => "a mistake on purpose: after = 0s",
        }
    }

    /// May a fresh robot take over a job whose robot has failed?
    pub(crate) fn retries(self) -> bool {
        self != Strategy::Once
    }

    /// Can nobody know, after this mishap, whether it happened? Elsewhere doubt would be needless.
    pub(crate) fn may_doubt(self, mishap: Mishap) -> bool {
        let from = match self {
            Strategy::Unmarked => Step::Claimed,
            Strategy::Marked => Step::AboutToSubmit,
            _ => return false,
        };
        match mishap {
            Mishap::KilledAt(step) => (from.number()..Step::Recorded.number()).contains(&step.number()),
            Mishap::HungUp => true,
        }
    }

    /// How the portal behaves that its robots meet.
    pub(crate) fn portal(self) -> Switches {
        let late = matches!(self, Strategy::CheckedLatePortal | Strategy::CheckedLatePortalNoQuiet);
        Switches {
            late: late.then_some(LATE),
            hang_up_on: Some(HANG_UP_ON.into()),
            honour_request_ids: self == Strategy::RequestId,
        }
    }
}
