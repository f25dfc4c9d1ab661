//! `resolve`: an operator says what happened.

use idempotent::Which;
use serde::de::IgnoredAny;

use super::act::{Act, Given, Plan};
use super::filter;
use crate::args::{Filters, Happened, Resolve};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::records::Records;

pub(crate) fn resolve(records: &Records, asked: &Resolve) -> Result<Plan, Failure> {
    let act = said(asked)?;
    match &asked.key {
        Some(key) => Plan::on_key(records, act, key, &asked.act),
        None if asked.act.seen.is_some() => Err(Failure::new(
            Exit::Usage,
            "`--seen` is about one record",
            "name its key, or leave out `--seen`: each record is taken as it was just seen",
        )),
        None if !narrows(&asked.filters) => Err(Failure::new(
            Exit::Usage,
            "it was not said which records",
            "name a key, or what to look for: `--in-doubt`, `--op NAME`, ..",
        )),
        None => Plan::on_filter(records, act, filter(&asked.filters, Which::InDoubt), &asked.act),
    }
}

/// Whether the flags ask for less than everything.
fn narrows(flags: &Filters) -> bool {
    let Filters { in_doubt, unfinished, running, op, scope, older_than } = flags;
    *in_doubt || *unfinished || *running || op.is_some() || scope.is_some() || older_than.is_some()
}

fn said(asked: &Resolve) -> Result<Act, Failure> {
    match (asked.happened, &asked.value) {
        (Happened::NotDone, None) => Ok(Act::NotDone),
        (Happened::NotDone, Some(_)) => Err(Failure::new(
            Exit::Usage,
            "what was not done has no result",
            "leave out `--value`, or say `--as done`",
        )),
        (Happened::Done, value) => {
            let value = value.as_deref().unwrap_or_default();
            match serde_json::from_str::<IgnoredAny>(value) {
                Ok(_) => {
                    Ok(Act::Done(Given { json: value.to_owned(), version: asked.value_version.unwrap_or(1) }))
                }
                Err(error) => Err(Failure::new(
                    Exit::Usage,
                    format!("the value is not JSON: {error}"),
                    r#"a text is written with its quotes, as in `--value '"booked"'`"#,
                )),
            }
        }
    }
}
