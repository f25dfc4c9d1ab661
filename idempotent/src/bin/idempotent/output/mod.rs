//! The only place that prints: tables and sentences, or JSON, and nothing that would act on a terminal.

mod json;
mod shown;
mod table;
mod text;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write as _};
use std::sync::Arc;

use comfy_table::Cell;
use idempotent::{Entry, Key, Shown};
use serde::Serialize;

use self::table::{Paged, number, row};
use self::text::{brief, clean, clean_lines};
use crate::commands::act::{Act, Given, Plan};
use crate::commands::stats::Counts;
use crate::commands::verify::Verified;
use crate::failure::Failure;
use crate::meaning::{Meaning, named};

/// Where the output goes, and in which form.
pub(crate) struct Output {
    json: bool,
    out: BufWriter<StdoutLock<'static>>,
    records: Paged,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json, out: BufWriter::new(io::stdout().lock()), records: Paged::records() }
    }

    /// What is left in the buffer.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        let line = json::line(value)?;
        self.line(&line)
    }

    /// A page of a list.
    pub(crate) fn page(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.json {
            for entry in entries {
                self.object(&json::RecordJson::of(entry))?;
            }
        } else if !entries.is_empty() {
            let page = self.records.page(entries.iter().map(row));
            self.line(&page)?;
        }
        // Whoever reads along sees a page when it is there.
        self.out.flush()
    }

    /// One record with its trail.
    pub(crate) fn shown(&mut self, key: &Key, shown: &Shown) -> io::Result<()> {
        let entry = shown.entry.as_ref();
        if self.json {
            return self.object(&json::ShownJson::of(key, entry, &shown.trail));
        }
        shown::shown(key, entry, &shown.trail).iter().try_for_each(|line| self.line(line))
    }

    /// The counts of each operation, and of all.
    pub(crate) fn counts(&mut self, operations: &BTreeMap<Arc<str>, Counts>) -> io::Result<()> {
        if self.json {
            for (operation, counts) in operations {
                let mut object: BTreeMap<&str, serde_json::Value> =
                    Meaning::ALL.iter().map(|meaning| (meaning.name(), counts.of(*meaning).into())).collect();
                object.insert("operation", (&**operation).into());
                self.object(&object)?;
            }
            return Ok(());
        }
        let mut head = vec!["OPERATION"];
        head.extend(Meaning::ALL.iter().map(|meaning| meaning.word()));
        let rows = operations.iter().map(|(operation, counts)| {
            let mut row = vec![Cell::new(brief(operation, 60))];
            row.extend(Meaning::ALL.iter().map(|meaning| number(counts.of(*meaning))));
            row
        });
        let table = Paged::new(head).page(rows);
        self.line(&table)
    }

    /// What a walk through the store came to.
    pub(crate) fn verified(&mut self, verified: &Verified) -> io::Result<()> {
        #[derive(Serialize)]
        struct FindingJson<'a> {
            key: String,
            operation: &'a str,
            wrong: &'a str,
        }
        for finding in &verified.findings {
            let subject = &finding.entry.subject;
            if self.json {
                let (key, operation) = (subject.key.to_string(), &*subject.operation);
                self.object(&FindingJson { key, operation, wrong: &finding.wrong })?;
            } else {
                let line = format!("{}: {}", named(&finding.entry), finding.wrong);
                self.line(&clean(&line))?;
            }
        }
        #[derive(Serialize)]
        struct UnknownJson<'a> {
            unknown_operation: &'a str,
            records: usize,
        }
        let Verified { records, in_doubt, findings, unknown } = verified;
        for (operation, records) in unknown {
            if self.json {
                self.object(&UnknownJson { unknown_operation: operation, records: *records })?;
            } else {
                let line = format!(
                    "{operation}: {}, and the lock file does not know the operation: was it renamed or removed?",
                    count(*records)
                );
                self.line(&clean(&line))?;
            }
        }
        if self.json {
            #[derive(Serialize)]
            struct WalkJson {
                records: usize,
                in_doubt: usize,
                wrong: usize,
                unknown_operations: usize,
            }
            return self.object(&WalkJson {
                records: *records,
                in_doubt: *in_doubt,
                wrong: findings.len(),
                unknown_operations: unknown.len(),
            });
        }
        let wrong = match findings.len() {
            0 => "all of them decode".to_owned(),
            wrong => format!("{wrong} of them do not decode"),
        };
        self.line(&format!("{}, {wrong}; {in_doubt} in doubt", count(*records)))
    }

    /// How many records a sweep removed, or would remove.
    pub(crate) fn swept(&mut self, records: usize, dry_run: bool) -> io::Result<()> {
        #[derive(Serialize)]
        struct SweptJson {
            dry_run: bool,
            records: usize,
        }
        if self.json {
            return self.object(&SweptJson { dry_run, records });
        }
        let verb = if dry_run { "would be removed" } else { "removed" };
        self.line(&format!("{} {verb}", count(records)))
    }

    /// What came of one act.
    pub(crate) fn done(&mut self, act: &Act, entry: &Entry, done: &Result<(), Failure>) -> io::Result<()> {
        #[derive(Serialize)]
        struct DoneJson<'a> {
            key: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            did: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            next: Option<&'a str>,
        }
        if self.json {
            let failure = done.as_ref().err();
            return self.object(&DoneJson {
                key: entry.subject.key.to_string(),
                did: done.is_ok().then(|| act.did()),
                error: failure.map(|failure| &*failure.what),
                next: failure.map(|failure| &*failure.next),
            });
        }
        match done {
            Ok(()) => {
                let line = format!("{}: {}", act.did(), named(entry));
                self.line(&clean(&line))
            }
            Err(failure) => {
                self.out.flush()?;
                complain(failure);
                Ok(())
            }
        }
    }

    /// The help, or the version.
    pub(crate) fn help(&mut self, text: &str) -> io::Result<()> {
        self.line(clean_lines(text).trim_end())
    }
}

