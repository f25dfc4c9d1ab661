//! The store that the command works on.

use std::time::{SystemTime, UNIX_EPOCH};

use idempotent::protocol::Micros;
use idempotent::{Entry, Filter, Handle, Key, Operator, Shown, open_existing};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::prefix::Prefix;

/// How many records are in memory at a time.
const PAGE: usize = 1_000;

/// The records of a store that others use.
pub(crate) struct Records(Handle);

impl Records {
    pub(crate) fn open(url: Option<&str>) -> Result<Records, Failure> {
        let url = url.filter(|url| !url.is_empty()).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "it was not said which store",
                "add `--url sqlite:<file>`, or set IDEMPOTENT_URL",
            )
        })?;
        open_existing(url).map(Records).map_err(|error| Failure::opening(&error))
    }

    /// What `filter` asks for, in key order, page by page.
    pub(crate) fn pages(&self, filter: Filter) -> Pages<'_> {
        Pages { records: self, left: filter.limit, filter, ended: false }
    }

    /// All records.
    pub(crate) fn all(&self) -> Pages<'_> {
        self.pages(Filter { limit: usize::MAX, ..Filter::default() })
    }

    /// The only key that begins like this.
    pub(crate) fn find(&self, prefix: &Prefix) -> Result<Key, Failure> {
        if let Some(key) = prefix.whole() {
            return Ok(key);
        }
        let found = self.list(&Filter { after: prefix.before(), limit: 2, ..Filter::default() })?;
        match &found[..] {
            [first, second] if prefix.fits(&second.subject.key) => Err(Failure::new(
                Exit::NotFound,
                format!("{prefix} is not one key: {} and {} begin so", first.subject.key, second.subject.key),
                "give more of its digits",
            )),
            [first, ..] if prefix.fits(&first.subject.key) => Ok(first.subject.key),
            _ => Err(Failure::new(
                Exit::NotFound,
                format!("no record has a key that begins with {prefix}"),
                "idempotent ls",
            )),
        }
    }

    pub(crate) fn show(&self, key: &Key) -> Result<Shown, Failure> {
        self.0.show(key).wait().map_err(|error| Failure::store(&error))
    }

    pub(crate) fn operator(&self, by: &str, why: &str) -> Operator {
        self.0.operator(by, why)
    }

    /// Removes what means nothing any more: how many records.
    pub(crate) fn sweep(&self) -> Result<usize, Failure> {
        let mut removed = 0;
        loop {
            let some = self.0.sweep(PAGE).wait().map_err(|error| Failure::store(&error))?;
            removed += some;
            if some < PAGE {
                return Ok(removed);
            }
        }
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Entry>, Failure> {
        self.0.list(filter).wait().map_err(|error| Failure::store(&error))
    }
}

/// A list, page by page.
pub(crate) struct Pages<'a> {
    records: &'a Records,
    filter: Filter,
    left: usize,
    ended: bool,
}

impl Iterator for Pages<'_> {
    type Item = Result<Vec<Entry>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.left == 0 {
            return None;
        }
        self.filter.limit = self.left.min(PAGE);
        let page = self.records.list(&self.filter);
        match &page {
            Ok(entries) => {
                self.ended = entries.len() < self.filter.limit;
                self.left -= entries.len();
                self.filter.after = entries.last().map(|entry| entry.subject.key);
            }
            Err(_) => self.ended = true,
        }
        Some(page).filter(|page| page.as_ref().map_or(true, |entries| !entries.is_empty()))
    }
}

/// The wall clock.
pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}
