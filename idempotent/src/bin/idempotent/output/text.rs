//! Text that is safe to show: nothing in it acts on a terminal.

use idempotent::protocol::Micros;

/// Whether `character` is seen as itself: no control character, none that turns the direction of writing, none that
/// is not seen.
pub(super) fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // Behind a letter, so that accents and vowel signs of their own count as what they are.
    ['a', character].iter().collect::<String>().escape_debug().count() == 2
}

/// The text on one line, with everything that is not plain written as an escape.
pub(super) fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            safe.push(character);
        } else {
            safe.extend(character.escape_default());
        }
    }
    safe
}

/// [`clean`], but lines stay lines.
pub(super) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// [`clean`], and at most so many characters.
pub(super) fn brief(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A time of the wall clock in UTC, to the second.
pub(super) fn time(at: Micros) -> String {
    moment(at).map_or_else(|| format!("{at} us"), |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// A time of the wall clock in UTC, as precise as it is recorded.
pub(super) fn exact(at: Micros) -> String {
    moment(at).map_or_else(|| format!("{at} us"), |time| humantime::format_rfc3339_micros(time).to_string())
}

/// `None` for a time that no calendar of four digits has.
fn moment(at: Micros) -> Option<std::time::SystemTime> {
    const YEAR_10000: u64 = 253_402_300_800_000_000;
    let since = u64::try_from(at).ok().filter(|since| *since < YEAR_10000)?;
    Some(std::time::UNIX_EPOCH + std::time::Duration::from_micros(since))
}
