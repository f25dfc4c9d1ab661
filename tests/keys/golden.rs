//! Keys stored by older releases are found: every line of `golden.tsv`, which `reference.py` printed from an
//! implementation of its own.
//!
//! Fails when a tag, an order, a terminator, the version or the purpose byte in `src/key/encode.rs`, or the sorting in
//! `src/key/entries.rs` changes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use idempotent::key::{FingerprintBuilder, Key, KeyHasher, Piece};
use serde::Serialize;

use crate::{Bytes, key_of};

const GOLDEN: &str = include_str!("golden.tsv");

fn golden() -> BTreeMap<&'static str, &'static str> {
    let lines = GOLDEN.lines().map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        (columns[0], columns[1], columns[3])
    });
    // What a pepper makes of secrets has a process of its own: `tests/secrets`.
    let lines = lines.filter(|(_, what, _)| !what.ends_with("peppered"));
    let lines = lines.map(|(name, _, result)| (name, result));
    lines.collect()
}

#[derive(Serialize)]
struct Visit {
    patient: Name<'static>,
    at: Place,
    tags: Vec<Name<'static>>,
}

#[derive(Serialize)]
struct Place {
    room: u8,
    day: Option<Day>,
    #[serde(skip)]
    _nobody_sees: f64,
}

#[derive(Serialize)]
struct Name<'a>(&'a str);

