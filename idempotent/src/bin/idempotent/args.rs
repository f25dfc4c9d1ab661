//! What can be typed. Declarations only.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use idempotent::protocol::Seen;

use crate::exit::Exit;
use crate::prefix::Prefix;

/// See what is done, not done or in doubt, and say what happened
#[derive(Parser, Debug)]
#[command(name = "idempotent", version, after_help = Exit::help(), disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The store, such as `sqlite:robot.db`. It must exist
    #[arg(
        long,
        global = true,
        env = "IDEMPOTENT_URL",
        hide_env_values = true,
        help_heading = "Every command"
    )]
    pub(crate) url: Option<String>,
    /// Print JSON, one object a line
    #[arg(long, global = true, help_heading = "Every command")]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List records, with what each means now
    Ls(Ls),
    /// Show one record: what it says, what happened to it, what to do
    Show(Show),
    /// Say what happened: it was done, or it was not
    Resolve(Resolve),
    /// Take the claim from an attempt that hangs
    Revoke(Revoke),
    /// Remove a recorded ending, so that the next call runs
    Forget(Forget),
    /// Remove what means nothing any more: free, interrupted before the effect, or expired
    Sweep(Sweep),
    /// Count the records of each operation by what they mean now
    Stats,
    /// Read every record, and report what does not decode, and which operations are not known any more
    Verify(Verify),
}

/// Which records.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filters {
    /// Only what is in doubt, also if its process died and nobody has called since
    #[arg(long, group = "which")]
    pub(crate) in_doubt: bool,
    /// Only what began and neither happened nor is in doubt
    #[arg(long, group = "which")]
    pub(crate) unfinished: bool,
    /// Only what a living process is at work on
    #[arg(long, group = "which")]
    pub(crate) running: bool,
    /// Only this operation
    #[arg(long, value_name = "NAME")]
    pub(crate) op: Option<String>,
    /// Only this scope; "" is none
    #[arg(long)]
    pub(crate) scope: Option<String>,
    /// Only what began longer ago than this: 90s, 1h, 2days
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) older_than: Option<Duration>,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(crate) filters: Filters,
    /// At most so many
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Show {
    /// The key, or its first 8 digits or more
    pub(crate) key: Prefix,
}

/// Who acts, and why.
#[derive(clap::Args, Debug)]
pub(crate) struct Act {
    /// The reason, for the record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) why: String,
    /// Who says so; your user name if it is left out
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    /// Act only if the record is still what you saw: `7-in_doubt-effect`, from ls or show
    #[arg(long)]
    pub(crate) seen: Option<Seen>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What an operator says.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq, Debug)]
pub(crate) enum Happened {
    Done,
    NotDone,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Resolve {
    /// The key, or its first 8 digits or more. Without it, what the filters find: in doubt, if they do not say
    #[arg(conflicts_with_all = ["in_doubt", "unfinished", "running", "op", "scope", "older_than"])]
    pub(crate) key: Option<Prefix>,
    /// Whether it was done
    #[arg(long = "as", value_name = "done|not-done", hide_possible_values = true)]
    pub(crate) happened: Happened,
    /// With `done`: what later calls get, as JSON; `null` for a function that returns `()`
    #[arg(long, value_name = "JSON", required_if_eq("happened", "done"))]
    pub(crate) value: Option<String>,
    /// The schema version of that value, for a function that says `value(version = ..)`; 1 if it is left out
    #[arg(long, value_name = "N", requires = "value", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) value_version: Option<u32>,
    #[command(flatten)]
    pub(crate) act: Act,
    #[command(flatten)]
    pub(crate) filters: Filters,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Revoke {
    /// The key, or its first 8 digits or more
    pub(crate) key: Prefix,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Forget {
    /// The key, or its first 8 digits or more
    pub(crate) key: Prefix,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Sweep {
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct Verify {
    /// Also report operations that this key lock file does not know, see `assert_keys_locked!`
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
}
