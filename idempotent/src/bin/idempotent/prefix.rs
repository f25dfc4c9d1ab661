//! A key as it is typed: all of it, or its first digits.

use std::fmt;
use std::str::FromStr;

use idempotent::Key;

/// How many digits a list shows of a key.
const SHOWN: usize = 12;
/// How many digits must be typed.
const LEAST: usize = 8;
/// How many digits a key has.
const ALL: usize = 64;

/// The first digits of a key, or all of them.
#[derive(Clone, Debug)]
pub(crate) struct Prefix(String);

/// The first digits of a key, as lists show them and as they can be typed.
pub(crate) fn short(key: &Key) -> String {
    let mut digits = key.to_string();
    digits.truncate(SHOWN);
    digits
}

impl Prefix {
    /// The key, if all its digits are there.
    pub(crate) fn whole(&self) -> Option<Key> {
        self.0.parse().ok()
    }

    /// The last key before all those that begin like this; `None` if there is none.
    pub(crate) fn before(&self) -> Option<Key> {
        let lowest: Key = format!("{:0<ALL$}", self.0).parse().ok()?;
        let mut bytes = *lowest.as_bytes();
        let last = bytes.iter().rposition(|byte| *byte != 0)?;
        bytes[last] -= 1;
        bytes[last + 1..].fill(0xff);
        Some(Key::from_bytes(bytes))
    }

    /// Whether `key` begins like this.
    pub(crate) fn fits(&self, key: &Key) -> bool {
        key.to_string().starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Prefix, String> {
        if text.chars().any(|digit| !digit.is_ascii_hexdigit()) {
            return Err("a key has hexadecimal digits only".to_owned());
        }
        match text.len() {
            LEAST..=ALL => Ok(Prefix(text.to_ascii_lowercase())),
            digits => Err(format!("give {LEAST} to {ALL} digits of the key, not {digits}")),
        }
    }
}
