//! The pepper: other keys, always the same ones, and no way to change it unseen.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use idempotent::key::{FingerprintBuilder, Key, KeyBuilder, KeyHasher, Piece};
use idempotent::{Error, Handle, How, PepperError, effect, idempotent, install_pepper, observe};
use idempotent_tests::World;
use serde::Serialize;

use crate::{alone, everywhere};

/// The bytes 0, 1, 2 and so on.
fn pepper<const N: usize>() -> [u8; N] {
    std::array::from_fn(|n| n as u8)
}

const SHORT: fn() -> [u8; 16] = pepper;
const LONG: fn() -> [u8; 100] = pepper;

/// Runs an ignored test of this file in a process of its own.
fn process(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("pepper::{test}"), "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{test}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[derive(Serialize)]
struct Person {
    name: &'static str,
    born: u16,
}

/// The names and keys of the lines of this kind.
fn golden(kind: &str) -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("../keys/golden.tsv").lines().map(|line| line.split('\t').collect::<Vec<_>>());
    lines.filter(|columns| columns[1] == kind).map(|columns| (columns[0], columns[3])).collect()
}

fn keys() -> BTreeMap<&'static str, String> {
    let key = |add: &dyn Fn(&mut KeyHasher)| {
        let mut hasher = KeyHasher::new("", "op");
        add(&mut hasher);
        hasher.finish().unwrap().to_string()
    };
    let mut arguments = FingerprintBuilder::new();
    arguments.secret_part("ssn", "123-45-6789").unwrap();
    BTreeMap::from([
        ("secret text", key(&|key| key.secret_part("ssn", "123-45-6789").unwrap())),
        (
            "secret number",
            key(&|key| {
                key.part("a", "a").unwrap();
                key.secret_part("pin", &17_u8).unwrap();
                key.part("b", "b").unwrap();
            }),
        ),
        ("secret struct", key(&|key| key.secret_part("", &Person { name: "ann", born: 1815 }).unwrap())),
        (
            "secret in a hole",
            key(&|key| {
                let pieces = [Piece::secret("pin", &17_u64), Piece::text(":"), Piece::hole("b", &"b")];
                key.format(&pieces).unwrap();
            }),
        ),
        ("secret argument", Key::from_bytes(*arguments.finish().unwrap().hash()).to_string()),
    ])
}

fn owned(golden: BTreeMap<&'static str, &'static str>) -> BTreeMap<&'static str, String> {
    golden.into_iter().map(|(name, key)| (name, key.to_owned())).collect()
}

/// Red when a secret is hashed without the pepper, or with it in another way than before.
#[test]
fn s10_peppered_keys_of_older_releases_are_found() {
    process("short_pepper", &[]);
    process("long_pepper", &[]);
    let without = keys();
    for kind in ["peppered", "long peppered"] {
        let golden = owned(golden(kind));
        assert_eq!(golden.len(), without.len());
        assert!(without.iter().all(|(name, key)| golden[name] != *key), "without a pepper: {without:?}");
    }
}

#[test]
#[ignore = "needs a process of its own"]
fn short_pepper() {
    install_pepper(SHORT()).unwrap();
    assert_eq!(keys(), owned(golden("peppered")));
    let mut builder = KeyBuilder::new("", "op");
    builder.secret_part("ssn", "123-45-6789").unwrap();
    let (key, display) = builder.finish().unwrap();
    assert_eq!(
        (key.to_string().as_str(), display.as_str()),
        (golden("peppered")["secret text"], "ssn=(secret)")
    );
    everywhere::nothing_tells_a_secret(&World::memory());
    everywhere::nothing_tells_a_secret(&World::sqlite());
}

#[test]
#[ignore = "needs a process of its own"]
fn long_pepper() {
    install_pepper(LONG()).unwrap();
    assert_eq!(keys(), owned(golden("long peppered")));
}

/// Red when a pepper can be changed, or come after the first secret, while the program runs.
#[test]
fn a_pepper_comes_once_and_first() {
    let _alone = alone();
    keys();
    assert_eq!(install_pepper([1; 15]), Err(PepperError::TooShort));
    assert_eq!(install_pepper([1; 16]), Err(PepperError::TooLate));
    process("installed_twice", &[]);
}

#[test]
#[ignore = "needs a process of its own"]
fn installed_twice() {
    // A key without a secret does not ask for it, and a pepper that is refused is none.
    KeyBuilder::new("", "op").part("a", "a").unwrap();
    assert_eq!(install_pepper([]), Err(PepperError::TooShort));
    install_pepper(SHORT()).unwrap();
    assert_eq!(install_pepper(SHORT()), Err(PepperError::Installed));
    assert_eq!(keys(), owned(golden("peppered")));
    let error = install_pepper(LONG()).unwrap_err();
    assert_eq!(error, PepperError::Installed);
    assert_eq!(error.to_string(), "a pepper is installed already");
    assert!(error.advice().contains("at the start of `main`"));
}

#[idempotent(key = ssn, secret(ssn), name = "pepper.register", skip(store), store = store)]
fn register(store: &Handle, ssn: &str) -> Result<u32, Error> {
    effect!(());
    Ok(7)
}

/// Red when another process with the same pepper does not find the record.
#[test]
fn processes_with_one_pepper_share_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("records.db").display());
    let call = |pepper: &str, how: &str| {
        process("one_call", &[("PEPPER", pepper), ("STORE", &store), ("HOW", how)]);
    };
    call("the first pepper", "executed");
    call("the first pepper", "replayed");
    call("another pepper, and so another key", "executed");
    call("", "executed");
    call("", "replayed");
    assert!(fs::metadata(Path::new(folder.path()).join("records.db")).is_ok());
}

#[test]
#[ignore = "needs a process of its own"]
fn one_call() {
    let variable = |name: &str| std::env::var(name).unwrap();
    if !variable("PEPPER").is_empty() {
        install_pepper(variable("PEPPER")).unwrap();
    }
    let store = idempotent::open(&variable("STORE")).unwrap();
    let seen = observe(|| register(&store, "123-45-6789"));
    assert_eq!(seen.result.unwrap(), 7);
    let how = if variable("HOW") == "executed" { How::Executed } else { How::Replayed };
    assert_eq!(seen.outcome.unwrap().how, how);
}
