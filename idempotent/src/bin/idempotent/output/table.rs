//! Tables that come in pages and still stand in line.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table, Width, presets};
use idempotent::Entry;

use super::text::{brief, time};
use crate::meaning::Meaning;
use crate::prefix::short;

/// The most characters of an operation's name, of a scope and of a call that a list shows.
const NAME: usize = 40;
const SCOPE: usize = 20;
const CALL: usize = 60;

/// A table whose head is shown once, and whose columns never become narrower.
pub(super) struct Paged {
    head: Vec<&'static str>,
    widths: Vec<u16>,
    begun: bool,
}

impl Paged {
    pub(super) fn records() -> Paged {
        Paged::new(vec!["KEY", "STATUS", "BEGAN", "SEEN", "SCOPE", "OPERATION", "CALL"])
    }

    pub(super) fn new(head: Vec<&'static str>) -> Paged {
        Paged { widths: vec![0; head.len()], head, begun: false }
    }

    /// The next lines, the head before the first of them.
    pub(super) fn page(&mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if !self.begun {
            table.set_header(self.head.clone());
            self.begun = true;
        }
        table.add_rows(rows);
        for (column, width) in table.column_iter_mut().zip(&self.widths) {
            column.set_padding((0, 2));
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + 2)));
        }
        for (kept, width) in self.widths.iter_mut().zip(table.column_max_content_widths()) {
            *kept = width.max(*kept);
        }
        table.trim_fmt()
    }
}

/// A line of a list.
pub(super) fn row(entry: &Entry) -> Vec<Cell> {
    let subject = &entry.subject;
    let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let (began, seen) = match &entry.record {
        Ok(record) => (time(record.began_at), record.seen().to_string()),
        Err(_) => ("-".to_owned(), "-".to_owned()),
    };
    vec![
        Cell::new(short(&subject.key)),
        Cell::new(Meaning::of(entry).word()),
        Cell::new(began),
        Cell::new(seen),
        Cell::new(or_none(brief(&subject.scope, SCOPE))),
        Cell::new(brief(&subject.operation, NAME)),
        Cell::new(brief(&subject.call, CALL)),
    ]
}

/// A number, where numbers stand.
pub(super) fn number(number: usize) -> Cell {
    Cell::new(number).set_alignment(CellAlignment::Right)
}
