//! The rules of keys and fingerprints in the words of their users, and keys and request ids as text.

use std::collections::{BTreeMap, HashMap};

use idempotent::key::{Fingerprint, FingerprintBuilder, Key, KeyBuilder, KeyHasher};
use serde::Serialize;

use crate::{Bytes, key_of};

/// Fails when `Encoder::text` writes no end.
#[test]
fn s02_parts_of_tuples_and_of_formats_do_not_run_together() {
    assert_ne!(key_of(&("a", "bc")), key_of(&("ab", "c")));
    // A text that looks like the end of one text and the beginning of the next.
    assert_ne!(key_of(&("a", "b")), key_of(&("a\u{8}b",)));
    // `"{a}:{b}"` comes as its holes, each a text.
    let holes = |a: &str, b: &str| {
        let mut hasher = KeyHasher::new("", "op");
        hasher.part("a", &format_args!("{a}")).unwrap();
        hasher.part("b", &format_args!("{b}")).unwrap();
        hasher.finish().unwrap()
    };
    assert_ne!(holes("a:b", "c"), holes("a", "b:c"));
}

/// Fails when `KeyHasher::new` leaves out the scope or the operation.
#[test]
fn s03_operations_and_scopes_have_keys_of_their_own() {
    let key = |scope, operation| {
        let mut hasher = KeyHasher::new(scope, operation);
        hasher.part("id", &1).unwrap();
        hasher.finish().unwrap()
    };
    assert_ne!(key("", "create"), key("", "cancel"));
    assert_ne!(key("north", "create"), key("south", "create"));
    assert_ne!(key("create", ""), key("", "create"));
}

/// Fails when `Entries::close` does not sort.
#[test]
fn s04_the_order_of_insertion_does_not_count() {
    let names: Vec<_> = (0..50).map(|n| format!("name-{n}")).collect();
    let forward: HashMap<_, _> = names.iter().zip(0..).collect();
    let backward: HashMap<_, _> = names.iter().zip(0..).collect::<Vec<_>>().into_iter().rev().collect();
    let sorted: BTreeMap<_, _> = names.iter().zip(0..).collect();
    assert_eq!(key_of(&forward), key_of(&backward));
    assert_eq!(key_of(&forward), key_of(&sorted));
}

/// Values whose bytes would be the same with a tag or an end less.
///
/// Fails when `Elements::close` or `Entries::close` writes no end, or when the tag of bytes, of negative numbers or of
/// maps is that of texts, of other numbers or of sequences.
#[test]
fn neighbours_made_on_purpose_have_keys_of_their_own() {
    assert_ne!(key_of(&(vec!["a"], "b")), key_of(&(vec!["a", "b"],)));
    assert_ne!(key_of(&(BTreeMap::from([(1, 1)]), 2, 2)), key_of(&(BTreeMap::from([(1, 1), (2, 2)]),)),);
    assert_ne!(key_of(&Bytes(&[0xff])), key_of("\0\0\0\0\0\0\0\u{1}"));
    assert_ne!(key_of(&-1), key_of(&1));
    assert_ne!(key_of(&-1i64), key_of(&u64::MAX));
    assert_ne!(key_of(&BTreeMap::from([(1, 2)])), key_of(&[1, 2]));
    assert_ne!(key_of(&1), key_of(&true));
    assert_ne!(key_of(&Some(1)), key_of(&1));
}

/// Fails when two of the tags in `src/key/encode.rs` become one.
#[test]
fn s05_falsy_and_empty_values_are_distinct() {
    #[derive(Serialize)]
    enum Choice {
        #[serde(rename = "")]
        Nothing,
    }
    let keys = [
        ("0", key_of(&0)),
        ("\"\"", key_of("")),
        ("\"0\"", key_of("0")),
        ("None", key_of(&None::<u8>)),
        ("Some(None)", key_of(&Some(None::<u8>))),
        ("Some(())", key_of(&Some(()))),
        ("[]", key_of(&[0u8; 0])),
        ("[[]]", key_of(&[[0u8; 0]])),
        ("[()]", key_of(&[()])),
        ("()", key_of(&())),
        ("{}", key_of(&BTreeMap::<u8, u8>::new())),
        ("b\"\"", key_of(&Bytes(b""))),
        ("false", key_of(&false)),
        ("a variant without a name", key_of(&Choice::Nothing)),
        ("no part", KeyHasher::new("", "op").finish().unwrap()),
    ];
    for (n, (name, key)) in keys.iter().enumerate() {
        for (other_name, other) in &keys[..n] {
            assert_ne!(key, other, "{name} and {other_name}");
        }
    }
}

