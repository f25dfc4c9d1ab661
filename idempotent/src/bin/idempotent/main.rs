//! The program `idempotent`: see what is done, not done or in doubt, and say what happened.

mod args;
mod commands;
mod exit;
mod failure;
mod meaning;
mod output;
mod prefix;
mod records;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command, Sweep};
use crate::commands::act::Plan;
use crate::commands::{forget, ls, resolve, revoke, show, stats, sweep, verify};
use crate::exit::Exit;
use crate::failure::{Failure, Stop};
use crate::meaning::Meaning;
use crate::output::Output;
use crate::records::Records;

fn main() -> ExitCode {
    let mut exit = Exit::Success;
    let ended = match Args::try_parse() {
        Ok(args) => {
            let mut output = Output::new(args.json);
            run(&args, &mut output, &mut exit).and_then(|()| Ok(output.end()?))
        }
        Err(error) if error.use_stderr() => {
            output::correct(&error.render().to_string());
            return Exit::Usage.into();
        }
        Err(help) => {
            let mut output = Output::new(false);
            output.help(&help.render().to_string()).and_then(|()| output.end()).map_err(Stop::from)
        }
    };
    match ended {
        Ok(()) | Err(Stop::PipeClosed) => exit.into(),
        Err(Stop::Failed(failure)) => {
            output::complain(&failure);
            failure.exit.into()
        }
    }
}

/// Does what was asked. `exit` is what has been found so far, also when nobody reads on.
fn run(args: &Args, output: &mut Output, exit: &mut Exit) -> Result<(), Stop> {
    let records = Records::open(args.url.as_deref())?;
    match &args.command {
        Command::Ls(asked) => {
            for page in ls::ls(&records, asked) {
                let page = page?;
                doubt(exit, page.iter().any(|entry| Meaning::of(entry).is_doubt()));
                output.page(&page)?;
            }
        }
        Command::Show(asked) => {
            let (key, shown) = show::show(&records, asked)?;
            doubt(exit, shown.entry.as_ref().is_some_and(|entry| Meaning::of(entry).is_doubt()));
            output.shown(&key, &shown)?;
        }
        Command::Stats => {
            let operations = stats::stats(&records)?;
            let is_doubt = |meaning: &Meaning| {
                meaning.is_doubt() && operations.values().any(|counts| counts.of(*meaning) > 0)
            };
            doubt(exit, Meaning::ALL.iter().any(is_doubt));
            output.counts(&operations)?;
        }
        Command::Verify(asked) => {
            let verified = verify::verify(&records, asked)?;
            doubt(exit, verified.in_doubt > 0);
            if !verified.is_sound() {
                *exit = Exit::Damaged;
            }
            output.verified(&verified)?;
        }
        Command::Sweep(asked) => remove(&records, asked, output)?,
        Command::Resolve(asked) => act(resolve::resolve(&records, asked)?, asked.act.yes, output, exit)?,
        Command::Revoke(asked) => act(revoke::revoke(&records, asked)?, asked.act.yes, output, exit)?,
        Command::Forget(asked) => act(forget::forget(&records, asked)?, asked.act.yes, output, exit)?,
    }
    Ok(())
}

fn doubt(exit: &mut Exit, found: bool) {
    if found {
        *exit = Exit::InDoubt;
    }
}

/// Shows a plan, asks, and carries it out.
fn act(plan: Plan, yes: bool, output: &mut Output, exit: &mut Exit) -> Result<(), Stop> {
    if plan.targets.is_empty() {
        output::nothing_fits();
    }
    if plan.possible() > 0 {
        output::announce(&plan);
        agree(yes)?;
    }
    let act = plan.act.clone();
    for (entry, done) in plan.carry_out() {
        output.done(&act, &entry, &done)?;
        if let (Exit::Success, Err(failure)) = (*exit, &done) {
            *exit = failure.exit;
        }
    }
    Ok(())
}

fn remove(records: &Records, asked: &Sweep, output: &mut Output) -> Result<(), Stop> {
    let mut found = 0;
    for page in sweep::sweepable(records) {
        let page = page?;
        found += page.len();
        if asked.dry_run {
            output.page(&page)?;
        }
    }
    if asked.dry_run || found == 0 {
        return Ok(output.swept(found, asked.dry_run)?);
    }
    output::announce_sweep(found);
    agree(asked.yes)?;
    let removed = records.sweep()?;
    Ok(output.swept(removed, false)?)
}

/// Goes on only if somebody has said so.
fn agree(yes: bool) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    Err(match output::ask()? {
        Some(true) => return Ok(()),
        Some(false) => Failure::new(Exit::Refused, "nothing was done", "look again, and say `y` to go on"),
        None => Failure::new(
            Exit::Refused,
            "nothing was done: there is no terminal to ask on",
            "add `--yes` if this is what you want",
        ),
    }
    .into())
}
