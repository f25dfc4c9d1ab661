//! The store of this example against the published suite, and against itself in many processes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use custom_store::Files;
use idempotent::store::{Blocking, CasStore};
use idempotent::testing::{Bench, store_conformance};
use tempfile::TempDir;

store_conformance! {
    mod files {
        build: || {
            let folder = TempDir::new().unwrap();
            let path = folder.path().to_owned();
            let spoiled = path.clone();
            let open = move || CasStore::new(Blocking::new(Files(path.clone())));
            Bench::new(open())
                .reopen(open)
                .corrupt(move |key| {
                    let file = spoiled.join(key.to_string());
                    let bytes = fs::read(&file).unwrap();
                    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
                })
                .guard(folder)
        },
        lacks: {
            advance: "it measures time on the clock of the machine",
            wall: "nobody sets that clock for a test",
            many: "each move syncs the disk three times",
            changed: "nobody tells it that a file has changed",
        },
    }
}

/// Red when the store needs more code than a page.
#[test]
fn it_is_written_in_sixty_lines() {
    let lines = include_str!("../src/lib.rs").lines().count();
    assert!(lines <= 60, "{lines} lines");
}

fn orders() -> Vec<String> {
    (0..20).map(|number| format!("order-{number}")).collect()
}

fn shipping(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_custom_store"));
    command.arg(folder).args(orders()).stdout(Stdio::piped());
    command
}

/// How often each order has really gone out.
fn shipped(folder: &Path) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for order in fs::read_to_string(folder.join("shipped")).unwrap_or_default().lines() {
        *times.entry(order.to_owned()).or_default() += 1;
    }
    times
}

/// Red when `compare_and_swap` compares without the lock, or ignores `expected`: two processes ship one order.
#[test]
fn processes_that_race_ship_each_order_once_and_tell_the_same() {
    let folder = TempDir::new().unwrap();
    let racing: Vec<_> = (0..4).map(|_| shipping(folder.path()).spawn().unwrap()).collect();
    let told: Vec<String> = racing
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert!(told.iter().all(|each| *each == told[0]), "{told:#?}");
    assert_eq!(told[0].matches("shipped by process").count(), 20, "{}", told[0]);
    assert_eq!(shipped(folder.path()), orders().into_iter().map(|order| (order, 1)).collect());
}

/// Red when a lock outlives its process, a file is left half written, or a killed attempt is forgotten: an order
/// ships twice, or the last process does not come to its end.
#[test]
fn a_killed_process_holds_up_nobody_and_nothing_ships_twice() {
    let folder = TempDir::new().unwrap();
    for lines in 0..6 {
        let mut child = shipping(folder.path()).spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..3 * lines {
            told.next().unwrap().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = shipping(folder.path()).output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let times = shipped(folder.path());
    for order in orders() {
        let line = told.lines().find(|line| line.starts_with(&format!("{order}: "))).unwrap();
        let times = times.get(&order).copied().unwrap_or(0);
        if line.contains("shipped by process") {
            assert_eq!(times, 1, "{line}");
        } else {
            assert!(line.contains("in doubt") && times <= 1, "{times} times: {line}");
        }
    }
}

/// Red when a folder that is gone reads as one without records: then everything would ship again.
#[test]
fn a_missing_folder_is_not_an_empty_one() {
    use idempotent::store::BlockingCompareAndSwap;
    let folder = TempDir::new().unwrap();
    let files = Files(folder.path().join("nowhere"));
    let key = idempotent::Key::from_bytes([7; 32]);
    assert!(files.load(&key).is_err());
    assert!(files.scan(None, 1).is_err());
    assert!(files.compare_and_swap(&key, None, Some(b"x")).is_err());
}
