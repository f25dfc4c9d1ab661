//! The outside world: a file with one line for each effect, which the library never sees.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Counts effects. Clones and other processes that open the same path write into the same file.
#[derive(Clone, Debug)]
pub struct Ledger(PathBuf);

impl Ledger {
    /// The ledger at `path`; it need not exist.
    pub fn at(path: impl AsRef<Path>) -> Ledger {
        Ledger(path.as_ref().to_owned())
    }

    /// An effect happens: one line, appended in one write, so that lines of several processes do not mix.
    pub fn act(&self, what: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.0).expect("the ledger opens");
        file.write_all(format!("{what}\n").as_bytes()).expect("the ledger takes a line");
    }

    /// How often `what` happened.
    pub fn count(&self, what: &str) -> usize {
        self.text().lines().filter(|line| *line == what).count()
    }

    /// Everything that happened, in order.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// The same, line by line in one text.
    pub fn text(&self) -> String {
        match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => panic!("the ledger cannot be read: {error}"),
        }
    }

    /// Where it is, to hand it to another process.
    pub fn path(&self) -> &Path {
        &self.0
    }
}
