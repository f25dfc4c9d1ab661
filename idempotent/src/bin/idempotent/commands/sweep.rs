//! `sweep`: what means nothing any more.

use idempotent::Entry;

use crate::failure::Failure;
use crate::meaning::Meaning;
use crate::records::Records;

/// The records that a sweep would remove, page by page.
pub(crate) fn sweepable(records: &Records) -> impl Iterator<Item = Result<Vec<Entry>, Failure>> {
    records.all().map(|page| {
        let mut entries = page?;
        entries.retain(|entry| Meaning::of(entry).is_swept());
        Ok(entries)
    })
}
