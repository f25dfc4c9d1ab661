//! The readable form of a key: bounded, escaped, and never a reason to fail.
//!
//! Fails when `Line::write_char` does not count, or when a text is written without `Escaped`.

use std::collections::BTreeMap;
use std::fmt;

use idempotent::key::{DISPLAY_LIMIT, KeyBuilder, KeyDisplay, Piece};
use proptest::prelude::*;
use serde::ser::{Error as _, Serialize, Serializer};

use crate::Bytes;
use crate::model::values;

fn display_of<T: ?Sized + Serialize>(value: &T) -> String {
    let mut display = KeyDisplay::new();
    display.part("", value);
    display.finish()
}

#[test]
fn parts_are_named_and_texts_are_quoted() {
    let mut builder = KeyBuilder::new("scope", "op");
    builder.part("patient_id", "p1").unwrap();
    builder.part("order.id", &17).unwrap();
    builder.part("", &true).unwrap();
    let (_, display) = builder.finish().unwrap();
    assert_eq!(display, r#"patient_id="p1", order.id=17, true"#);
    assert_eq!(KeyBuilder::new("", "op").finish().unwrap().1, "");
}

#[test]
fn every_kind_of_value_reads_as_in_rust() {
    #[derive(serde::Serialize)]
    enum Event {
        Booked,
        Moved(&'static str),
        Between(u8, u8),
        Failed { code: u8 },
    }
    #[derive(serde::Serialize)]
    struct Room {
        number: u8,
        wing: Option<char>,
    }
    assert_eq!(display_of(&-1), "-1");
    assert_eq!(display_of(&()), "()");
    assert_eq!(display_of(&(1, "a")), r#"(1, "a")"#);
    assert_eq!(display_of(&vec![1, 2]), "[1, 2]");
    assert_eq!(display_of(&(None::<u8>, Some(1))), "(None, Some(1))");
    assert_eq!(display_of(&[Event::Booked, Event::Moved("tue")]), r#"(Booked, Moved("tue"))"#);
    assert_eq!(display_of(&vec![Event::Between(1, 2)]), "[Between(1, 2)]");
    assert_eq!(display_of(&Event::Failed { code: 7 }), "Failed{code: 7}");
    assert_eq!(display_of(&Room { number: 3, wing: Some('B') }), r#"{number: 3, wing: Some("B")}"#);
    assert_eq!(display_of(&BTreeMap::from([(1, "a"), (2, "b")])), r#"{1: "a", 2: "b"}"#);
    assert_eq!(display_of(&Bytes(&[1, 0xab])), "0x01ab");
    assert_eq!(display_of(&format_args!("{}-{}", 1, '"')), r#""1-\"""#);
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    assert_eq!(display_of("a\nb\t\u{1b}[31m\0\"\\"), r#""a\nb\t\u{1b}[31m\0\"\\""#);
    assert_eq!(display_of("\u{202e}\u{85}"), r#""\u{202e}\u{85}""#);
    assert_eq!(display_of("it's zażółć 😀"), "\"it's zażółć 😀\"");
    let mut display = KeyDisplay::new();
    display.part("a\u{7}b", &1);
    assert_eq!(display.finish(), r"a\u{7}b=1");
}

/// Fails when a secret, or a hole that is one, is shown.
#[test]
fn secrets_are_not_shown() {
    let mut builder = KeyBuilder::new("", "op");
    builder.part("clinic", "north").unwrap();
    builder.secret_part("ssn", "123-45-6789").unwrap();
    builder.secret_part("", "123-45-6789").unwrap();
    builder.format(&[Piece::text("at "), Piece::secret("ssn", &"123-45-6789")]).unwrap();
    let (_, display) = builder.finish().unwrap();
    assert_eq!(display, r#"clinic="north", ssn=(secret), (secret), "at (secret)""#);
    let pieces = [Piece::text("at "), Piece::secret("ssn", &"123-45-6789")];
    assert_eq!(format!("{pieces:?}"), r#"[Text("at "), Hole("ssn")]"#);
}

#[test]
fn a_format_string_is_filled_in() {
    let shown = |pieces: &[Piece<'_>]| {
        let mut display = KeyDisplay::new();
        display.format(pieces);
        display.finish()
    };
    assert_eq!(
        shown(&[Piece::hole("a", &"x\ny"), Piece::text(":\""), Piece::hole("b", &7)]),
        r#""x\ny:\"7""#
    );
    assert_eq!(shown(&[]), r#""""#);
    let long = shown(&[Piece::text("n"), Piece::hole("a", &"x".repeat(1 << 20)), Piece::text("never seen")]);
    assert_eq!(long.chars().count(), DISPLAY_LIMIT);
    assert!(long.ends_with("x…"), "{long}");
    struct Failing;
    impl fmt::Display for Failing {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    assert_eq!(shown(&[Piece::text("n"), Piece::hole("a", &Failing)]), r#""n?"#);
}

#[test]
fn a_long_form_is_cut_at_the_limit() {
    let exact = "x".repeat(DISPLAY_LIMIT - 2);
    assert_eq!(display_of(&exact), format!("\"{exact}\""));
    let cut = display_of(&"é".repeat(DISPLAY_LIMIT - 1));
    assert_eq!(cut, format!("\"{}…", "é".repeat(DISPLAY_LIMIT - 2)));

    let mut display = KeyDisplay::new();
    display.part("a", &"x".repeat(1 << 20));
    display.part("b", &"never seen");
    let text = display.finish();
    assert_eq!(text.chars().count(), DISPLAY_LIMIT);
    assert!(text.starts_with("a=\"xxx") && text.ends_with("x…"), "{text}");
    assert!(text.capacity() <= 4 * DISPLAY_LIMIT, "{} bytes held", text.capacity());
}

/// Fails when a full line does not end what is written to it.
#[test]
fn an_endless_text_ends_at_the_limit() {
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("again ")?;
            }
        }
    }
    assert_eq!(display_of(&format_args!("{Endless}")).chars().count(), DISPLAY_LIMIT);
}

#[test]
fn a_value_that_fails_is_marked() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("no"))
        }
    }
    let mut display = KeyDisplay::new();
    display.part("a", &("x", Failing));
    display.part("b", &1);
    assert_eq!(display.finish(), r#"a=("x", ?, b=1"#);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_form_is_short_and_has_no_control_characters(name in "\\PC{0,9}", parts in prop::collection::vec(values(), 0..4)) {
        let mut display = KeyDisplay::new();
        parts.iter().for_each(|part| display.part(&name, part));
        let text = display.finish();
        prop_assert!(text.chars().count() <= DISPLAY_LIMIT);
        prop_assert!(!text.chars().any(char::is_control), "{:?}", text);
    }
}
