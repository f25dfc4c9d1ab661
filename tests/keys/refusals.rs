//! What cannot be part of a key is refused by name, and nothing gets a key after a refusal: not when the `Serialize`
//! implementation hides it, and not when it panics.
//!
//! Fails when `Encoder::refuse` does not remember, when `Encoder::check` is not asked, or when floats pass.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use idempotent::key::{FingerprintBuilder, KeyBuilder, KeyError, KeyHasher, Piece};
use serde::ser::{Error as _, Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use crate::{key_of, try_key_of};

/// A `Serialize` implementation made from a closure-like body.
macro_rules! serialize_as {
    ($name:ident, |$serializer:ident| $body:expr) => {
        struct $name;
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                $body
            }
        }
    };
}

fn refused<T: ?Sized + Serialize>(part: &T) -> KeyError {
    let mut hasher = KeyHasher::new("", "op");
    let error = hasher.part("order", part).expect_err("refused");
    assert_eq!(hasher.part("good", "part").as_ref(), Err(&error), "the first error stands");
    assert_eq!(hasher.finish().as_ref(), Err(&error), "there is no key");

    let mut builder = KeyBuilder::new("", "op");
    assert_eq!(builder.part("order", part).as_ref(), Err(&error));
    assert_eq!(builder.finish(), Err(error.clone()));

    let mut builder = FingerprintBuilder::new();
    assert_eq!(builder.part("order", part).as_ref(), Err(&error));
    assert_eq!(builder.finish(), Err(error.clone()));
    error
}

#[test]
fn floats_are_refused_at_any_depth() {
    assert_eq!(
        refused(&1.5f32).to_string(),
        "`order` cannot be part of a key or fingerprint: it is a floating-point number, and numbers that read alike \
         can differ in their bits (use an integer, a decimal text, or `skip(..)`)"
    );
    #[derive(serde::Serialize)]
    struct Order {
        lines: Vec<Line>,
    }
    #[derive(serde::Serialize)]
    enum Line {
        Priced { price: Option<f64> },
    }
    assert!(try_key_of(&Order { lines: vec![Line::Priced { price: None }] }).is_ok());
    let order = Order { lines: vec![Line::Priced { price: Some(1.0) }] };
    assert_eq!(refused(&order).argument(), "order.lines[].price");
    assert_eq!(refused(&BTreeMap::from([("a", 1.0)])).argument(), "order{}");
}

#[test]
fn a_failing_implementation_is_quoted() {
    serialize_as!(Failing, |_serializer| Err(S::Error::custom("the lock is poisoned")));
    let error = refused(&[Failing]);
    assert_eq!(error.argument(), "order[]");
    assert_eq!(error.reason(), "its `Serialize` implementation failed: the lock is poisoned");
    assert!(error.to_string().contains(error.advice()), "{error}");
}

#[test]
fn a_failing_display_is_an_error() {
    struct Failing;
    impl fmt::Display for Failing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of")?;
            Err(fmt::Error)
        }
    }
    serialize_as!(Shown, |serializer| serializer.collect_str(&Failing));
    assert!(refused(&Shown).to_string().contains("its `Display` implementation returned an error"));
}

#[test]
fn a_refusal_that_is_hidden_is_still_a_refusal() {
    serialize_as!(Hiding, |serializer| {
        let mut elements = serializer.serialize_seq(None)?;
        let _ = elements.serialize_element(&1.5);
        elements.end()
    });
    assert!(refused(&Hiding).to_string().contains("floating-point"));
    assert_eq!(refused(&Hiding).argument(), "order[]");
}

#[test]
fn a_map_out_of_step_is_refused() {
    serialize_as!(TwoKeys, |serializer| {
        let mut entries = serializer.serialize_map(None)?;
        entries.serialize_key("a")?;
        let _ = entries.serialize_key("b");
        entries.end()
    });
    serialize_as!(ValueAlone, |serializer| {
        let mut entries = serializer.serialize_map(None)?;
        let _ = entries.serialize_value("a");
        entries.end()
    });
    serialize_as!(KeyAlone, |serializer| {
        let mut entries = serializer.serialize_map(None)?;
        entries.serialize_key("a")?;
        entries.end()
    });
    serialize_as!(TwoValues, |serializer| {
        let mut entries = serializer.serialize_map(None)?;
        entries.serialize_entry("a", "a")?;
        let _ = entries.serialize_value("b");
        entries.end()
    });
    for error in [refused(&TwoKeys), refused(&ValueAlone), refused(&KeyAlone), refused(&TwoValues)] {
        assert!(error.to_string().contains("do not alternate"), "{error}");
    }
}

#[test]
fn a_repeated_key_is_refused() {
    #[derive(serde::Serialize)]
    struct Twice {
        id: u8,
        #[serde(flatten)]
        more: BTreeMap<&'static str, u8>,
    }
    assert!(try_key_of(&Twice { id: 1, more: BTreeMap::from([("name", 2)]) }).is_ok());
    let error = refused(&Twice { id: 1, more: BTreeMap::from([("id", 2)]) });
    assert_eq!(error.argument(), "order");
    assert!(error.to_string().contains("one key occurs twice"), "{error}");
}

