//! Injectivity: keys are equal if and only if the values mean the same, by an equality that knows nothing of bytes.
//!
//! Fails when a tag or terminator in `src/key/encode.rs` is dropped, when entries are not sorted, or when a repeated
//! map key is let through.

use idempotent::key::{Key, KeyHasher, Piece};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::model::{Kind, Value, values, write_text};
use crate::{key_of, try_key_of};

/// The key of the given parts by the page of the encoding; `None` when one of them cannot be in a key.
fn expected(scope: &str, operation: &str, parts: &[Value]) -> Option<Key> {
    let mut bytes = vec![1, b'k'];
    write_text(scope, &mut bytes);
    write_text(operation, &mut bytes);
    for part in parts {
        part.meaning()?.write(&mut bytes);
    }
    bytes.push(0);
    Some(Key::from_bytes(Sha256::digest(&bytes).into()))
}

fn hashed(scope: &str, operation: &str, parts: &[Value]) -> Option<Key> {
    let mut hasher = KeyHasher::new(scope, operation);
    for part in parts {
        hasher.part("part", part).ok()?;
    }
    hasher.finish().ok()
}

/// Changes one thing at the place that `path` leads to.
fn change(value: &mut Value, path: &[u8]) {
    let Some((step, rest)) = path.split_first() else {
        return alter(value);
    };
    let at = |length: usize| usize::from(*step) % length;
    match &mut value.kind {
        Kind::Option(Some(inner)) | Kind::Variant(_, Some(inner)) => change(inner, rest),
        Kind::Sequence(values) if !values.is_empty() => {
            let at = at(values.len());
            change(&mut values[at], rest);
        }
        Kind::Struct(fields) if !fields.is_empty() => {
            let at = at(fields.len());
            change(&mut fields[at].1, rest);
        }
        Kind::Map(entries) if !entries.is_empty() => {
            let at = at(entries.len());
            let (key, value) = &mut entries[at];
            change(if step % 2 == 0 { key } else { value }, rest);
        }
        _ => alter(value),
    }
}

fn alter(value: &mut Value) {
    let whole = value.clone();
    value.kind = match &value.kind {
        Kind::Unit => Kind::Option(None),
        Kind::Bool(value) => Kind::Bool(!value),
        Kind::Integer(number) if value.style.is_multiple_of(2) => Kind::Integer(number.wrapping_neg()),
        Kind::Integer(number) => Kind::Text(number.to_string()),
        Kind::Text(text) => Kind::Bytes(text.clone().into_bytes()),
        Kind::Bytes(bytes) => Kind::Sequence(
            bytes.iter().map(|byte| Value { kind: Kind::Integer((*byte).into()), style: 0 }).collect(),
        ),
        Kind::Option(None) => Kind::Unit,
        Kind::Option(Some(inner)) => inner.kind.clone(),
        Kind::Sequence(_) => Kind::Sequence(vec![whole]),
        Kind::Struct(fields) => Kind::Struct(fields.iter().skip(1).cloned().collect()),
        Kind::Map(entries) => {
            Kind::Sequence(entries.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect())
        }
        Kind::Variant(name, None) => Kind::Text((*name).to_owned()),
        Kind::Variant(_, Some(inner)) => inner.kind.clone(),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_is_encoded_as_the_page_says(
        scope in "[a-b]{0,2}", operation in "\\PC{0,3}", parts in prop::collection::vec(values(), 0..4)
    ) {
        prop_assert_eq!(hashed(&scope, &operation, &parts), expected(&scope, &operation, &parts));
    }

    #[test]
    fn a_value_written_in_another_way_has_the_same_key(value in values(), seed in any::<u8>()) {
        let rewritten = value.rewritten(seed);
        prop_assert_eq!(value.meaning(), rewritten.meaning(), "the model itself");
        prop_assert_eq!(try_key_of(&value).ok(), try_key_of(&rewritten).ok());
    }

    #[test]
    fn keys_of_any_two_values_are_equal_only_if_the_values_mean_the_same(a in values(), b in values()) {
        if let (Some(a_means), Some(b_means)) = (a.meaning(), b.meaning()) {
            prop_assert_eq!(key_of(&a) == key_of(&b), a_means == b_means);
        }
    }

    #[test]
    fn a_value_changed_in_one_place_has_another_key(value in values(), path in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut changed = value.clone();
        change(&mut changed, &path);
        if let (Some(before), Some(after)) = (value.meaning(), changed.meaning()) {
            prop_assert_eq!(key_of(&value) == key_of(&changed), before == after);
        }
    }

    #[test]
    fn a_repeated_map_key_is_refused(value in values()) {
        prop_assert_eq!(try_key_of(&value).is_err(), value.meaning().is_none());
    }

    #[test]
    fn s02_texts_cut_in_other_places_have_other_keys(
        a in prop::collection::vec("[ab:\u{8}]{0,3}", 0..4), b in prop::collection::vec("[ab:\u{8}]{0,3}", 0..4)
    ) {
        let parts = |texts: &[String]| {
            let mut hasher = KeyHasher::new("", "op");
            texts.iter().for_each(|text| hasher.part("", text).unwrap());
            hasher.finish().unwrap()
        };
        prop_assert_eq!(parts(&a) == parts(&b), a == b);
        prop_assert_eq!(key_of(&a) == key_of(&b), a == b);
        prop_assert_eq!(parts(&a) == key_of(&b), false, "parts are not one part that is a sequence");
    }

    #[test]
    fn s02_format_strings_are_equal_only_if_their_texts_and_holes_are(
        a in prop::collection::vec((any::<bool>(), "[ab:\u{8}]{0,2}"), 0..5),
        b in prop::collection::vec((any::<bool>(), "[ab:\u{8}]{0,2}"), 0..5),
    ) {
        let key = |pieces: &[(bool, String)]| {
            let pieces: Vec<_> = pieces
                .iter()
                .map(|(hole, text)| if *hole { Piece::hole("", text) } else { Piece::text(text) })
                .collect();
            let mut hasher = KeyHasher::new("", "op");
            hasher.format(&pieces).unwrap();
            hasher.finish().unwrap()
        };
        // Texts that follow each other are one; empty ones are none.
        let means = |pieces: &[(bool, String)]| {
            let mut joined: Vec<(bool, String)> = Vec::new();
            for (hole, text) in pieces {
                match joined.last_mut() {
                    _ if !hole && text.is_empty() => {}
                    Some((false, last)) if !hole => last.push_str(text),
                    _ => joined.push((*hole, text.clone())),
                }
            }
            joined
        };
        prop_assert_eq!(key(&a) == key(&b), means(&a) == means(&b));
    }

    #[test]
    fn s03_scope_operation_and_parts_never_run_together(
        a in prop::collection::vec("[ab\u{8}]{0,2}", 3), b in prop::collection::vec("[ab\u{8}]{0,2}", 3)
    ) {
        let key = |texts: &[String]| {
            let mut hasher = KeyHasher::new(&texts[0], &texts[1]);
            hasher.part("", &texts[2]).unwrap();
            hasher.finish().unwrap()
        };
        prop_assert_eq!(key(&a) == key(&b), a == b);
    }
}
