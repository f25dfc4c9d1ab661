//! `chaos.svg`: a bar a strategy, as long as its jobs, coloured by what became of them.

use std::fmt::Write;

use super::verdict::Row;
use crate::strategy::Strategy;

const WIDTH: u32 = 880;
const LEFT: u32 = 280;
const BAR: u32 = 560;
const TOP: u32 = 104;
const PITCH: u32 = 46;
const THICK: u32 = 26;

/// Colours that stay apart for eyes that do not tell red from green: the four differ in lightness too.
const ONCE: (&str, &str, &str) = ("once", "#2b8a6e", "#ffffff");
const DUPLICATE: (&str, &str, &str) = ("booked twice", "#c9283e", "#ffffff");
const LOST: (&str, &str, &str) = ("lost", "#5b6470", "#ffffff");
const IN_DOUBT: (&str, &str, &str) = ("in doubt, listed", "#f2c14e", "#1c1e21");

/// The rows as a picture. It brings its own light ground, so that it reads the same on a dark page.
pub(super) fn draw(rows: &[Row], sabotage: bool) -> String {
    let height = TOP + PITCH * rows.len() as u32 + 16;
    let mut svg = String::new();
    let title = if sabotage { "Sabotaged: the mark is not written" } else { "Robots killed at every step" };
    let jobs = rows.first().map_or(0, |row| row.jobs);
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="What became of each strategy's jobs" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif">
<rect x="0.5" y="0.5" width="{}" height="{}" rx="10" fill="#ffffff" stroke="#d0d7de"/>
<text x="24" y="36" font-size="19" font-weight="600" fill="#1c1e21">{title}</text>
<text x="24" y="58" font-size="13" fill="#57606a">{jobs} jobs each, retried by fresh processes. What really happened is counted in the portal's ledger.</text>
"##,
        WIDTH - 1,
        height - 1,
    );
    let mut x = LEFT;
    for (label, fill, _) in [ONCE, IN_DOUBT, LOST, DUPLICATE] {
        let _ = writeln!(
            svg,
            r##"<rect x="{x}" y="74" width="12" height="12" rx="2" fill="{fill}"/><text x="{}" y="85" font-size="13" fill="#1c1e21">{label}</text>"##,
            x + 18
        );
        x += 50 + 7 * label.len() as u32;
    }
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + PITCH * index as u32;
        if index > 0 && kind(row.strategy) != kind(rows[index - 1].strategy) {
            let _ = writeln!(
                svg,
                r##"<line x1="24" y1="{y}" x2="{}" y2="{y}" stroke="#d0d7de" transform="translate(0 -9)"/>"##,
                WIDTH - 24
            );
        }
        bar(&mut svg, y, row);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Plain code, the library, the library used wrongly: a line is drawn between them.
fn kind(strategy: Strategy) -> u8 {
    match strategy {
        Strategy::Naive | Strategy::Once => 0,
        Strategy::CheckedLatePortalNoQuiet => 2,
        _ => 1,
    }
}

fn bar(svg: &mut String, y: u32, row: &Row) {
    let _ = writeln!(
        svg,
        r##"<text x="{x}" y="{}" text-anchor="end" font-size="14" font-weight="600" fill="#1c1e21">{}</text><text x="{x}" y="{}" text-anchor="end" font-size="11.5" fill="#57606a">{}</text>"##,
        y + 12,
        row.strategy.name(),
        y + 28,
        row.strategy.about(),
        x = LEFT - 14,
    );
    let mut done = 0;
    for (count, (_, fill, ink)) in
        [(row.once, ONCE), (row.in_doubt, IN_DOUBT), (row.lost, LOST), (row.duplicate, DUPLICATE)]
    {
        if count == 0 {
            continue;
        }
        let (from, to) = (BAR * done / row.jobs, BAR * (done + count) / row.jobs);
        let _ = writeln!(
            svg,
            r##"<rect x="{}" y="{y}" width="{}" height="{THICK}" rx="3" fill="{fill}"/><text x="{}" y="{}" text-anchor="middle" font-size="13" font-weight="600" fill="{ink}">{count}</text>"##,
            LEFT + from,
            to - from - 2,
            LEFT + (from + to) / 2 - 1,
            y + THICK / 2 + 5,
        );
        done += count;
    }
}
