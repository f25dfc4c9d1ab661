//! `show`: one record, and what happened to it.

use idempotent::{Key, Shown};

use crate::args::Show;
use crate::failure::Failure;
use crate::records::Records;

/// The record, if it is still there, and its trail, which outlives it.
pub(crate) fn show(records: &Records, asked: &Show) -> Result<(Key, Shown), Failure> {
    let key = records.find(&asked.key)?;
    let shown = records.show(&key)?;
    if shown.entry.is_none() && shown.trail.is_empty() {
        return Err(Failure::not_found(&key));
    }
    Ok((key, shown))
}
