//! The file that locks keys: what the key of each operation is made of, written down for a review.
//!
//! [`assert_keys_locked!`](crate::testing::assert_keys_locked) writes it and holds a program against it; the command
//! `idempotent verify --lock` holds a store against it. It is TOML: a table for each operation, by its name.
//!
//! ```
//! use idempotent::lock::LockFile;
//!
//! let file: LockFile = r#"
//! ["clinic::create_appointment"]
//! key = ["patient_id", "date"]
//! arguments = ["patient_id: &str", "date: Date"]
//! value = "Appointment"
//! "#
//! .parse()?;
//! assert_eq!(file.get("clinic::create_appointment").unwrap().key, ["patient_id", "date"]);
//! assert!(file.get("clinic::cancel_appointment").is_none());
//! # Ok::<(), idempotent::lock::LockFileError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What stands above the operations in every file.
const HEADER: &str = "\
# What the keys of this program's operations are made of. Written by `idempotent::testing::assert_keys_locked!`.
# A change here can hide what is stored: what has been done could be done again. Read it as you would a migration.
# To accept a change: run that test with IDEMPOTENT_LOCK=write, look at the difference, and commit it.
";

/// A lock file: operations by their names. Shown with `{}`, it is the text of the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LockFile {
    operations: BTreeMap<String, Locked>,
}

/// What the lock file says of one operation. Its texts are Rust, spaced in one way and without lifetimes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Locked {
    /// The expression of the scope, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The parts of the key as they are written, in order.
    pub key: Vec<String>,
    /// The arguments that are secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<String>,
    /// The type and constant parameters that are part of the key: `T`, `const N: usize`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generics: Vec<String>,
    /// The names of the arguments that make the fingerprint, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rest: Vec<String>,
    /// The arguments that the others speak of, with their types: `patient_id: &str`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// The type of what is recorded.
    pub value: String,
    /// The version of what is recorded, from 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u32,
}

impl Default for Locked {
    fn default() -> Locked {
        Locked {
            scope: None,
            key: Vec::new(),
            secret: Vec::new(),
            generics: Vec::new(),
            rest: Vec::new(),
            arguments: Vec::new(),
            value: String::new(),
            version: first(),
        }
    }
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_first(version: &u32) -> bool {
    *version == first()
}

/// A lock file that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockFileError {
    /// There is no such file.
    Missing,
    /// It cannot be read.
    Read(io::Error),
    /// It is not a lock file; the message says in which line.
    Malformed(String),
}

impl LockFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`LockFileError`] if there is none, or it cannot be read, or says something else.
    pub fn read(path: impl AsRef<Path>) -> Result<LockFile, LockFileError> {
        match fs::read_to_string(path) {
            Ok(text) => text.parse(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LockFileError::Missing),
            Err(error) => Err(LockFileError::Read(error)),
        }
    }

    /// What it says of the operation of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Locked> {
        self.operations.get(name)
    }

    /// All operations, sorted by their names.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &Locked)> {
        self.operations.iter().map(|(name, locked)| (name.as_str(), locked))
    }
}

impl FromIterator<(String, Locked)> for LockFile {
    fn from_iter<I: IntoIterator<Item = (String, Locked)>>(operations: I) -> LockFile {
        LockFile { operations: operations.into_iter().collect() }
    }
}

impl FromStr for LockFile {
    type Err = LockFileError;

    fn from_str(text: &str) -> Result<LockFile, LockFileError> {
        match toml::from_str(text) {
            Ok(operations) => Ok(LockFile { operations }),
            Err(error) => Err(LockFileError::Malformed(error.to_string().trim_end().to_owned())),
        }
    }
}

impl fmt::Display for LockFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (name, locked) in self.operations() {
            // Names and texts are strings, and lists of strings: all of that is TOML.
            let table = toml::to_string(&BTreeMap::from([(name, locked)])).map_err(|_| fmt::Error)?;
            write!(f, "\n{table}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LockFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockFileError::Missing => f.write_str("there is no such file"),
            LockFileError::Read(error) => write!(f, "it cannot be read: {error}"),
            LockFileError::Malformed(text) => write!(f, "it is not a lock file of this version: {text}"),
        }
    }
}

impl std::error::Error for LockFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LockFileError::Read(error) => Some(error),
            LockFileError::Missing | LockFileError::Malformed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(key: &[&str]) -> Locked {
        let key = key.iter().map(|&part| part.to_owned()).collect();
        Locked { key, value: "u32".to_owned(), ..Locked::default() }
    }

    /// Red when the file's layout changes: whoever updates would have to accept every line anew.
    #[test]
    fn a_file_reads_well() {
        let all = Locked {
            scope: Some("tenant.id".to_owned()),
            secret: vec!["ssn".to_owned()],
            generics: vec!["T".to_owned(), "const N: usize".to_owned()],
            rest: vec!["note".to_owned()],
            arguments: ["tenant: &Tenant", "ssn: &str", "note: Option<String>"].map(str::to_owned).to_vec(),
            version: 2,
            ..locked(&["ssn", "format!(\"{n}\")"])
        };
        let file: LockFile = [("robot::send".to_owned(), all), ("a.b \"c\"".to_owned(), locked(&["id"]))]
            .into_iter()
            .collect();
        let expected = r#"
['a.b "c"']
key = ["id"]
value = "u32"

["robot::send"]
scope = "tenant.id"
key = ["ssn", 'format!("{n}")']
secret = ["ssn"]
generics = ["T", "const N: usize"]
rest = ["note"]
arguments = ["tenant: &Tenant", "ssn: &str", "note: Option<String>"]
value = "u32"
version = 2
"#;
        assert_eq!(file.to_string(), format!("{HEADER}{expected}"));
        assert_eq!(file.to_string().parse::<LockFile>().unwrap(), file);
    }

    /// Red when a name or a text can break out of its place in the file.
    #[test]
    fn whatever_is_written_is_read_again() {
        let hostile = ["", "'", "\"", "'\"", "\n", "\\", "]\n[x]", "\u{7f}\0", "ключ", "'''", "\"\"\""];
        for name in hostile {
            let file: LockFile = [(name.to_owned(), locked(&hostile))].into_iter().collect();
            assert_eq!(file.to_string().parse::<LockFile>().unwrap(), file, "{name:?}");
        }
    }

    /// Red when a damaged file counts as one, or the message does not say where.
    #[test]
    fn a_damaged_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("[a]\nkey = [\"id\"]\n<<<<<<< HEAD\n", "line 3"),
            ("[a]\nkey = [\"id\"]\nvalue = \"u8\"\ncolour = 1\n", "unknown field `colour`"),
            ("[a]\nkey = [\"id\"]\n", "missing field `value`"),
            ("[a]\nkey = [\"id\"]\nvalue = \"u8\"\n[a]\nkey = []\nvalue = \"u8\"\n", "duplicate key"),
        ] {
            let error = text.parse::<LockFile>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(LockFile::read("/nowhere/at.lock"), Err(LockFileError::Missing)));
        assert!(matches!(LockFile::read("/"), Err(LockFileError::Read(_))));
    }
}
