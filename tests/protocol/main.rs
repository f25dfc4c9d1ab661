//! Every move of a record, cell by cell: `table.txt` says what must be answered and written for every request
//! on every record, and this test holds `protocol::decide` to it.
//!
//! What makes it fail when taken away: any arm, any condition and any assignment in `src/protocol`. The table is
//! written from the protocol's rules; whole records are compared, so a field that should have been cleared, or
//! kept, counts as much as the answer.

mod cells;
mod rows;

use idempotent::protocol::{Context, Decision, decide};

use cells::{HERE, NOW, WALL};

/// Absent, 2 free, 100 running, 64 in doubt, 9 ended. A record, request or row that goes missing fails the test.
const RECORDS: usize = 176;
/// 96 claims, 84 moves of holders, 6 of abandoned claims and late evidence, 150 of operators and housekeeping.
const REQUESTS: usize = 336;
const ROWS: usize = 99;

#[test]
fn every_cell_of_the_table() {
    let rows = rows::read(include_str!("table.txt"));
    let (records, requests) = (cells::records(), cells::requests());
    let mut hits = vec![0; rows.len()];
    let mut wrong = Vec::new();
    for known in &records {
        for asked in &requests {
            let words = cells::words(known, asked);
            let Some(at) = rows.iter().position(|row| row.fits(&words)) else {
                panic!("no row for: {}", words.join(" "));
            };
            hits[at] += 1;
            // The next fence comes from a sequence or a clock that is ahead of the record, or behind it.
            for next_fence in [3, 50] {
                let context =
                    Context { now: NOW, wall: WALL, next_fence, holder: known.holder, process: Some(HERE) };
                let decided = decide(known.record.as_ref(), &asked.request, &context);
                let (write, event, answer) =
                    rows[at].expected(known.record.as_ref(), &asked.request, &context);
                let expected = Decision { write, event, answer };
                if decided != expected {
                    wrong.push(format!(
                        "line {}: {}\n  cell: {}\n  record {:?}\n  request {:?}\n  expected {expected:?}\n  decided {decided:?}",
                        rows[at].line,
                        rows[at].text,
                        words.join(" "),
                        known.record,
                        asked.request,
                    ));
                }
            }
        }
    }
    println!(
        "{} records x {} requests = {} cells, by {} rows",
        records.len(),
        requests.len(),
        records.len() * requests.len(),
        rows.len()
    );
    for (row, cells) in rows.iter().zip(&hits) {
        println!("{cells:6}  {}", row.text);
        assert!(*cells > 0, "line {} is never reached: {}", row.line, row.text);
    }
    assert!(
        wrong.is_empty(),
        "{} wrong cells, the first ones:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    assert_eq!((records.len(), requests.len(), rows.len()), (RECORDS, REQUESTS, ROWS), "cells went missing");
    assert_eq!(hits.iter().sum::<usize>(), RECORDS * REQUESTS);
}