#[test]
fn a_panic_that_was_caught_leaves_no_key() {
    serialize_as!(Panicking, |serializer| {
        let mut entries = serializer.serialize_map(None)?;
        entries.serialize_entry("a", &1)?;
        panic!("in the middle of a value")
    });
    let mut builder = KeyBuilder::new("", "op");
    assert!(catch_unwind(AssertUnwindSafe(|| builder.part("order", &Panicking))).is_err());
    assert!(builder.part("good", "part").unwrap_err().to_string().contains("panicked"));
    assert!(builder.finish().is_err());
    let mut builder = FingerprintBuilder::new();
    assert!(catch_unwind(AssertUnwindSafe(|| builder.part("order", &Panicking))).is_err());
    assert!(builder.finish().is_err());
}

#[test]
fn an_announced_length_does_not_count() {
    serialize_as!(Lying, |serializer| {
        let mut elements = serializer.serialize_seq(Some(usize::MAX))?;
        elements.serialize_element("a")?;
        elements.end()
    });
    assert_eq!(key_of(&Lying), key_of(&["a"]));
}

/// Fails when a hole takes a float whose type can be seen.
#[test]
fn a_float_in_a_hole_is_refused() {
    let refused = |piece: Piece<'_>| {
        let pieces = [Piece::text("costs "), piece];
        let mut hasher = KeyHasher::new("", "op");
        let error = hasher.format(&pieces).expect_err("refused");
        assert_eq!(hasher.part("good", "part").as_ref(), Err(&error), "the first error stands");
        assert_eq!(hasher.finish().as_ref(), Err(&error), "there is no key");
        let mut builder = KeyBuilder::new("", "op");
        assert_eq!(builder.format(&pieces).as_ref(), Err(&error));
        assert_eq!(builder.finish(), Err(error.clone()));
        error
    };
    for piece in [
        Piece::hole("price", &1.5),
        Piece::hole("price", &&&1.5f32),
        Piece::hole("price", &Box::new(1.5)),
        Piece::hole("price", &std::num::Wrapping(1.5)),
        Piece::secret("price", &1.5),
    ] {
        let error = refused(piece);
        assert_eq!(error.argument(), "price");
        assert!(error.to_string().contains("floating-point"), "{error}");
    }
    struct Failing;
    impl fmt::Display for Failing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of")?;
            Err(fmt::Error)
        }
    }
    for piece in [Piece::hole("shown", &Failing), Piece::secret("shown", &Failing)] {
        assert!(refused(piece).to_string().starts_with("`shown` cannot be"), "{:?}", refused(piece));
        assert!(refused(piece).to_string().contains("its `Display` implementation returned an error"));
    }
    struct Panicking;
    impl fmt::Display for Panicking {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }
    let mut hasher = KeyHasher::new("", "op");
    let unwound = catch_unwind(AssertUnwindSafe(|| hasher.format(&[Piece::hole("shown", &Panicking)])));
    assert!(unwound.is_err());
    assert!(hasher.finish().unwrap_err().to_string().contains("before the value was whole"));
}

/// Fails when what a secret's `Serialize` implementation says is kept, in the error or inside of what is hashed.
#[test]
fn the_error_of_a_secret_does_not_quote_it() {
    serialize_as!(Telling, |_serializer| Err(S::Error::custom("123-45-6789 is no number")));
    #[derive(serde::Serialize)]
    struct Patient {
        ssn: Telling,
    }
    let patient = Patient { ssn: Telling };
    let mut builder = KeyBuilder::new("", "op");
    let error = builder.secret_part("patient", &patient).unwrap_err();
    assert_eq!(error.argument(), "patient.ssn");
    assert!(error.to_string().contains("is withheld"), "{error}");
    assert_eq!(builder.part("good", "part"), Err(error.clone()));
    assert_eq!(builder.finish(), Err(error.clone()));

    let mut hasher = KeyHasher::new("", "op");
    assert_eq!(hasher.secret_part("patient", &patient), Err(error.clone()));
    let mut fingerprint = FingerprintBuilder::new();
    assert_eq!(fingerprint.secret_part("patient", &patient), Err(error.clone()));
    assert_eq!(fingerprint.finish(), Err(error.clone()));
    assert_eq!(refused(&patient).reason(), "its `Serialize` implementation failed: 123-45-6789 is no number");

    serialize_as!(Hiding, |serializer| {
        let mut elements = serializer.serialize_seq(None)?;
        let _ = elements.serialize_element(&Telling);
        elements.end()
    });
    let mut hasher = KeyHasher::new("", "op");
    assert!(!hasher.secret_part("patient", &Hiding).unwrap_err().to_string().contains("123"));
    assert!(!hasher.finish().unwrap_err().to_string().contains("123"));
}