/// Fails when `FingerprintBuilder::part` leaves out the value or what is nested in it.
#[test]
fn s08_a_nested_field_that_was_tampered_with_changes_the_fingerprint() {
    let payload = |amount: u32| BTreeMap::from([("lines", vec![BTreeMap::from([("amount", amount)])])]);
    let (sent, tampered) = (fingerprint("order", &payload(5)), fingerprint("order", &payload(500)));
    assert_ne!(sent, tampered);
    assert!(sent.same_shape(&tampered), "only the payload changed");
}

/// Fails when the shape is made from the values, or not from the names.
#[test]
fn an_added_argument_is_told_from_another_payload() {
    let before = fingerprint("order", &1);
    let mut builder = FingerprintBuilder::new();
    builder.part("order", &1).unwrap();
    builder.part("note", &None::<String>).unwrap();
    let after = builder.finish().unwrap();
    assert_ne!(before, after);
    assert!(!before.same_shape(&after));
    assert!(!before.same_shape(&fingerprint("renamed", &1)));
    assert_eq!(before.hash(), fingerprint("renamed", &1).hash());
    assert_eq!(Fingerprint::from_bytes(&after.to_bytes()), after);
}

/// Fails when fields are not sorted or the names of types count.
#[test]
fn s82_reordered_and_renamed_fields_keep_the_key() {
    #[derive(Serialize)]
    struct Before {
        patient: &'static str,
        room: u8,
    }
    #[derive(Serialize)]
    struct After {
        room: u32,
        #[serde(rename = "patient")]
        patient_id: &'static str,
    }
    #[derive(Serialize)]
    struct Room {
        room: u8,
    }
    #[derive(Serialize)]
    struct Flat {
        #[serde(flatten)]
        room: Room,
        patient: &'static str,
    }
    let key = key_of(&Before { patient: "p1", room: 3 });
    assert_eq!(key, key_of(&After { room: 3, patient_id: "p1" }));
    assert_eq!(key, key_of(&Flat { room: Room { room: 3 }, patient: "p1" }));
}

/// Fails when the index of a variant counts.
#[test]
fn s82_reordered_variants_keep_the_key() {
    #[derive(Serialize)]
    enum Before {
        Open,
        Held { by: u8 },
    }
    #[derive(Serialize)]
    enum After {
        #[allow(dead_code)]
        New,
        Held {
            by: u8,
        },
        Open,
    }
    assert_eq!(key_of(&Before::Open), key_of(&After::Open));
    assert_eq!(key_of(&Before::Held { by: 1 }), key_of(&After::Held { by: 1 }));
}

/// Fails when the name of a part is hashed, or when the builder and the hasher part ways.
#[test]
fn the_names_of_key_parts_do_not_count() {
    let key = |name| {
        let mut builder = KeyBuilder::new("", "op");
        builder.part(name, "p1").unwrap();
        builder.finish().unwrap().0
    };
    assert_eq!(key("patient"), key("patient_id"));
    assert_eq!(key("patient"), key_of("p1"));
}

#[test]
fn a_key_is_read_back_from_its_text() {
    let key = key_of("p1");
    let text = key.to_string();
    assert_eq!(text.len(), 64);
    assert!(text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    assert_eq!(format!("{key:?}"), text);
    assert_eq!(text.parse::<Key>().unwrap(), key);
    assert_eq!(text.to_uppercase().parse::<Key>().unwrap(), key);
    assert_eq!(Key::from_bytes(*key.as_bytes()), key);
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
    assert_eq!(serde_json::from_reader::<_, Key>(json.as_bytes()).unwrap(), key);
}

#[test]
fn a_text_that_is_no_key_says_why() {
    let error = |text: &str| text.parse::<Key>().unwrap_err().to_string();
    assert_eq!(error(""), "not a key: it has 0 digits (a key is 64 hexadecimal digits)");
    assert_eq!(error(&"a".repeat(65)), "not a key: it has 65 digits (a key is 64 hexadecimal digits)");
    assert_eq!(
        error("0x12"),
        "not a key: 'x' at byte 1 is not a hexadecimal digit (a key is 64 hexadecimal digits)"
    );
    assert!(serde_json::from_str::<Key>("\"abc\"").unwrap_err().to_string().contains("it has 3 digits"));
}

/// Fails when a label is left out, or when the id is made from anything but key and label.
#[test]
fn request_ids_are_the_same_at_every_attempt_and_differ_by_label() {
    let key = key_of("p1");
    let ids = [
        key.request_id(),
        key.request_id_for(""),
        key.request_id_for("charge"),
        key.request_id_for("charge2"),
        key_of("p2").request_id(),
        key_of("p2").request_id_for("charge"),
    ];
    for (n, id) in ids.iter().enumerate() {
        assert!(!ids[..n].contains(id), "{n}");
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
    assert_eq!(key.request_id_for("charge"), key_of("p1").request_id_for("charge"));
}

fn fingerprint<T: Serialize>(name: &str, value: &T) -> Fingerprint {
    let mut builder = FingerprintBuilder::new();
    builder.part(name, value).unwrap();
    builder.finish().unwrap()
}
