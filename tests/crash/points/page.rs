//! The page that tells users what they get, held against what was observed.

use std::fmt::Write;
use std::path::PathBuf;

use idempotent_tests::robot::Form;

use super::cell::Cell;
use super::{OBSERVED, Table, picture};

/// Set, the page and its picture are written anew; the test then fails if it is not set.
const WRITE: &str = "IDEMPOTENT_TEST_WRITE";

/// The forms that a table shows: those with `on_err` are like `effect!` alone where there is no `Err`.
pub(super) fn columns(table: Table) -> Vec<Form> {
    let on_err = matches!(table, Table::Interrupted | Table::InterruptedInMemory);
    let shown = |form: &Form| on_err || !matches!(form, Form::Released | Form::Stored);
    Form::ALL.into_iter().filter(shown).collect()
}

/// What a form comes to in a row, synchronous or not.
pub(super) fn shown(table: Table, number: usize, form: Form) -> Result<Cell, &'static str> {
    let [blocking, other] = [false, true].map(|is_async| OBSERVED[&(table, number, form, is_async)]);
    blocking.or(other)
}

/// The words of a cell.
pub(super) fn words(cell: Result<Cell, &'static str>) -> String {
    match cell {
        Ok(Cell { next, bookings: 2.. }) => format!("{next}: **twice**"),
        Ok(Cell { next, .. }) => next.to_string(),
        Err(_) => "–".to_owned(),
    }
}

fn draw(table: Table) -> String {
    let forms = columns(table);
    let heads: Vec<&str> = forms.iter().map(|form| form.written()).collect();
    let mut text = format!("| | sent | {} |\n|---|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for (number, row) in table.rows().iter().enumerate() {
        let cells: Vec<String> = forms.iter().map(|form| words(shown(table, number, *form))).collect();
        let sent = if row.sent { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {} | {sent} | {} |", row.name, cells.join(" | "));
    }
    text
}

/// The page with its tables drawn anew.
fn redrawn(page: &str) -> String {
    let mut text = page.to_owned();
    for table in Table::ALL {
        // The same as in a file: a test of its own sees to that.
        if table == Table::InterruptedInMemory {
            continue;
        }
        let begin = format!("<!-- observed: {table:?} -->\n\n");
        let at =
            text.find(&begin).unwrap_or_else(|| panic!("the page has no place for {table:?}")) + begin.len();
        let end = at + text[at..].find("\n<!-- end -->").expect("the end of a table");
        text.replace_range(at..end, &draw(table));
    }
    text
}

/// Red when the page or its picture says anything but what was observed. To write them anew, see this test print them
/// with `IDEMPOTENT_TEST_WRITE=1`, and read what has changed.
#[test]
fn the_page_says_what_was_observed() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../idempotent/docs");
    let (page, drawing) = (docs.join("guarantees.md"), docs.join("guarantees.svg"));
    let was = std::fs::read_to_string(&page).unwrap();
    let is = [(page, redrawn(&was)), (drawing, picture::draw())];
    for table in Table::ALL {
        println!("{table:?}\n{}", draw(table));
    }
    for (path, text) in is {
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{} differs from what was observed: {WRITE}=1 writes it anew", path.display());
    }
}
