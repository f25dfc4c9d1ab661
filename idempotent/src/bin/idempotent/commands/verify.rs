//! `verify`: does every record decode, and is its operation still known?

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use idempotent::Entry;
use idempotent::lock::LockFile;
use idempotent::protocol::Value;
use serde::de::IgnoredAny;

use crate::args::Verify;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::meaning::Meaning;
use crate::records::Records;

/// A record, and what is wrong with it.
pub(crate) struct Finding {
    pub(crate) entry: Entry,
    pub(crate) wrong: String,
}

/// What a walk through the store came to.
#[derive(Default)]
pub(crate) struct Verified {
    /// How many records there are.
    pub(crate) records: usize,
    /// How many of them are in doubt.
    pub(crate) in_doubt: usize,
    /// What does not decode.
    pub(crate) findings: Vec<Finding>,
    /// The operations that the lock file does not know, with the number of their records.
    pub(crate) unknown: BTreeMap<Arc<str>, usize>,
}

impl Verified {
    pub(crate) fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.unknown.is_empty()
    }
}

pub(crate) fn verify(records: &Records, asked: &Verify) -> Result<Verified, Failure> {
    let lock = asked.lock.as_deref().map(read).transpose()?;
    let mut verified = Verified::default();
    for page in records.all() {
        for entry in page? {
            verified.records += 1;
            verified.in_doubt += usize::from(Meaning::of(&entry).is_doubt());
            if lock.as_ref().is_some_and(|lock| lock.get(&entry.subject.operation).is_none()) {
                *verified.unknown.entry(Arc::clone(&entry.subject.operation)).or_default() += 1;
            }
            if let Some(wrong) = wrong(&entry) {
                verified.findings.push(Finding { entry, wrong });
            }
        }
    }
    Ok(verified)
}

fn read(file: &Path) -> Result<LockFile, Failure> {
    LockFile::read(file).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("{}: {error}", file.display()),
            "name the file that the test with `assert_keys_locked!` keeps",
        )
    })
}

/// What of a record does not decode. Values of other codecs than JSON are for their programs to read.
fn wrong(entry: &Entry) -> Option<String> {
    let record = match &entry.record {
        Ok(record) => record,
        Err(why) => return Some(why.to_string()),
    };
    let (name, value) = match (&record.value, &record.error) {
        (Some(value), _) => ("value", value),
        (None, error) => ("error", error.as_ref()?),
    };
    match value {
        Value::Bytes { bytes, codec, .. } if &**codec == "json" => {
            let error = serde_json::from_slice::<IgnoredAny>(bytes).err()?;
            Some(format!("its {name} is not JSON: {error}"))
        }
        Value::Bytes { .. } | Value::Missing { .. } => None,
    }
}
