//! The whole run with one job a step: real processes, real kills, and the files it leaves.

use std::process::{Command, Output};
use std::{fs, path::Path};

use serde::Deserialize;

/// A row of `chaos.json`; a field too many or too few is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    strategy: String,
    jobs: u32,
    once: u32,
    duplicate: u32,
    lost: u32,
    in_doubt: u32,
}

/// One robot killed at each of the nine steps, and one whose connection is cut.
const JOBS: u32 = 10;

fn run(out: &Path, more: &[&str]) -> (Output, Vec<Row>) {
    let output = Command::new(env!("CARGO_BIN_EXE_clinic"))
        .args(["--per-step", "1", "--out"])
        .arg(out)
        .args(more)
        .output()
        .unwrap();
    let rows: Vec<Row> = serde_json::from_slice(&fs::read(out.join("chaos.json")).unwrap()).unwrap();
    for row in &rows {
        assert_eq!(row.jobs, JOBS, "{row:?}");
        assert_eq!(row.once + row.duplicate + row.lost + row.in_doubt, row.jobs, "{row:?}");
    }
    let svg = fs::read_to_string(out.join("chaos.svg")).unwrap();
    assert!(rows.iter().all(|row| svg.contains(&row.strategy)), "{svg}");
    (output, rows)
}

fn row<'a>(rows: &'a [Row], strategy: &str) -> &'a Row {
    rows.iter().find(|row| row.strategy == strategy).unwrap_or_else(|| panic!("no row for {strategy}"))
}

/// Fails when robots are not killed where they say they are (naive code must book twice when its first robot died
/// between click and record, code that never retries must lose what died before the click), and when the library
/// lets a second robot click after a first that may have: without `Request::Mark`, the check, its quiet time,
/// or the doubt of an unmarked attempt.
#[test]
fn ours_books_once_where_plain_code_books_twice_or_not_at_all() {
    let out = tempfile::tempdir().unwrap();
    let (output, rows) = run(out.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    let columns = |strategy| {
        let row = row(&rows, strategy);
        (row.once, row.duplicate, row.lost, row.in_doubt)
    };
    assert_eq!(columns("naive"), (6, 4, 0, 0));
    assert_eq!(columns("once"), (5, 0, 5, 0));
    // Killed anywhere but after the record.
    assert_eq!(columns("unmarked"), (1, 0, 0, 9));
    // Killed from the mark to the record, or hung up on.
    assert_eq!(columns("marked"), (5, 0, 0, 5));
    for strategy in ["checked", "checked_late_portal", "request_id"] {
        assert_eq!(columns(strategy), (JOBS, 0, 0, 0), "{strategy}");
    }
    let (_, _, lost, in_doubt) = columns("checked_late_portal_no_quiet");
    assert_eq!((lost, in_doubt), (0, 0));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("the portal made it 1 time"), "{table}");
}

/// Fails when `Unmarking` passes the mark on, or when the run takes its numbers from anything but the ledger.
#[test]
fn without_the_mark_our_own_rows_book_twice() {
    let out = tempfile::tempdir().unwrap();
    let (output, rows) = run(out.path(), &["--sabotage"]);
    assert!(output.status.success(), "{output:?}");
    for strategy in ["marked", "checked", "checked_late_portal"] {
        assert!(row(&rows, strategy).duplicate > 0, "{rows:?}");
    }
}
