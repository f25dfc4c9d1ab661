//! The clinic: what becomes of a booking robot's work when it is killed, strategy by strategy.
//!
//! `cargo run -p clinic` runs all of it. `operations.rs` is the file to read: it shows the library. The rest is
//! the world around it: a portal that books at every click, robots that are processes of their own, and a run
//! that kills them at numbered steps and then counts the portal's ledger.

mod args;
mod chaos;
mod http;
mod operations;
mod portal;
mod robot;
mod sabotage;
mod strategy;
mod variants;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

use clap::Parser;

use args::{Cli, Command, PortalArgs};
use portal::{Portal, Switches};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Some(Command::Robot(args)) => return robot::run(&args),
        Some(Command::Report(args)) => return robot::report(&args),
        Some(Command::Portal(args)) => runtime().and_then(|runtime| runtime.block_on(serve(args))),
        None => runtime().and_then(|runtime| runtime.block_on(chaos::run(&cli.chaos))),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("clinic: {error}");
        ExitCode::FAILURE
    })
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// `target/clinic` of this workspace.
fn out() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
    let out = workspace.join("target/clinic");
    match env::current_dir() {
        Ok(here) => out.strip_prefix(here).map(Path::to_path_buf).unwrap_or(out),
        Err(_) => out,
    }
}

async fn serve(args: PortalArgs) -> io::Result<ExitCode> {
    let file = args.file.unwrap_or_else(|| out().join("portal.db"));
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let switches = Switches {
        late: args.late.map(Duration::from_millis),
        hang_up_on: args.hang_up_on,
        honour_request_ids: args.honour_request_ids,
    };
    let portal = Portal::open(&file, args.port, switches).await?;
    println!(
        "The portal is open at http://{} (its database: {}). Ctrl-C closes it.",
        portal.address(),
        file.display()
    );
    std::future::pending().await
}
