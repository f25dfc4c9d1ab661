//! Durations as they are written: `"500ms"`, `"2s"`, `"30d"`.

use syn::{Expr, Lit};

use super::form::Read;
use crate::{errors::Errors, key, texts};

/// Reads `"2s"` as microseconds.
pub(super) fn duration(name: &str, expr: &Expr, errors: &Errors) -> Read<u64> {
    let Expr::Lit(literal) = expr else { return Read::Malformed };
    let Lit::Str(text) = &literal.lit else {
        errors.push(literal, texts::not_a_duration(name, &key::text(&literal.lit)));
        return Read::Told;
    };
    match micros(&text.value()) {
        Some(micros) => Read::Value(micros),
        None => {
            errors.keep(syn::Error::new(text.span(), texts::not_a_duration(name, &text.value())));
            Read::Told
        }
    }
}

fn micros(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60 * 1_000_000,
        "h" => 3_600 * 1_000_000,
        "d" => 86_400 * 1_000_000,
        _ => return None,
    };
    let micros = count.parse::<u64>().ok()?.checked_mul(unit)?;
    // Stores count time in signed numbers.
    i64::try_from(micros).ok().map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::micros;

    // Fails when a unit is dropped, a fraction or a blank is accepted, or an overflow wraps around.
    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        assert_eq!(micros("500ms"), Some(500_000));
        assert_eq!(micros("0s"), Some(0));
        assert_eq!(micros("2s"), Some(2_000_000));
        assert_eq!(micros("5m"), Some(300_000_000));
        assert_eq!(micros("1h"), Some(3_600_000_000));
        assert_eq!(micros("30d"), Some(2_592_000_000_000));
        for wrong in ["", "s", "5", "5 s", "1.5s", "-1s", "5sec", "2w", "99999999999999d", "107000000d"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    // Fails when a text that nobody has meant as a duration panics, or is one of another length than it says.
    #[test]
    fn any_text_is_a_duration_or_is_none() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % sides as u64) as usize
        };
        let parts =
            ["0", "9", "18446744073709551615", "٣", "-", "+", ".", " ", "ms", "s", "m", "h", "d", "é", "\0"];
        let mut read = 0;
        for _ in 0..1_000_000 {
            let text: String = (0..roll(5)).map(|_| parts[roll(parts.len())]).collect();
            let Some(micros) = micros(&text) else { continue };
            let count: u128 = text.trim_end_matches(|letter: char| letter.is_alphabetic()).parse().unwrap();
            let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let [.., (_, length)] = [
                ("", 0),
                ("ms", 1_000),
                ("s", 1_000_000),
                ("m", 60_000_000),
                ("h", 3_600_000_000),
                ("d", 86_400_000_000),
            ]
            .into_iter()
            .filter(|(name, _)| *name == unit)
            .collect::<Vec<(&str, u128)>>()[..] else {
                panic!("{text:?} has no unit");
            };
            assert_eq!(u128::from(micros), count * length, "{text:?}");
            read += 1;
        }
        assert!(read > 1_000, "{read}");
    }
}
