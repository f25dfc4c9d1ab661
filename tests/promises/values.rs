//! Values come back equal, or loudly not at all; and errors are what machines and people need.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use idempotent::{Error, How, Operation, effect, idempotent, observe};
use idempotent_tests::{World, on_every_store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{how, refused};

#[idempotent(key = name, name = "values.of", skip(world, value), store = world.handle)]
pub(crate) fn record<T: Serialize + DeserializeOwned + Clone>(
    world: &World,
    name: &str,
    value: &T,
) -> Result<T, Error> {
    effect!(world.ledger.act(name));
    Ok(value.clone())
}

#[track_caller]
pub(crate) fn comes_back<T: Serialize + DeserializeOwned + Clone + PartialEq + Debug>(
    world: &World,
    name: &str,
    value: T,
) {
    assert_eq!(record(world, name, &value).unwrap(), value, "{name}, first");
    let again = observe(|| record(world, name, &value));
    assert_eq!((how(&again), again.result.unwrap()), (How::Replayed, value), "{name}, replayed");
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Unit;

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Wrapped(Option<i8>);

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Shape {
    Empty,
    One(u8),
    Two(u8, Option<String>),
    Named { r#type: f64, nested: Box<Shape> },
}

/// Red when the codec changes a value in silence (codec.rs).
pub(crate) fn s30_values_are_equal_after_a_round_trip(world: &World) {
    comes_back(world, "unit", ());
    comes_back(world, "unit struct", Unit);
    comes_back(world, "true", true);
    comes_back(world, "u64", u64::MAX);
    comes_back(world, "i64", i64::MIN);
    comes_back(world, "u128", u128::MAX);
    comes_back(world, "i128", i128::MIN);
    comes_back(world, "f64", 0.1 + 0.2);
    comes_back(world, "f64 small", f64::MIN_POSITIVE);
    comes_back(world, "minus zero", -0.0_f64);
    comes_back(world, "char", '\u{10FFFF}');
    comes_back(world, "empty", String::new());
    comes_back(world, "text", "é\"\\\u{0}\u{7f}\r\n\u{2028}\u{1F980}".to_owned());
    comes_back(world, "long", "ä".repeat(524_288));
    comes_back(world, "bytes", (0..=255).collect::<Vec<u8>>());
    comes_back(world, "none", None::<u8>);
    comes_back(world, "some", Some(0_u8));
    comes_back(world, "some empty", Some(String::new()));
    comes_back(world, "wrapped", Wrapped(Some(-1)));
    comes_back(world, "list", vec![None, Some(vec![1_u8]), Some(vec![])]);
    comes_back(world, "tuple", (1_u8, "a".to_owned(), [2_u64; 3]));
    comes_back(world, "result", Ok::<Result<u8, String>, u8>(Err("inner".to_owned())));
    comes_back(world, "map", BTreeMap::from([(1_u32, Shape::Empty), (2, Shape::One(1))]));
    comes_back(world, "hash map", HashMap::from([("k".to_owned(), 1_u8)]));
    let nested = Box::new(Shape::Two(1, None));
    comes_back(world, "enum", Shape::Named { r#type: 1e300, nested });
    assert_eq!(world.ledger.lines().len(), 25);
}

pub(crate) fn refuses<T: Serialize + DeserializeOwned + Clone + Debug>(world: &World, name: &str, value: T) {
    assert!(record(world, name, &value).is_ok(), "{name}: the caller has the value");
    for _ in 0..2 {
        let error = refused(record(world, name, &value));
        assert_eq!(error.code(), "stored_value", "{name}: {error}");
        assert!(error.to_string().contains("without its value"), "{name}: {error}");
    }
}

/// Red when the codec takes what JSON would change (codec/faithful.rs), or when what cannot be encoded is run
/// again (operation/rules.rs `value`).
fn s30_s32_what_cannot_be_recorded_is_done_without_a_value_and_never_run_again(world: &World) {
    refuses(world, "some unit", Some(()));
    refuses(world, "some none", Some(None::<u8>));
    refuses(world, "some unit struct", Some(Unit));
    refuses(world, "nan", f64::NAN);
    refuses(world, "infinity", vec![f32::INFINITY]);
    refuses(world, "map", BTreeMap::from([(vec![1_u8], 1_u8)]));
    refuses(world, "inside", (1, Some(Wrapped(None))));
    assert_eq!(world.ledger.lines().len(), 7);
    assert!(world.in_doubt().is_empty());
}

/// Cannot be written, whatever the codec.
#[derive(Deserialize, Clone, Debug)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it cannot be written"))
    }
}

/// One function for each thing that a function can say about doubt: none of them is about a result without a value.
macro_rules! unwritable {
    ($($function:ident($name:literal $(, $($argument:tt)+)?);)*) => {
        $(#[idempotent(key = id, name = $name, skip(world), store = world.handle $(, $($argument)+)?)]
        fn $function(world: &World, id: u32) -> Result<Unwritable, Error> {
            effect!(world.ledger.act("acts"));
            Ok(Unwritable)
        })*

        const UNWRITABLE: &[fn(&World, u32) -> Result<Unwritable, Error>] = &[$($function),*];
    };
}

unwritable! {
    unwritable("values.unwritable");
    unwritable_rerun("values.unwritable_rerun", rerun);
    unwritable_release("values.unwritable_release", on_err = release);
    unwritable_check("values.unwritable_check", check(not_there, after = "0s"));
    unwritable_first("values.unwritable_first", check(not_there, after = "0s", first));
    unwritable_version("values.unwritable_version", value(version = 2, upgrade = never));
}

fn not_there(_: &World, _: u32) -> Result<Option<Unwritable>, String> {
    Ok(None)
}

fn never(_: u32, _: &[u8]) -> Result<Unwritable, String> {
    panic!("there is nothing to upgrade")
}

/// Red when a result that cannot be encoded leaves doubt, which `rerun`, `release` or a check could turn into a second
/// run (operation/rules.rs `value`, operation/claim.rs `succeed`).
fn s32_a_result_that_cannot_be_encoded_is_never_repeated_whatever_the_function_says(world: &World) {
    for (before, call) in UNWRITABLE.iter().enumerate() {
        assert!(call(world, 1).is_ok(), "the caller has the value");
        let mut stranger = world.on(&idempotent_tests::Terms::default());
        stranger.handle = crate::stranger(world);
        for world in [world, world, &stranger] {
            let error = refused(call(world, 1));
            assert_eq!((error.code(), error.is_retryable()), ("stored_value", false));
            assert!(error.to_string().contains("it cannot be written"), "{error}");
        }
        assert_eq!((world.ledger.lines().len(), stranger.ledger.lines().len()), (before + 1, 0));
    }
    assert!(world.in_doubt().is_empty());
}

/// Red when two types share a record (the type's name in the key).
fn s64_a_generic_function_records_each_type_apart(world: &World) {
    assert_eq!(record(world, "x", &1_u8).unwrap(), 1);
    assert_eq!(record(world, "x", &"one".to_owned()).unwrap(), "one");
    assert_eq!(record(world, "x", &2_u8).unwrap(), 1);
    assert_eq!(world.ledger.lines().len(), 2);
}

fn twice(operation: &'static Operation, world: &World) -> Result<u32, Error> {
    operation
        .call()
        .key("id", &1)
        .store(&world.handle)
        .returns::<Result<u32, Error>>()
        .run_blocking(|_| Ok(1))
}

/// Red when the registry of names is gone (operation/registry.rs).
fn s63_two_operations_of_one_name_fail_closed(world: &World) {
    static ONE: Operation = Operation::new("values.twice");
    static TWO: Operation = Operation::new("values.twice");
    assert_eq!(twice(&ONE, world).unwrap(), 1);
    for _ in 0..2 {
        let error = refused(twice(&TWO, world));
        assert_eq!(error.code(), "key");
        assert!(error.to_string().contains("two operations have this name"), "{error}");
        assert!(error.to_string().matches("values.rs (line ").count() == 2, "both places are named: {error}");
        assert!(error.advice().contains("name = "), "{}", error.advice());
    }
    assert_eq!(twice(&ONE, world).unwrap(), 1, "the first goes on");
}

/// Two functions with one pinned name, as the attribute makes them.
fn s63_two_attributes_of_one_name_fail_closed(world: &World) {
    mod north {
        #[idempotent::idempotent(key = id, name = "values.clinic", skip(world), store = world.handle)]
        pub(super) fn book(world: &super::World, id: u32) -> Result<String, idempotent::Error> {
            Ok(format!("north {id}"))
        }
    }
    mod south {
        #[idempotent::idempotent(key = id, name = "values.clinic", skip(world), store = world.handle)]
        pub(super) fn book(world: &super::World, id: u32) -> Result<String, idempotent::Error> {
            Ok(format!("south {id}"))
        }
    }
    assert_eq!(north::book(world, 1).unwrap(), "north 1");
    assert_eq!(refused(south::book(world, 1)).code(), "key");
    assert_eq!(north::book(world, 1).unwrap(), "north 1");
}

/// The same out of one `macro_rules!`, whose two functions stand at one place of the code.
fn s63_two_operations_of_one_name_from_one_macro_fail_closed(world: &World) {
    macro_rules! clinics {
        ($($module:ident)*) => {
            $(mod $module {
                #[idempotent::idempotent(key = id, name = "values.macro", skip(world), store = world.handle)]
                pub(super) fn book(world: &super::World, id: u32) -> Result<String, idempotent::Error> {
                    Ok(format!("{} {id}", stringify!($module)))
                }
            })*
        };
    }
    clinics!(east west);
    assert_eq!(east::book(world, 1).unwrap(), "east 1");
    match west::book(world, 1) {
        Err(error) => assert_eq!(error.code(), "key"),
        Ok(wrong) => panic!("another operation's result: {wrong}"),
    }
}

/// Red when names are cut, or put into a statement as they are.
fn s71_a_name_is_data(world: &World) {
    let long = "x".repeat(10_000);
    let long: &'static str = long.leak();
    for name in ["it's \"quoted\"; DROP TABLE records; --", "100%_%s", "nul\0inside", long] {
        let operation: &'static Operation = Box::leak(Box::new(Operation::new(name).declared_at(name, 1, 1)));
        match twice(operation, world) {
            Ok(value) => {
                assert_eq!((value, twice(operation, world).unwrap()), (1, 1));
                let filter = idempotent::Filter { operation: Some(name.into()), ..Default::default() };
                assert_eq!(world.handle.list(&filter).wait().unwrap().len(), 1, "{:.40}", name);
            }
            Err(error) => assert!(error.to_string().contains("name"), "refused by name: {error}"),
        }
    }
}

on_every_store!(
    s30_values_are_equal_after_a_round_trip,
    s30_s32_what_cannot_be_recorded_is_done_without_a_value_and_never_run_again,
    s32_a_result_that_cannot_be_encoded_is_never_repeated_whatever_the_function_says,
    s63_two_attributes_of_one_name_fail_closed,
    s63_two_operations_of_one_name_fail_closed,
    s63_two_operations_of_one_name_from_one_macro_fail_closed,
    s64_a_generic_function_records_each_type_apart,
    s71_a_name_is_data,
);
