//! `stats`: how many records of each operation mean what.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::failure::Failure;
use crate::meaning::Meaning;
use crate::records::Records;

/// How many records mean what, in the order of [`Meaning::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts([usize; Meaning::ALL.len()]);

impl Counts {
    pub(crate) fn add(&mut self, meaning: Meaning) {
        self.0[meaning as usize] += 1;
    }

    pub(crate) fn of(&self, meaning: Meaning) -> usize {
        self.0[meaning as usize]
    }
}

/// The counts of each operation, by name.
pub(crate) fn stats(records: &Records) -> Result<BTreeMap<Arc<str>, Counts>, Failure> {
    let mut operations = BTreeMap::<_, Counts>::new();
    for page in records.all() {
        for entry in page? {
            operations.entry(Arc::clone(&entry.subject.operation)).or_default().add(Meaning::of(&entry));
        }
    }
    Ok(operations)
}
