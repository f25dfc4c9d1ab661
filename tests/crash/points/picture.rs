//! The first table as a picture: a square for each cell, coloured by what it means for the one who calls again.

use std::fmt::Write;

use super::Table;
use super::cell::{Cell, Next};
use super::page::{columns, shown};

const LEFT: usize = 330;
const TOP: usize = 172;
const WIDE: usize = 92;
const PITCH: usize = 30;
/// Between what was not sent and what was.
const GAP: usize = 34;

/// Colours that stay apart for eyes that do not tell red from green: they differ in lightness too.
struct Paint {
    what: &'static str,
    fill: &'static str,
    ink: &'static str,
}

const KEPT: Paint = Paint { what: "gets the recorded result", fill: "#2b8a6e", ink: "#ffffff" };
const FREE: Paint = Paint { what: "runs: nothing had happened", fill: "#d3ede4", ink: "#1c1e21" };
const ASKED: Paint = Paint { what: "asks your check", fill: "#9fc3ea", ink: "#1c1e21" };
const AGAIN: Paint = Paint { what: "runs again, as you allowed", fill: "#d0d7de", ink: "#1c1e21" };
const DOUBT: Paint = Paint { what: "is refused: in doubt, listed", fill: "#f2c14e", ink: "#1c1e21" };
const TWICE: Paint = Paint { what: "runs again: it happens twice", fill: "#c9283e", ink: "#ffffff" };

fn paint(cell: Cell) -> Paint {
    match cell.next {
        _ if cell.bookings > 1 => TWICE,
        Next::Replays | Next::ReplaysErr => KEPT,
        Next::Runs => FREE,
        Next::AsksAndRuns | Next::AsksAndFinds => ASKED,
        Next::RunsAgain => AGAIN,
        Next::InDoubt => DOUBT,
    }
}

/// It brings its own light ground, so that it reads the same on a dark page.
pub(super) fn draw() -> String {
    let table = Table::Killed;
    let (forms, rows) = (columns(table), table.rows());
    let first_sent = rows.iter().position(|row| row.sent).unwrap_or(rows.len());
    let y_of = |number: usize| TOP + PITCH * number + if number >= first_sent { GAP } else { 0 };
    let (width, height) = (LEFT + WIDE * forms.len() + 24, y_of(rows.len()) + 16);
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" style="max-width:100%;height:auto" role="img" aria-label="Where a process is killed, what its author wrote, and what the next call comes to" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="#1c1e21">
<rect x="0.5" y="0.5" width="{}" height="{}" rx="10" fill="#ffffff" stroke="#d0d7de"/>
<text x="24" y="36" font-size="19" font-weight="600">Killed here, the next call ..</text>
"##,
        width - 1,
        height - 1,
    );
    for (number, paint) in [KEPT, FREE, ASKED, AGAIN, DOUBT, TWICE].iter().enumerate() {
        let (x, y) = (24 + 210 * (number % 3), 56 + 22 * (number / 3));
        let _ = writeln!(
            svg,
            r##"<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{}"/><text x="{}" y="{}">{}</text>"##,
            paint.fill,
            x + 18,
            y + 11,
            paint.what
        );
    }
    for (column, form) in forms.iter().enumerate() {
        let x = LEFT + WIDE * column + WIDE / 2;
        let written = form.written().replace('`', "").replace(" + ", "\n+ ").replace(", ", ",\n");
        for (line, part) in written.lines().rev().enumerate() {
            let y = TOP - 10 - 17 * line;
            let _ = writeln!(
                svg,
                r##"<text x="{x}" y="{y}" text-anchor="middle" font-weight="600">{part}</text>"##
            );
        }
    }
    for (number, row) in rows.iter().enumerate() {
        let y = y_of(number);
        let name = row.name.replace('`', "");
        let _ = writeln!(svg, r##"<text x="24" y="{}">{name}</text>"##, y + 19);
        for (column, form) in forms.iter().enumerate() {
            let Ok(cell) = shown(table, number, *form) else { continue };
            let (paint, x) = (paint(cell), LEFT + WIDE * column);
            let words = if cell.bookings > 1 { "twice".to_owned() } else { cell.next.to_string() };
            let _ = writeln!(
                svg,
                r##"<rect x="{}" y="{}" width="{}" height="{}" rx="4" fill="{}"/><text x="{}" y="{}" text-anchor="middle" font-size="12" fill="{}">{words}</text>"##,
                x + 2,
                y + 1,
                WIDE - 4,
                PITCH - 4,
                paint.fill,
                x + WIDE / 2,
                y + 18,
                paint.ink
            );
        }
    }
    let y = y_of(first_sent) - GAP / 2 - 1;
    let _ = writeln!(
        svg,
        r##"<text x="24" y="{}" font-style="italic" fill="#57606a">from here on it had been sent</text><line x1="{LEFT}" y1="{y}" x2="{}" y2="{y}" stroke="#57606a" stroke-dasharray="4 4"/>"##,
        y + 5,
        width - 24
    );
    svg.push_str("</svg>\n");
    svg
}
