//! Entries that an earlier build has put into a compare-and-swap engine are still read.
//!
//! `entries.txt` was written by the command below: for each entry its name, its bytes, and what that build read in
//! them. It is not written again as the crate goes on; a new layout gets entries of its own, beside these.
//!
//! ```text
//! cargo test -p idempotent-tests --test compat -- --ignored write_the_entries
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use idempotent::protocol::{Claim, Held, Operator, Policy, Request, Resolution, Token, Value};
use idempotent::store::{CasStore, Subject};
use idempotent::testing::FakeClock;
use idempotent::{Key, Store};
use idempotent_tests::engine::{Disk, Engine};

const NAMES: [&str; 9] =
    ["free", "running", "checking", "done", "done without value", "failed", "in doubt", "resolved", "gone"];

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/entries.txt")
}

fn subject(name: &str) -> Arc<Subject> {
    let mut key = [0xa5; 32];
    key[..name.len()].copy_from_slice(name.as_bytes());
    let (scope, operation) = ("klinik Åsa".into(), "compat.entries".into());
    Arc::new(Subject { key: Key::from_bytes(key), scope, operation, call: format!("name={name:?}").into() })
}

/// What the store reads under each name: its entry and its trail.
fn read(store: &CasStore<Engine>, name: &str) -> String {
    let key = subject(name).key;
    let entry = pollster::block_on(store.load(&key)).unwrap();
    let trail = pollster::block_on(store.trail(&key)).unwrap();
    // Who has written it is another process at each run.
    let entry = entry.map(|mut entry| {
        entry.holder = entry.holder.map(|_| "a process".into());
        entry
    });
    format!("{entry:?} {trail:?}")
}

/// The first time that a reader looks; leases and quiet time count from then where the writer's clock was its own.
fn reader(disk: &Disk, has_clock: bool) -> CasStore<Engine> {
    let clock = FakeClock::at(7_000_000, 1_800_000_000_000_000);
    let engine = Engine::new(disk);
    let engine = if has_clock { engine.clock(&clock) } else { engine };
    CasStore::new(engine).clock(Arc::new(clock))
}

/// Red when the layout of `record.rs` or `store/cas/stored.rs` changes and the older one is no longer read.
#[test]
fn entries_of_an_earlier_build_are_read() {
    let text = fs::read_to_string(kept()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2 * 3 * NAMES.len());
    for (index, entry) in lines.chunks(3).enumerate() {
        let (name, has_clock) = (NAMES[index % NAMES.len()], index < NAMES.len());
        assert_eq!(entry[0], name);
        let disk = Disk::default();
        disk.put(&subject(name).key, unhex(entry[1]));
        assert_eq!(read(&reader(&disk, has_clock), name), entry[2], "{name}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Brings the record of this name into its state.
fn make(store: &CasStore<Engine>, name: &str) {
    let call = subject(name);
    let ask = |request: Request| pollster::block_on(store.apply(&call, request)).unwrap();
    let fence = || pollster::block_on(store.load(&call.key)).unwrap().unwrap().record.unwrap().fence;
    let claim = |number: u8, policy: Policy, after: i64| {
        ask(Request::Claim(Claim {
            token: Token([number; 16]),
            fingerprint: std::array::from_fn(|index| index as u8),
            policy,
            after,
            has_marker: false,
            first: false,
            lease: 15_000_000,
        }));
        Held { token: Token([number; 16]), fence: fence() }
    };
    let settle = |held: Held, resolution: Resolution| {
        ask(Request::Settle { held, resolution });
    };
    let doubt = |why: &str| Resolution::InDoubt { last_error: Some(why.into()) };
    let operator = || Operator {
        seen: pollster::block_on(store.load(&call.key)).unwrap().unwrap().record.unwrap().seen(),
        by: "Zoë".into(),
        why: "found in the portal".into(),
    };
    let value = |text: &str| Value::Bytes { bytes: text.as_bytes().into(), codec: "json".into(), version: 3 };
    let held = claim(1, Policy::Rerun, 2_000_000);
    let keep = Some(86_400_000_000);
    match name {
        "running" => {}
        "free" => settle(held, Resolution::Free { last_error: Some("nicht möglich".into()) }),
        "checking" => {
            settle(held, doubt("cut off"));
            claim(2, Policy::Check, 4_000_000);
        }
        "done" => settle(held, Resolution::Done { value: value("{\"id\":7}"), keep }),
        "done without value" => {
            settle(held, Resolution::Done { value: Value::Missing { why: "NaN".into() }, keep: None });
        }
        "failed" => settle(held, Resolution::Failed { error: value("\"no\""), text: "no".into(), keep }),
        "in doubt" => settle(held, doubt("cut off")),
        "resolved" | "gone" => {
            settle(held, doubt("cut off"));
            ask(Request::ResolveDone { operator: operator(), value: value("8") });
            if name == "gone" {
                ask(Request::Forget { operator: operator() });
            }
        }
        other => panic!("no such entry: {other}"),
    }
}

/// Writes the entries of the test above anew.
#[test]
#[ignore = "writes the entries that the other test reads"]
fn write_the_entries() {
    let mut text = String::new();
    for has_clock in [true, false] {
        for name in NAMES {
            let disk = Disk::default();
            let clock = FakeClock::at(5_000_000, 1_799_999_999_000_000);
            let engine = Engine::new(&disk);
            let engine = if has_clock { engine.clock(&clock) } else { engine };
            make(&CasStore::new(engine).clock(Arc::new(clock)), name);
            let bytes = disk.bytes(&subject(name).key).unwrap();
            let read = read(&reader(&disk, has_clock), name);
            let _ = writeln!(text, "{name}\n{}\n{read}", hex(&bytes));
        }
    }
    fs::write(kept(), text).unwrap();
}
