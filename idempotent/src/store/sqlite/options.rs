//! How a store is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::SqliteStore;
use super::fault::Fault;
use crate::clock::{Clock, SystemClock};
use crate::store::Error;
use crate::store::near::nearest;

/// Where a [`SqliteStore`] lies and how it behaves.
///
/// ```no_run
/// use idempotent::store::SqliteOptions;
/// use std::time::Duration;
///
/// let store = SqliteOptions::new("robot.db").lease(Duration::from_secs(30)).open()?;
/// let same = SqliteOptions::from_url("sqlite:robot.db?lease=30s")?.open()?;
/// # let _ = (store, same);
/// # Ok::<(), idempotent::store::Error>(())
/// ```
#[derive(Clone)]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) lease: Duration,
    pub(super) patience: Duration,
    pub(super) create: bool,
    pub(super) trust_network: bool,
    pub(super) max_pages: Option<u32>,
    pub(super) clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// The file at `path`, created on first use, with a lease of 15 seconds.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions {
            path: path.as_ref().to_owned(),
            lease: Duration::from_secs(15),
            patience: Duration::from_secs(10),
            create: true,
            trust_network: false,
            max_pages: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// How long a claim lives unrenewed where the holder's lock file tells nothing. Between 100 ms and a day.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> SqliteOptions {
        self.lease = lease;
        self
    }

    /// How long a caller waits for its move to be written, before the move is withdrawn and the caller gets an
    /// error that may be asked again: another process may be stopped in the middle of its turn to write. The
    /// default is 10 seconds. Between 10 ms and a day.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> SqliteOptions {
        self.patience = patience;
        self
    }

    /// Whether a file that is not there is created, and an empty one filled. The default is yes.
    #[must_use]
    pub fn create(mut self, create: bool) -> SqliteOptions {
        self.create = create;
        self
    }

    /// Says that locks and shared memory work on the network file system that the file lies on. Without it
    /// such a file is refused. On most of them they do not work, and records are lost.
    #[must_use]
    pub fn trust_network(mut self, trust: bool) -> SqliteOptions {
        self.trust_network = trust;
        self
    }

    /// The file never grows beyond so many pages of 4 KiB; at the limit new claims fail with an error. At least 32: the
    /// empty tables need some.
    #[must_use]
    pub fn max_pages(mut self, pages: u32) -> SqliteOptions {
        self.max_pages = Some(pages);
        self
    }

    /// Reads the time from `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> SqliteOptions {
        self.clock = clock;
        self
    }

    /// The options that a URL gives: `sqlite:robot.db?lease=15s&create=no`.
    ///
    /// The path is relative to the working directory, or absolute (`sqlite:/var/lib/robot.db`,
    /// `sqlite:///var/lib/robot.db`); `%3F` stands for a question mark in it, and so on. The parameters:
    ///
    /// | parameter | value | default |
    /// |---|---|---|
    /// | `lease` | a time, `500ms`, `15s`, `2m` | `15s` |
    /// | `patience` | a time, `500ms`, `10s` | `10s` |
    /// | `create` | `yes`, `no` | `yes` |
    /// | `network` | `refuse`, `trust` | `refuse` |
    /// | `max_pages` | a number | no limit |
    ///
    /// # Errors
    /// The URL has another scheme or no path, or a parameter that does not exist, is given twice or has a
    /// value that it cannot have.
    pub fn from_url(url: &str) -> Result<SqliteOptions, Error> {
        Ok(parse(url)?)
    }

    /// Opens the file, and makes its tables if it is new.
    ///
    /// This reads and writes the disk, and may wait up to five seconds for another process that does the same.
    ///
    /// # Errors
    /// The folder is missing or cannot be written; the file is a database of another program, or one with
    /// newer tables; it lies on a network file system; an option cannot be.
    pub fn open(self) -> Result<SqliteStore, Error> {
        Ok(SqliteStore::with(self)?)
    }
}

const KNOWN: [&str; 5] = ["lease", "patience", "create", "network", "max_pages"];
const DAY: Duration = Duration::from_secs(86_400);

/// Refuses options that cannot be kept, whether they came by a URL or in code.
pub(super) fn possible(options: &SqliteOptions) -> Result<(), Fault> {
    let SqliteOptions { lease, patience, max_pages, .. } = options;
    if *lease < Duration::from_millis(100) || *lease > DAY {
        return Err(Fault::invalid(
            format!("a `lease` of {lease:?} cannot be kept"),
            "give one between `100ms` and `24h`",
        ));
    }
    if *patience < Duration::from_millis(10) || *patience > DAY {
        return Err(Fault::invalid(
            format!("with a `patience` of {patience:?} no move could be waited for"),
            "give one between `10ms` and `24h`",
        ));
    }
    if let Some(pages) = max_pages.filter(|pages| !(32..u32::MAX).contains(pages)) {
        return Err(Fault::invalid(
            format!("`max_pages` cannot be {pages}"),
            "give a number from 32 on, or leave it out for no limit",
        ));
    }
    Ok(())
}

fn parse(url: &str) -> Result<SqliteOptions, Fault> {
    let example = "write it as in `sqlite:robot.db?lease=15s`";
    let Some(rest) = url.strip_prefix("sqlite:") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(Fault::invalid(format!("`{scheme}` is not the scheme of an SQLite store"), example));
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(Fault::invalid("the URL names no file", example));
    }
    let mut options = SqliteOptions::new(decode(path)?);
    let mut seen: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if seen.contains(&name) {
            return Err(Fault::invalid(format!("the parameter `{name}` is given twice"), "leave one out"));
        }
        seen.push(name);
        let wrong = |advice: &str| {
            Fault::invalid(format!("the parameter `{name}` cannot be `{value}`"), advice.to_owned())
        };
        match name {
            "lease" => {
                options.lease = time(value).ok_or_else(|| wrong("give a time: `500ms`, `15s`, `2m`"))?
            }
            "patience" => {
                options.patience = time(value).ok_or_else(|| wrong("give a time: `500ms`, `10s`"))?
            }
            "create" => {
                options.create = match value {
                    "yes" => true,
                    "no" => false,
                    _ => return Err(wrong("say `yes` or `no`")),
                }
            }
            "network" => {
                options.trust_network = match value {
                    "trust" => true,
                    "refuse" => false,
                    _ => return Err(wrong("say `refuse` or `trust`")),
                }
            }
            "max_pages" => {
                options.max_pages = Some(value.parse().map_err(|_| wrong("give a number of pages"))?);
            }
            "codec" => {
                return Err(Fault::invalid(
                    "`codec` is a parameter of `idempotent::open`, and not of the SQLite store alone",
                    "open the whole URL with it, or give the codec to the handle: `handle.with_codec(..)`",
                ));
            }
            _ => {
                return Err(Fault::invalid(
                    format!("there is no parameter `{name}` of an SQLite store"),
                    unknown(name),
                ));
            }
        }
    }
    Ok(options)
}

fn unknown(name: &str) -> String {
    let [first @ .., last] = KNOWN;
    let all = format!("`{}` and `{last}`", first.join("`, `"));
    match nearest(name, &KNOWN) {
        Some(near) => format!("did you mean `{near}`? The parameters are {all}"),
        None => format!("the parameters are {all}"),
    }
}

fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// Replaces `%20` and the like in a path.
fn decode(path: &str) -> Result<PathBuf, Fault> {
    let wrong = || {
        Fault::invalid(
            format!("`{path}` has a `%` that is not followed by two hexadecimal digits, or is not UTF-8"),
            "write a `%` as `%25`",
        )
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| wrong())
}
