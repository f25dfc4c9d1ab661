//! Bytes as lower-case hexadecimal digits, and back.

use std::fmt::{self, Write as _};

pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        self.0.iter().try_for_each(|byte| {
            f.write_char(DIGITS[usize::from(byte >> 4)])?;
            f.write_char(DIGITS[usize::from(byte & 0x0f)])
        })
    }
}

/// 32 bytes from 64 digits of either case, or how the text is wrong.
pub(super) fn parse(text: &str) -> Result<[u8; 32], HexError> {
    let mut bytes = [0; 32];
    let mut digits = 0;
    for (at, character) in text.char_indices() {
        let value = character.to_digit(16).ok_or(HexError::NotADigit { character, at })? as u8;
        if let Some(byte) = bytes.get_mut(digits / 2) {
            *byte = *byte << 4 | value;
        }
        digits += 1;
    }
    if digits == 64 { Ok(bytes) } else { Err(HexError::Length(digits)) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HexError {
    NotADigit { character: char, at: usize },
    Length(usize),
}