/// Shows what will be done, on the standard error: the standard output has only what was done.
pub(crate) fn announce(plan: &Plan) {
    let possible: Vec<&Entry> =
        plan.targets.iter().filter(|target| target.may.is_ok()).map(|target| &target.entry).collect();
    tell(&Paged::records().page(possible.iter().map(|entry| row(entry))));
    tell(&format!("{} {}", these(possible.len()), plan.act.will()));
    if let Act::Done(Given { json, version }) = &plan.act {
        let version = if *version == 1 { String::new() } else { format!(" (version {version})") };
        tell(&format!("  value{version}: {}", json::pretty(json, "  ")));
    }
    tell(&format!("  by {}: {}", clean(&plan.by), clean(&plan.why)));
}

/// Says that there is nothing to do.
pub(crate) fn nothing_fits() {
    tell("no record fits: nothing was done");
}

/// Shows how many records a sweep will remove.
pub(crate) fn announce_sweep(records: usize) {
    let verb = if records == 1 { "means" } else { "mean" };
    tell(&format!("{} that {verb} nothing any more will be removed", count(records)));
}

/// Asks whether to go on; `None` if there is nobody to ask.
pub(crate) fn ask() -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut asking = io::stderr().lock();
    asking.write_all(b"go on? [y/N] ").and_then(|()| asking.flush())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
}

/// Says what went wrong and what to do.
pub(crate) fn complain(failure: &Failure) {
    tell(&format!("error: {}\n next: {}", clean(&failure.what), clean(&failure.next)));
}

/// Says what is wrong with the command line.
pub(crate) fn correct(text: &str) {
    tell(clean_lines(text).trim_end());
}

/// A line on the standard error. If nobody reads it, there is nobody to tell that to.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn count(records: usize) -> String {
    match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    }
}

fn these(records: usize) -> String {
    match records {
        1 => "this record".to_owned(),
        records => format!("these {records} records"),
    }
}
