//! `ls`: the records that the flags ask for.

use idempotent::{Filter, Which};

use super::filter;
use crate::args::Ls;
use crate::records::{Pages, Records};

pub(crate) fn ls<'a>(records: &'a Records, asked: &Ls) -> Pages<'a> {
    let limit = asked.limit.unwrap_or(usize::MAX);
    records.pages(Filter { limit, ..filter(&asked.filters, Which::All) })
}
