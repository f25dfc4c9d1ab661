//! The command line, declared.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::strategy::Strategy;

/// Robots that book appointments, killed at every step, and a count of what really happened.
///
/// Without a command: runs every strategy, prints the table, writes chaos.json and chaos.svg.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) chaos: ChaosArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the portal alone, for a person to look at
    Portal(PortalArgs),
    /// Do one job: a line on standard output at every step, and a line of standard input to go on
    Robot(RobotArgs),
    /// Download the report of a day, or show the one that was downloaded
    Report(ReportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// Robots killed at each of the nine steps, and jobs whose connection is cut, a strategy
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) per_step: u8,
    /// Do not write the mark: our own rows must show duplicates then
    #[arg(long)]
    pub(crate) sabotage: bool,
    /// Folder for results and databases; what earlier runs left there is removed [default: target/clinic]
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PortalArgs {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The portal's database [default: target/clinic/portal.db]
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Answer a click at once, and commit it this many milliseconds after the visitor has gone
    #[arg(long, value_name = "MS")]
    pub(crate) late: Option<u64>,
    /// Hang up without an answer at the first click for a patient whose name begins so
    #[arg(long, value_name = "START")]
    pub(crate) hang_up_on: Option<String>,
    /// A click with an Idempotency-Key that was seen before books nothing
    #[arg(long)]
    pub(crate) honour_request_ids: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RobotArgs {
    /// How to do it
    #[arg(long)]
    pub(crate) strategy: Strategy,
    /// Address of the portal
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) portal: SocketAddr,
    /// Whom to book
    #[arg(long)]
    pub(crate) patient: String,
    /// Which day
    #[arg(long)]
    pub(crate) date: String,
    /// Folder of this strategy's records
    #[arg(long)]
    pub(crate) records: PathBuf,
    /// Do not write the mark
    #[arg(long)]
    pub(crate) sabotage: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Address of the portal
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) portal: SocketAddr,
    /// Which day
    #[arg(long)]
    pub(crate) date: String,
    /// Folder of the records
    #[arg(long)]
    pub(crate) records: PathBuf,
}