/// A date written as text.
struct Day(&'static str);

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
enum Event {
    Booked,
    Moved(Name<'static>),
    #[serde(rename = "Moved")]
    MovedToUnit(()),
    Between(u8, u64),
    Failed {
        code: u16,
        reason: &'static str,
    },
}

#[derive(Serialize)]
struct Long {
    z: u8,
    text: String,
    a: u64,
}

/// Every value whose key must be the one of the name beside it; a name may occur more than once.
fn cases() -> Vec<(String, Key)> {
    let mut cases: Vec<(String, Key)> = Vec::new();
    let mut is = |name: &str, key: Key| cases.push((name.to_owned(), key));
    let parts = |scope: &str, operation: &str, parts: &[&str]| {
        let mut hasher = KeyHasher::new(scope, operation);
        parts.iter().for_each(|part| hasher.part("", part).unwrap());
        hasher.finish().unwrap()
    };

    is("no parts", parts("", "op", &[]));
    is("two parts", parts("", "op", &["p1", "2026-01-05"]));
    is("scope", parts("tenant", "op", &["p1"]));
    is("operation", parts("", "appointments.create", &["p1"]));

    is("integer 0", key_of(&0u8));
    is("integer 0", key_of(&0i128));
    is("integer 1", key_of(&1u8));
    is("integer 1", key_of(&1u16));
    is("integer 1", key_of(&1u32));
    is("integer 1", key_of(&1u64));
    is("integer 1", key_of(&1u128));
    is("integer 1", key_of(&1usize));
    is("integer 1", key_of(&1i8));
    is("integer 1", key_of(&1i16));
    is("integer 1", key_of(&1i32));
    is("integer 1", key_of(&1i64));
    is("integer 1", key_of(&1i128));
    is("integer 1", key_of(&NonZero::<u64>::MIN));
    is("integer 127", key_of(&i8::MAX));
    is("integer 128", key_of(&128u8));
    is("integer 255", key_of(&u8::MAX));
    is("integer 256", key_of(&256i16));
    is("integer 65535", key_of(&u16::MAX));
    is("integer 65536", key_of(&65_536i32));
    is("integer 9223372036854775808", key_of(&(1u64 << 63)));
    is("integer 18446744073709551615", key_of(&u64::MAX));
    is("integer 18446744073709551616", key_of(&(1i128 << 64)));
    is("integer 340282366920938463463374607431768211455", key_of(&u128::MAX));
    is("integer -1", key_of(&-1i8));
    is("integer -1", key_of(&-1i64));
    is("integer -128", key_of(&i8::MIN));
    is("integer -256", key_of(&-256i16));
    is("integer -9223372036854775808", key_of(&i64::MIN));
    is("integer -170141183460469231731687303715884105728", key_of(&i128::MIN));

    is("text empty", key_of(""));
    is("text 1", key_of("1"));
    is("text 1", key_of(&format_args!("{}", 1)));
    is("text a", key_of("a"));
    is("text a", key_of(&'a'));
    is("text a", key_of(&String::from("a")));
    is("text a", key_of(&Cow::Borrowed("a")));
    is("text a", key_of(&Name("a")));
    is("text beyond ASCII", key_of("zażółć 😀"));
    is("text beyond ASCII", key_of(&format_args!("{}{} {}", "zaż", "ółć", '😀')));
    is("text with NUL", key_of("a\0b"));
    is("text uuid", key_of(&uuid::uuid!("67e55044-10b1-426f-9247-bb680e5fe0c8")));
    is("text ip", key_of(&IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1))));
    is("bytes empty", key_of(&Bytes(b"")));
    is("bytes 1 2 3", key_of(&Bytes(&[1, 2, 3])));
    is("array 1 2 3", key_of(&[1u8, 2, 3]));
    is("array 1 2 3", key_of(&vec![1i64, 2, 3]));
    is("array 1 2 3", key_of(&(1, 2u8, 3usize)));
    is("array 1 2 3", key_of(&BTreeSet::from([3, 1, 2])));

    is("unit", key_of(&()));
    is("unit", key_of(&Unit));
    is("false", key_of(&false));
    is("true", key_of(&true));
    is("none", key_of(&None::<String>));
    is("some 1", key_of(&Some(1)));
    is("some unit", key_of(&Some(())));
    is("some none", key_of(&Some(None::<u8>)));

    is("sequence empty", key_of::<[u8; 0]>(&[]));
    is("sequence empty", key_of::<[&str]>(&[]));
    is("tuple a b", key_of(&("a", "b")));
    is("tuple a b", key_of(&["a", "b"]));
    is("tuple ab empty", key_of(&("ab", "")));
    is("sequence nested", key_of(&(Vec::<u8>::new(), [1], [[2, 3]])));

    let place = Place { room: 12, day: Some(Day("mon")), _nobody_sees: f64::NAN };
    let visit = Visit { patient: Name("p1"), at: place, tags: vec![Name("x")] };
    is("struct", key_of(&visit));
    is("struct", key_of(&&Box::new(Rc::new(Arc::new(visit)))));
    is("struct without fields", key_of(&Nothing {}));
    is("struct without fields", key_of(&BTreeMap::<u8, u8>::new()));
    is("map text keys", key_of(&BTreeMap::from([("b", 1), ("a", 2), ("", 3), ("aa", 4)])));
    is("map text keys", key_of(&HashMap::from([("b", 1), ("a", 2), ("", 3), ("aa", 4)])));
    is("map integer keys", key_of(&BTreeMap::from([(300, "c"), (-1, "a"), (2, "b")])));
    is("map of 40", key_of(&(0..40u64).map(|n| (format!("k{n}"), n * n)).collect::<HashMap<_, _>>()));
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    #[serde(untagged)]
    enum Parts {
        One((&'static str,)),
        Two(&'static str, u8),
    }
    is("map tuple keys", key_of(&BTreeMap::from([(Parts::Two("a", 1), true), (Parts::One(("a",)), false)])));

    is("variant unit", key_of(&Event::Booked));
    is("variant newtype", key_of(&Event::Moved(Name("tue"))));
    is("variant newtype of unit", key_of(&Event::MovedToUnit(())));
    is("variant tuple", key_of(&Event::Between(1, 2)));
    is("variant struct", key_of(&Event::Failed { code: 7, reason: "full" }));

    let format = |pieces: &[Piece<'_>]| {
        let mut hasher = KeyHasher::new("", "op");
        hasher.format(pieces).unwrap();
        hasher.finish().unwrap()
    };
    is("format one hole", format(&[Piece::hole("id", &1u8)]));
    is("format one hole", format(&[Piece::hole("id", &"1")]));
    is("format one hole", format(&[Piece::text(""), Piece::hole("id", &'1'), Piece::text("")]));
    // Without a pepper a secret is its value.
    is("format one hole", format(&[Piece::secret("id", &1u8)]));
    is("format two holes", format(&[Piece::hole("a", &"a"), Piece::text(":"), Piece::hole("b", &"b")]));
    is(
        "format two holes apart",
        format(&[Piece::hole("a", &"a:b"), Piece::text(":"), Piece::hole("b", &"")]),
    );
    let [n, x] = [Piece::hole("n", &7), Piece::hole("x", &"x")];
    is("format holes side by side", format(&[Piece::text("order "), n, x, Piece::text("!")]));
    is(
        "format holes side by side",
        format(&[Piece::text("ord"), Piece::text("er "), n, x, Piece::text("!")]),
    );
    is("format without holes", format(&[Piece::text("a")]));
    let mut hasher = KeyHasher::new("", "op");
    hasher.format(&[Piece::text("n"), Piece::hole("long", &"x".repeat(600))]).unwrap();
    hasher.part("next", "next").unwrap();
    is("format of a text of 600", hasher.finish().unwrap());
    let mut hasher = KeyHasher::new("", "op");
    hasher.secret_part("a", "a").unwrap();
    is("text a", hasher.finish().unwrap());

    for n in [480, 490, 500, 505, 506, 507, 508, 509, 510, 511, 512, 513, 1024, 100_000] {
        let text = "x".repeat(n);
        is(&format!("text of {n}"), key_of(&text));
        let mut hasher = KeyHasher::new("", "op");
        hasher.part("long", &Long { z: 1, text, a: 2 }).unwrap();
        hasher.part("next", "next").unwrap();
        is(&format!("struct with text of {n}"), hasher.finish().unwrap());
    }
    cases
}

#[test]
fn s10_keys_of_older_releases_are_found() {
    let golden = golden();
    let mut tried = BTreeSet::new();
    let mut lost = Vec::new();
    for (name, key) in cases() {
        let Some((name, expected)) = golden.get_key_value(name.as_str()) else {
            panic!("{name} is not in golden.tsv");
        };
        if key.to_string() != *expected {
            lost.push(*name);
        }
        tried.insert(*name);
    }
    assert!(lost.is_empty(), "other keys than in golden.tsv: {lost:#?}");

    let keys = GOLDEN.lines().filter(|line| line.split('\t').nth(1) == Some("key"));
    let missed: Vec<_> =
        keys.map(|line| line.split('\t').next().unwrap()).filter(|n| !tried.contains(n)).collect();
    assert!(missed.is_empty(), "nothing makes the keys of {missed:#?}");
}

#[test]
fn s10_fingerprints_of_older_releases_are_found() {
    let golden = golden();
    let empty = FingerprintBuilder::new().finish().unwrap();
    let mut arguments = FingerprintBuilder::new();
    arguments.part("amount", &500u16).unwrap();
    arguments.part("currency", "PLN").unwrap();
    let arguments = arguments.finish().unwrap();
    // Without a pepper a secret is its value.
    let mut secret = FingerprintBuilder::new();
    secret.part("amount", &500u16).unwrap();
    secret.secret_part("currency", "PLN").unwrap();
    let secret = secret.finish().unwrap();
    for (name, fingerprint) in [("no arguments", empty), ("arguments", arguments), ("arguments", secret)] {
        let hex = |bytes: &[u8; 32]| Key::from_bytes(*bytes).to_string();
        assert_eq!(hex(fingerprint.hash()), golden[format!("{name}/values").as_str()], "{name}");
        assert_eq!(hex(fingerprint.shape()), golden[format!("{name}/names").as_str()], "{name}");
    }
}

#[test]
fn s10_request_ids_of_older_releases_are_the_same() {
    let golden = golden();
    let key = Key::from_bytes(std::array::from_fn(|n| n as u8));
    assert_eq!(key.request_id().to_string(), golden["request id"]);
    assert_eq!(key.request_id_for("").to_string(), golden["request id without text"]);
    assert_eq!(key.request_id_for("charge").to_string(), golden["request id charge"]);
    assert_eq!(key.request_id().get_version_num(), 8);
}

/// The file is what the other implementation prints today. Run it after a change to either:
/// `cargo test -p idempotent-tests --test keys -- --ignored reference`
#[test]
#[ignore = "needs python3"]
fn reference_prints_the_golden_file() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/keys/reference.py");
    let output = std::process::Command::new("python3").arg(script).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), GOLDEN);
}
