//! Counting: each job falls into exactly one column, and the ledger decides which.

use std::collections::{HashMap, HashSet};
use std::io;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Color, Table};
use serde::Serialize;

use super::job::{Job, Told};
use crate::strategy::Strategy;

/// What came of one strategy's jobs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Row {
    /// Which one.
    #[serde(serialize_with = "name")]
    pub(super) strategy: Strategy,
    /// How many appointments were wanted. The four columns add up to it.
    pub(super) jobs: u32,
    /// Booked once, and known to be.
    pub(super) once: u32,
    /// Booked more than once.
    pub(super) duplicate: u32,
    /// Never booked, and nobody was told.
    pub(super) lost: u32,
    /// Booked once or not at all, and listed by the store for a person to find out.
    pub(super) in_doubt: u32,
    /// Those in doubt of which somebody could know.
    #[serde(skip)]
    needless: u32,
    /// Jobs whose robot told something that is not so.
    #[serde(skip)]
    untrue: u32,
}

fn name<S: serde::Serializer>(strategy: &Strategy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(strategy.name())
}

impl Row {
    /// Sorts the jobs into their columns: `booked` is the portal's ledger, `listed` what the store lists as
    /// in doubt, both by patient. What the robots told decides nothing; it is held against both.
    pub(super) fn count(
        strategy: Strategy,
        ended: &[(Job, Told)],
        booked: &HashMap<String, Vec<String>>,
        listed: &HashSet<String>,
    ) -> Row {
        let mut row =
            Row { strategy, jobs: 0, once: 0, duplicate: 0, lost: 0, in_doubt: 0, needless: 0, untrue: 0 };
        for (job, told) in ended {
            let references = booked.get(&job.patient).map_or(&[][..], Vec::as_slice);
            let is_listed = listed.contains(&job.patient);
            let column = match references.len() {
                2.. => &mut row.duplicate,
                _ if is_listed => &mut row.in_doubt,
                1 => &mut row.once,
                0 => &mut row.lost,
            };
            *column += 1;
            row.jobs += 1;
            row.needless += u32::from(is_listed && !strategy.may_doubt(job.mishap));
            let is_so = match told {
                Told::Booked(reference) => references.contains(reference),
                Told::InDoubt => is_listed,
                Told::Nothing => true,
            };
            row.untrue += u32::from(!is_so);
        }
        assert_eq!(
            row.jobs,
            row.once + row.duplicate + row.lost + row.in_doubt,
            "the columns of {row:?} add up"
        );
        row
    }
}

/// The rows as a table for people.
pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["strategy", "jobs", "once", "duplicate", "lost", "in doubt", "what it is"]);
    for row in rows {
        let number = |count: u32| Cell::new(count).set_alignment(CellAlignment::Right);
        let bad = |count: u32| if count > 0 { number(count).fg(Color::Red) } else { number(count) };
        table.add_row([
            Cell::new(row.strategy.name()),
            number(row.jobs),
            number(row.once),
            bad(row.duplicate),
            bad(row.lost),
            number(row.in_doubt),
            Cell::new(row.strategy.about()),
        ]);
    }
    table
}

/// The rows as `chaos.json`.
pub(super) fn json(rows: &[Row]) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(rows)? + "\n")
}

/// What is not as this example promises.
pub(super) fn complaints(rows: &[Row], sabotage: bool) -> Vec<String> {
    match sabotage {
        false => rows.iter().flat_map(broken_promises).collect(),
        true => rows.iter().filter_map(sabotage_failed).collect(),
    }
}

fn broken_promises(row: &Row) -> Vec<String> {
    let name = row.strategy.name();
    let none = |what: &str, count: u32| (count > 0).then(|| format!("{name}: {count} {what}"));
    let found = match row.strategy {
        Strategy::Naive => {
            vec![(row.duplicate == 0).then(|| format!("{name}: no duplicate, was nobody killed?"))]
        }
        Strategy::Once => vec![none("duplicate", row.duplicate)],
        // How many it books twice is a race between the next robot and the portal.
        Strategy::CheckedLatePortalNoQuiet => vec![none("lost", row.lost)],
        Strategy::Unmarked
        | Strategy::Marked
        | Strategy::Checked
        | Strategy::CheckedLatePortal
        | Strategy::RequestId => vec![
            none("duplicate", row.duplicate),
            none("lost", row.lost),
            none("in doubt of which somebody could know", row.needless),
            none("told of an appointment or a doubt that nobody can find", row.untrue),
        ],
    };
    found.into_iter().flatten().collect()
}

/// Without the mark, the strategies that rest on it must book twice; if they do not, this run proves nothing.
fn sabotage_failed(row: &Row) -> Option<String> {
    let rests_on_the_mark =
        matches!(row.strategy, Strategy::Marked | Strategy::Checked | Strategy::CheckedLatePortal);
    (rests_on_the_mark && row.duplicate == 0)
        .then(|| format!("{}: no duplicate, although the mark is not written", row.strategy.name()))
}
