//! What subscribers of `tracing` are told: outcomes by name, doubt at once and with its mends, and no arguments.

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::Once;

use idempotent::codec::{AnyValue, CodecError, Json, Reader};
use idempotent::{Error, Operation, effect, idempotent};
use idempotent_tests::{World, on_every_store};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::Trouble;
use crate::script::{Script, fresh};

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps every event of the crate as one line, each thread its own. One subscriber for the whole program: whether
/// an event is wanted is remembered for all threads.
struct Lines;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?}; ").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("idempotent")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Line(&mut line));
        LINES.with_borrow_mut(|lines| lines.push((*event.metadata().level(), line)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[idempotent(key = patient, name = "events.book", skip(world, script), store = world.handle)]
fn book(world: &World, patient: &str, script: Script) -> Result<usize, Trouble> {
    world.ledger.act("acts");
    script.after()?;
    Ok(fresh())
}

#[idempotent(key = patient, name = "events.marked", skip(world, script), store = world.handle)]
fn marked(world: &World, patient: &str, script: Script) -> Result<usize, Trouble> {
    script.before()?;
    effect!(world.ledger.act("acts"));
    script.after()?;
    Ok(fresh())
}

/// Begins to keep what this thread is told.
fn listen() {
    static SUBSCRIBED: Once = Once::new();
    SUBSCRIBED.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
    LINES.take();
}

/// Red when the first error that leaves doubt is not warned of, or the event tells an argument.
fn s20_doubt_is_warned_of_at_once_with_its_mends_and_without_arguments(world: &World) {
    listen();
    book(world, "confidential", Script::FAILS_AFTER).unwrap_err();
    book(world, "confidential", Script::WORKS).unwrap_err();
    marked(world, "confidential", Script::FAILS_BEFORE).unwrap_err();
    marked(world, "confidential", Script::WORKS).unwrap();
    marked(world, "confidential", Script::WORKS).unwrap();
    let lines = LINES.take();
    let warned: Vec<_> = lines.iter().filter(|(level, _)| *level == Level::WARN).collect();
    assert_eq!(warned.len(), 1, "{lines:#?}");
    for part in
        ["events.book", "the connection was cut", "effect!(..)", "check(find, after", "on_err = release"]
    {
        assert!(warned[0].1.contains(part), "`{part}` is not in {}", warned[0].1);
    }
    assert!(!lines.iter().any(|(_, line)| line.contains("confidential")), "{lines:#?}");
    let outcomes: Vec<&str> =
        lines.iter().filter_map(|(_, line)| line.split("outcome=\"").nth(1)?.split('"').next()).collect();
    assert_eq!(outcomes, ["in_doubt", "in_doubt", "executed", "executed", "replayed"]);
    assert!(lines.iter().all(|(_, line)| line.contains("operation=") && line.contains("key=")), "{lines:#?}");
}

/// Comes back from the store with the part that it keeps to itself at 0.
#[derive(Serialize, Deserialize, Clone)]
struct Forgetful {
    number: u32,
    #[serde(skip_deserializing)]
    lost: u32,
}

fn forgetful(operation: &'static Operation, world: &World, id: u32) -> Forgetful {
    let call = operation.call().key("id", &id).store(&world.handle).returns::<Result<Forgetful, Error>>();
    call.run_blocking(|_| Ok(Forgetful { number: id, lost: 7 })).unwrap()
}

/// Red when debug builds do not look whether a result survives being stored and read (operation/rules.rs
/// `check_round_trip`), or look at every call.
fn a_result_that_changes_on_its_way_is_warned_of_once(world: &World) {
    // Told once for an operation, so each store's test has one of its own.
    let name: &'static str = format!("events.forgetful{}", fresh()).leak();
    let operation: &'static Operation = Box::leak(Box::new(Operation::new(name)));
    listen();
    forgetful(operation, world, 1);
    let first = forgetful(operation, world, 2);
    let lines = LINES.take();
    let warned: Vec<_> = lines.iter().filter(|(level, _)| *level == Level::WARN).collect();
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert!(
        warned[0].1.contains(name) && warned[0].1.contains("changes when it is stored"),
        "{}",
        warned[0].1
    );
    let replayed = forgetful(operation, world, 2);
    assert_eq!((first.number, first.lost), (2, 7));
    assert_eq!((replayed.number, replayed.lost), (2, 0), "what was warned of");
}

/// Writes what it is given, and reads another number; or writes the same value as other bytes each time; or panics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Lies,
    Salts,
    Panics,
}

impl idempotent::codec::Codec for Codec {
    fn name(&self) -> &str {
        "odd"
    }

    fn encode(&self, value: AnyValue<'_>) -> Result<Vec<u8>, CodecError> {
        Ok([format!("{:08x}", fresh()).into_bytes(), Json.encode(value)?].concat())
    }

    fn decode(&self, bytes: &[u8], reader: Reader<'_>) -> Result<(), CodecError> {
        match self {
            Codec::Lies => Json.decode(b"13", reader),
            Codec::Salts => Json.decode(&bytes[8..], reader),
            Codec::Panics => std::panic::resume_unwind(Box::new("the codec panics")),
        }
    }
}

/// Red when a codec that gives another value, or cannot read, is not warned of in a debug build, or one that is merely
/// never the same twice is (operation/rules.rs `check_round_trip`).
fn a_codec_that_lies_is_warned_of(world: &World) {
    for (codec, said) in [
        (Codec::Lies, Some("the result changes when it is stored and read again")),
        (Codec::Salts, None),
        (Codec::Panics, Some("reading the stored result panics")),
    ] {
        let name: &'static str = format!("events.odd{}", fresh()).leak();
        let operation: &'static Operation = Box::leak(Box::new(Operation::new(name)));
        let handle = world.handle.clone().with_codec(codec);
        listen();
        let call = operation.call().key("id", &1).store(&handle).returns::<Result<u32, Error>>();
        assert_eq!(call.run_blocking(|_| Ok(7)).unwrap(), 7, "the caller has what the body returned");
        let lines = LINES.take();
        let warned: Vec<_> = lines.iter().filter(|(level, _)| *level == Level::WARN).collect();
        assert_eq!(warned.len(), usize::from(said.is_some()), "{lines:#?}");
        assert!(
            said.is_none_or(|said| warned[0].1.contains(said) && warned[0].1.contains(name)),
            "{lines:#?}"
        );
    }
}

on_every_store!(
    a_codec_that_lies_is_warned_of,
    s20_doubt_is_warned_of_at_once_with_its_mends_and_without_arguments,
    a_result_that_changes_on_its_way_is_warned_of_once,
);
