//! The list of scenarios, held against the tests that carry their numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Scenarios of what is not built yet: results held in the process, servers, machines, steps, transactions.
const LATER: &[u32] = &[37, 38, 39, 42, 45, 46, 47, 48, 49, 50, 51, 52, 53];

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All sources of tests below `folder`, but this one.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of tests") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("scenarios/main.rs")
        {
            found.push(path);
        }
    }
}

/// The numbers at the head of a test's name: `s30_s32_what_..` has two.
fn numbers(name: &str) -> Vec<u32> {
    name.split('_')
        .map_while(|word| word.strip_prefix('s').filter(|digits| digits.len() == 2)?.parse().ok())
        .collect()
}

/// Each test that carries a number, as `program::name`. A function counts that is marked as a test, or handed to a
/// macro that makes tests of it.
fn carried() -> BTreeMap<u32, BTreeSet<String>> {
    let mut paths = Vec::new();
    sources(&tests(), &mut paths);
    let mut carried: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a readable source");
        let program = path.strip_prefix(tests()).expect("below the tests").iter().next().expect("a name");
        let program = program.to_string_lossy().replace(".rs", "");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some((_, rest)) = line.split_once("fn ") else { continue };
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let marked =
                lines[..at].iter().rev().take(3).any(|line| line.trim_start().starts_with("#[test]"))
                    || lines[..at].iter().rev().take(3).any(|line| line.contains("tokio::test"));
            let handed = text.match_indices(&name).filter(|(at, _)| {
                let rest = text[at + name.len()..].trim_start();
                rest.starts_with([',', ')', ';', '}']) && !text[..*at].trim_end().ends_with("fn")
            });
            for number in numbers(&name) {
                assert!(marked || handed.clone().count() > 0, "{name} carries a number and is no test");
                carried.entry(number).or_default().insert(format!("{program}::{name}"));
            }
        }
    }
    carried
}

/// Fails when a scenario has no test, a test carries a number that the page does not know, or the page names other
/// tests than there are.
#[test]
fn every_scenario_has_a_test_that_carries_its_number() {
    let page = tests().join("scenarios/README.md");
    let text = fs::read_to_string(&page).expect("the page of scenarios");
    let carried = carried();
    let mut known = BTreeSet::new();
    let mut anew = String::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.get(1).and_then(|cell| cell.parse::<u32>().ok()) {
            Some(number) => {
                assert!(known.insert(number), "{number} is there twice");
                let tests = carried.get(&number).map_or(String::new(), |tests| {
                    tests.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
                });
                let tests = if tests.is_empty() { "not built yet".to_owned() } else { tests };
                anew += &format!("| {number} | {} | {tests} |\n", cells[2]);
            }
            None => anew += &format!("{line}\n"),
        }
    }
    assert_eq!(known, (1..=84).collect(), "the page has each number once");
    let missing: Vec<u32> = known
        .iter()
        .copied()
        .filter(|number| !carried.contains_key(number) && !LATER.contains(number))
        .collect();
    let built: Vec<u32> = LATER.iter().copied().filter(|number| carried.contains_key(number)).collect();
    let tests: BTreeSet<_> = carried.values().flatten().collect();
    println!(
        "{} of {} scenarios are covered, by {} tests; not built yet: {LATER:?}",
        known.len() - LATER.len() - missing.len(),
        known.len(),
        tests.len()
    );
    assert!(missing.is_empty(), "no test carries these scenarios: {missing:?}");
    assert!(built.is_empty(), "these are covered now; take them from the list of what is not: {built:?}");
    assert!(carried.keys().all(|number| known.contains(number)), "a test carries a number beyond the page");
    if std::env::var_os("IDEMPOTENT_TEST_WRITE").is_some() {
        fs::write(&page, anew).expect("the page can be written");
    } else {
        let stale: Vec<&str> = anew.lines().filter(|line| !text.lines().any(|old| old == *line)).collect();
        assert!(
            text == anew,
            "the page is not up to date, run this with IDEMPOTENT_TEST_WRITE=1: {stale:#?}"
        );
    }
}
