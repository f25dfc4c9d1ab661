//! Values as other bytes than JSON: they come back equal or are refused, are read by the codec that wrote them, and a
//! codec of the user's that refuses, lies or panics costs no record and no second run.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use idempotent::codec::{AnyValue, Codec, CodecError, Json, MessagePack, Reader};
use idempotent::protocol::Value;
use idempotent::testing::{Call, Fault};
use idempotent::{Error, Handle, How, effect, idempotent, inspect, observe};
use idempotent_tests::{Terms, World, on_every_store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::script::{Script, panics};
use crate::{how, refused, sight, values};

/// A world like this one, whose handle writes with `codec`.
fn coded(world: &World, codec: impl Codec) -> World {
    let mut world = world.on(&Terms::default());
    world.handle = world.handle.clone().with_codec(codec);
    world
}

/// Red when MessagePack changes a value in silence (codec/msgpack.rs, codec/faithful.rs).
fn s30_values_are_equal_after_a_round_trip_as_message_pack(world: &World) {
    let world = &coded(world, MessagePack);
    values::s30_values_are_equal_after_a_round_trip(world);
    comes_back(world, "infinity", vec![f32::INFINITY, f32::NEG_INFINITY]);
    comes_back(world, "map", BTreeMap::from([((vec![1_u8], None::<u8>), 1_u8)]));
    comes_back(world, "uuid", uuid::Uuid::from_u128(7));
    comes_back(world, "bytes", Bytes(vec![0, 255]));
    comes_back(world, "tagged", vec![Tagged::A { x: u64::MAX }, Tagged::B(Inner { y: None })]);
    comes_back(
        world,
        "untagged",
        vec![Untagged::Number(-1), Untagged::Text("x".to_owned()), Untagged::Nothing],
    );
    comes_back(
        world,
        "flat",
        Flat { inner: Inner { y: Some("é".to_owned()) }, rest: BTreeMap::from([(1, 2.5)]) },
    );
    for bits in [f64::NAN.to_bits(), 0xfff8_0000_0000_0001] {
        let name = format!("nan {bits}");
        assert_eq!(values::record(world, &name, &f64::from_bits(bits)).unwrap().to_bits(), bits);
        let again = observe(|| values::record(world, &name, &0.0_f64));
        assert_eq!((how(&again), again.result.unwrap().to_bits()), (How::Replayed, bits));
    }
    assert_eq!(codec_of(world, "flat", &Flat { inner: Inner { y: None }, rest: BTreeMap::new() }), "msgpack");
}

#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + Clone + PartialEq + Debug>(
    world: &World,
    name: &str,
    value: T,
) {
    values::comes_back(world, name, value);
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Inner {
    y: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(tag = "kind")]
enum Tagged {
    A { x: u64 },
    B(Inner),
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    Nothing,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Flat {
    #[serde(flatten)]
    inner: Inner,
    rest: BTreeMap<u32, f64>,
}

/// Written as bytes, not as a sequence.
#[derive(Clone, PartialEq, Debug)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

/// The codec named in the record of that value.
fn codec_of<T: Serialize + DeserializeOwned + Clone>(world: &World, name: &str, value: &T) -> String {
    let key = inspect(|| values::record(world, name, value)).unwrap();
    match world.handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap().value {
        Some(Value::Bytes { codec, .. }) => codec.to_string(),
        other => panic!("no value: {other:?}"),
    }
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Nested {
    End,
    More(Box<Nested>),
}

fn nested(levels: usize) -> Nested {
    (0..levels).fold(Nested::End, |inner, _| Nested::More(Box::new(inner)))
}

/// Red when MessagePack takes what it would change, or what could not be read again or only with a deep stack.
fn s30_s32_what_message_pack_cannot_hold_is_done_without_a_value(world: &World) {
    let world = &coded(world, MessagePack);
    values::refuses(world, "some unit", Some(()));
    values::refuses(world, "some none", Some(None::<u8>));
    values::refuses(world, "inside", vec![(1, Some(Some(None::<u8>)))]);
    values::refuses(world, "too deep", nested(129));
    comes_back(world, "deep enough", nested(127));
    assert!(world.in_doubt().is_empty());
}

/// Red when a record is read by the codec of the handle and not by the one that it names (codec.rs `decode`).
fn records_outlive_a_change_of_the_codec(world: &World) {
    let before = values::record(world, "old", &1_u32).unwrap();
    let mut packed = world.on(&Terms::default());
    packed.handle = world.handle.clone().with_codec(MessagePack);
    let again = observe(|| values::record(&packed, "old", &2_u32));
    assert_eq!((how(&again), again.result.unwrap()), (How::Replayed, before));
    assert_eq!(values::record(&packed, "new", &3_u32).unwrap(), 3);
    // And back: the built-in ones are read by every handle.
    assert_eq!(values::record(world, "new", &4_u32).unwrap(), 3);
    assert_eq!(
        (codec_of(world, "old", &1_u32), codec_of(world, "new", &1_u32)),
        ("json".into(), "msgpack".into())
    );
    // A codec given before the one that writes is known, too.
    let mut own = world.on(&Terms::default());
    own.handle = world.handle.clone().with_codec(Framed("one", Act::Works));
    assert_eq!(values::record(&own, "own", &5_u32).unwrap(), 5);
    own.handle = own.handle.clone().with_codec(Framed("two", Act::Works)).with_codec(Json);
    assert_eq!(values::record(&own, "own", &6_u32).unwrap(), 5);
    assert_eq!(values::record(&own, "json again", &7_u32).unwrap(), 7);
    assert_eq!(
        (codec_of(&own, "own", &1_u32), codec_of(&own, "json again", &1_u32)),
        ("one".into(), "json".into())
    );
}

/// What a codec of a user's does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    Works,
    Refuses,
    PanicsWriting,
    PanicsReading,
    ReadsNothing,
}

/// JSON between `<` and `>`, under any name.
#[derive(Clone)]
struct Framed(&'static str, Act);

impl Codec for Framed {
    fn name(&self) -> &str {
        self.0
    }

    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
        match self.1 {
            Act::Refuses => Err(CodecError::new("it is not for me")),
            Act::PanicsWriting => panic!("the codec panics"),
            Act::Works | Act::PanicsReading | Act::ReadsNothing => {
                Ok([b"<", &*Json.encode(value)?, b">"].concat())
            }
        }
    }

    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
        let [b'<', text @ .., b'>'] = bytes else { return Err(CodecError::new("there is no frame")) };
        match self.1 {
            Act::ReadsNothing => Ok(()),
            Act::PanicsReading => panic!("the codec panics"),
            Act::Works | Act::Refuses | Act::PanicsWriting => Json.decode(text, reader),
        }
    }
}

#[idempotent(key = id, name = "codecs.book", skip(world, script), store = world.handle, on_err = store)]
fn book(world: &World, id: u32, script: Script) -> Result<u32, Failure> {
    script.before().map_err(|_| Failure::Own(0))?;
    effect!(world.ledger.act("booked"));
    script.after().map_err(|_| Failure::Own(id))?;
    Ok(id)
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Failure {
    Own(u32),
    Library(String, String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Library(error.code().to_owned(), error.to_string())
    }
}

fn stored_value<T: Debug>(told: Result<T, Failure>) -> String {
    match told {
        Err(Failure::Library(code, text)) if code == "stored_value" => text,
        other => panic!("stored_value, not {other:?}"),
    }
}

/// Red when a record of a codec that nobody knows here is run again, tried with another codec, or told without its name:
/// results, and errors under `on_err = store`.
fn a_codec_that_nobody_knows_is_named_and_never_run(world: &World) {
    let own = &coded(world, Framed("framed \"x\"\n", Act::Works));
    assert_eq!(book(own, 1, Script::WORKS), Ok(1));
    assert_eq!(book(own, 2, Script::FAILS_AFTER), Err(Failure::Own(2)));
    assert_eq!(book(own, 2, Script::WORKS), Err(Failure::Own(2)), "replayed");
    let mut plain = own.on(&Terms::default());
    plain.handle = Handle::shared(std::sync::Arc::clone(own.handle.store()));
    for id in [1, 2] {
        let text = stored_value(book(&plain, id, Script::WORKS));
        assert!(text.contains(r#"written by the codec `framed \"x\"\n`"#), "{text}");
        assert!(text.contains("handle.with_codec(..)"), "{text}");
    }
    assert!(plain.ledger.lines().is_empty());
    assert_eq!(own.ledger.lines().len(), 2);
}

/// Red when a codec that refuses leads to doubt or to a second run (operation/rules.rs `value`, `error_value`).
fn s32_what_a_codec_refuses_is_done_without_a_value(world: &World) {
    let world = &coded(world, Framed("refuses", Act::Refuses));
    assert_eq!(book(world, 1, Script::WORKS), Ok(1), "this caller has its result");
    assert_eq!(book(world, 2, Script::FAILS_AFTER), Err(Failure::Own(2)));
    for id in [1, 2, 1, 2] {
        let text = stored_value(book(world, id, Script::WORKS));
        assert!(text.contains("it is not for me"), "{text}");
    }
    assert_eq!(world.ledger.lines().len(), 2);
    assert!(world.in_doubt().is_empty());
}

/// Red when a codec that panics while it writes frees the key after the effect, or blocks it.
fn s32_a_codec_that_panics_while_it_writes_leaves_doubt_and_no_second_run(world: &World) {
    let world = &coded(world, Framed("panics", Act::PanicsWriting));
    panics(|| book(world, 1, Script::WORKS));
    panics(|| book(world, 2, Script::FAILS_AFTER));
    world.drain();
    assert_eq!(world.in_doubt().len(), 2);
    assert!(matches!(book(world, 1, Script::WORKS), Err(Failure::Library(code, _)) if code == "in_doubt"));
    assert_eq!(book(world, 3, Script::FAILS_BEFORE), Err(Failure::Own(0)), "nothing to write");
    assert_eq!(world.ledger.lines().len(), 2);
}

/// Red when a codec that panics, or reads nothing, costs the record or those who come later.
fn a_codec_that_cannot_read_loses_nothing(world: &World) {
    let mut world = coded(world, Framed("framed", Act::PanicsReading));
    assert_eq!(
        book(&world, 1, Script::WORKS),
        Ok(1),
        "the look of a debug build turns no success into doubt"
    );
    for _ in 0..2 {
        panics(|| book(&world, 1, Script::WORKS));
    }
    let plain = Handle::shared(std::sync::Arc::clone(world.handle.store()));
    world.handle = plain.clone().with_codec(Framed("framed", Act::ReadsNothing));
    assert!(stored_value(book(&world, 1, Script::WORKS)).contains("the codec has read no value"));
    world.handle = plain.with_codec(Framed("framed", Act::Works));
    assert_eq!(book(&world, 1, Script::WORKS), Ok(1));
    assert_eq!(world.ledger.lines().len(), 1);
}

/// A codec whose name changes each time it is asked.
struct Fickle(AtomicUsize);

impl Codec for Fickle {
    fn name(&self) -> &str {
        ["first", "second", "third"][self.0.fetch_add(1, Ordering::SeqCst) % 3]
    }
    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
        Json.encode(value)
    }
    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
        Json.decode(bytes, reader)
    }
}

/// Red when a codec is asked for its name at every call (codec/own.rs `with`): its records would not be found.
fn the_name_of_a_codec_is_the_one_it_had_when_it_was_given(world: &World) {
    let world = &coded(world, Fickle(AtomicUsize::new(0)));
    for id in [1, 2, 1, 2] {
        assert_eq!(book(world, id, Script::WORKS), Ok(id));
    }
    assert_eq!(world.ledger.lines().len(), 2);
}

#[idempotent(key = id, name = "codecs.measure", skip(world, script), store = world.handle)]
fn measure(world: &World, id: u32, script: Script) -> Result<f64, crate::Trouble> {
    effect!(world.ledger.act("measured"));
    script.after()?;
    Ok(f64::NAN)
}

/// Red when an operator's value is written by a codec that other programs cannot read although JSON holds it, or is
/// refused although the function's own codec holds it.
fn an_operators_value_is_json_where_json_holds_it(world: &World) {
    let packed = &coded(world, MessagePack);
    for (world, id, value, codec) in [(packed, 1, 0.5, "json"), (packed, 2, f64::NAN, "msgpack")] {
        assert!(measure(world, id, Script::FAILS_AFTER).is_err());
        let key = inspect(|| measure(world, id, Script::WORKS)).unwrap();
        let ada = world.handle.operator("ada", "read it off");
        ada.resolve_done(&key, sight(world, &key), &value).wait().unwrap();
        let told = measure(world, id, Script::WORKS).unwrap();
        assert_eq!(told.to_bits(), value.to_bits());
        let record = world.handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap();
        assert!(matches!(record.value, Some(Value::Bytes { codec: found, .. }) if *found == *codec));
    }
    assert!(measure(world, 3, Script::FAILS_AFTER).is_err());
    let key = inspect(|| measure(world, 3, Script::WORKS)).unwrap();
    let ada = world.handle.operator("ada", "read it off");
    let error = ada.resolve_done(&key, sight(world, &key), &f64::NAN).wait().unwrap_err();
    assert!(matches!(&error, idempotent::OperatorError::Value(why) if why.contains("NaN")), "{error}");
}

/// Red when the bytes of a result that could not be recorded are lost to people where they are no text.
fn a_result_in_bytes_that_could_not_be_recorded_is_told_in_hex(world: &World) {
    let world = &coded(world, MessagePack);
    world.faults.on(Call::Settle.always(), Fault::RequestLost);
    let Error::Store(failed) = refused(measure(world, 1, Script::WORKS)) else { panic!("the store fails") };
    assert_eq!(failed.unrecorded.as_deref(), Some("msgpack cb7ff8000000000000"));
    world.faults.clear();
    world.drain();
    assert!(measure(world, 1, Script::WORKS).unwrap().is_nan());
}

/// Red when `codec` in a URL is not taken, taken for the store's, or an unknown one is passed over (install.rs
/// `without_codec`).
#[test]
fn s40_the_codec_of_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}/robot.db", folder.path().display());
    for (url, codec) in [
        ("memory:?codec=msgpack".to_owned(), "msgpack"),
        ("memory:?codec=json".to_owned(), "json"),
        (format!("{file}?codec=msgpack"), "msgpack"),
        (format!("{file}?lease=20s&codec=json&create=yes"), "json"),
        (format!("{file}?codec=msgpack&lease=20s"), "msgpack"),
    ] {
        let mut world = World::memory();
        world.handle = idempotent::open(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        values::record(&world, &url, &1_u8).unwrap();
        assert_eq!(codec_of(&world, &url, &1_u8), codec, "{url}");
        if url.contains("lease") {
            assert_eq!(world.handle.store().lease().length.as_secs(), 20, "{url}");
        }
    }
    for (url, said) in [
        ("memory:?codec=yaml", "`yaml` names no codec"),
        ("memory:?codec=", "`` names no codec"),
        ("memory:?codec", "`` names no codec"),
        ("memory:?codec=json&codec=json", "the parameter `codec` is given twice"),
        ("memory:?codec=json&speed=high", "`?speed=high`"),
        ("sqlite:robot.db?codec=Json", "`Json` names no codec"),
        ("sqlite:robot.db?codecs=json", "there is no parameter `codecs`"),
    ] {
        let error = idempotent::open(url).unwrap_err();
        assert_eq!(error.code(), "store");
        assert!(error.to_string().contains(said), "{url}: {error}");
    }
    let error = idempotent::open("memory:?codec=yaml").unwrap_err();
    assert!(error.advice().contains("`codec=json` or `codec=msgpack`"), "{}", error.advice());
}

on_every_store!(
    s30_values_are_equal_after_a_round_trip_as_message_pack,
    s30_s32_what_message_pack_cannot_hold_is_done_without_a_value,
    records_outlive_a_change_of_the_codec,
    a_codec_that_nobody_knows_is_named_and_never_run,
    s32_what_a_codec_refuses_is_done_without_a_value,
    s32_a_codec_that_panics_while_it_writes_leaves_doubt_and_no_second_run,
    a_codec_that_cannot_read_loses_nothing,
    the_name_of_a_codec_is_the_one_it_had_when_it_was_given,
    an_operators_value_is_json_where_json_holds_it,
    a_result_in_bytes_that_could_not_be_recorded_is_told_in_hex,
);
