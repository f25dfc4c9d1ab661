//! Stored values: whatever bytes lie in a record, the caller gets the value that they say, or an error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use idempotent::protocol::{Answer, Ending, Fence, Request, Value};
use idempotent::store::{self, BoxFuture, Entry, Filter, Lease, Subject, Trail};
use idempotent::{Error, Handle, Key, Operation, Store};
use serde::{Deserialize, Serialize};

use crate::inputs::feed;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Booking {
    id: u64,
    day: Option<String>,
    notes: BTreeMap<String, Vec<i128>>,
    kind: Kind,
    share: f64,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Kind {
    First,
    Again(u8, char),
    Moved { from: i64 },
}

/// Fails when bytes that are not the value's text are taken for a value, or the body runs over them.
#[test]
fn values_of_json() {
    static BOOK: Operation = Operation::new("decoders.book").marker();
    let valid: Vec<Vec<u8>> = [
        r#"{"id":7,"day":null,"notes":{},"kind":"First","share":0.5}"#,
        r#"{"id":18446744073709551615,"day":"né \"x\" \ud83e\udd80","notes":{"a":[1,-170141183460469231731687303715884105728]},"kind":{"Again":[255,"é"]},"share":-1e300}"#,
        r#" {"kind":{"Moved":{"from":-1}},"id":0,"day":"","notes":{"":[]},"share":0} "#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let (mut read, mut refused) = (0, 0);
    let replays = Arc::new(Replays::default());
    let handle = Handle::new(Arc::clone(&replays));
    feed("values", 30_000, "each is a whole call", |inputs| {
        let bytes = match inputs.roll(50) {
            0 => [b"[".repeat(inputs.roll(300)), b"]".repeat(inputs.roll(300))].concat(),
            _ => inputs.next(&valid),
        };
        let codec = if inputs.roll(20) == 0 { "jsön" } else { "json" };
        let version = if inputs.roll(20) == 0 { inputs.number() as u32 } else { 1 };
        replays.put(Value::Bytes { bytes: (*bytes).into(), codec: codec.into(), version });
        let call = BOOK.call().key("number", &7).store(&handle).returns::<Result<Booking, Error>>();
        let told = call.run_blocking(|_| panic!("the body ran over {:?}", String::from_utf8_lossy(&bytes)));
        let said = serde_json::from_slice::<Booking>(&bytes);
        match (told, said) {
            (Ok(told), Ok(said)) if codec == "json" && version == 1 => {
                assert_eq!(told, said);
                read += 1;
            }
            (Err(error), said) if codec != "json" || version != 1 || said.is_err() => {
                assert_eq!(error.code(), "stored_value", "{error}");
                refused += 1;
            }
            (told, said) => panic!("{told:?} from {said:?}, {codec}, version {version}"),
        }
    });
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

/// Fails when an operator's text that is not JSON is recorded, or JSON is recorded as another text.
#[test]
fn json_of_operators() {
    let valid = [
        &b"{\"id\": 1e400, \"a\":[null,-0.0]}"[..],
        b"340282366920938463463374607431768211455",
        b" \"n\\u00e9\" ",
    ];
    let valid = valid.map(<[u8]>::to_vec);
    let handle = Handle::new(idempotent::MemoryStore::new());
    static BOOK: Operation = Operation::new("decoders.resolved");
    let call = || BOOK.call().key("number", &7).store(&handle).returns::<Result<u8, Error>>();
    let observed = idempotent::observe(|| {
        call().run_blocking(|_| Err(idempotent::inspect(|| ()).unwrap_err())).unwrap_err()
    });
    let key = observed.outcome.expect("a call").key;
    let (mut recorded, mut refused) = (0, 0);
    feed("JSON of operators", 10_000, "each is written, and shown", |inputs| {
        let text = String::from_utf8_lossy(&inputs.next(&valid)).into_owned();
        let record = || handle.show(&key).wait().unwrap().entry.unwrap().record.unwrap();
        let before = record();
        match handle.operator("ada", "looked").resolve_done_json(&key, before.seen(), &text).wait() {
            Ok(()) => {
                let Some(Value::Bytes { bytes, codec, .. }) = record().value else { panic!("no value") };
                assert_eq!((&*bytes, &*codec), (text.as_bytes(), "json"));
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
                recorded += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(record(), before);
                refused += 1;
            }
        }
    });
    assert!(recorded > 100 && refused > 100, "{recorded} recorded, {refused} refused");
}

/// A store in which every key has ended with this value.
#[derive(Default)]
struct Replays(Mutex<Option<Value>>);

impl Replays {
    fn put(&self, value: Value) {
        *self.0.lock().unwrap() = Some(value);
    }
}

impl Store for Replays {
    fn lease(&self) -> Lease {
        Lease { length: Duration::from_secs(15), is_deadline: true }
    }

    fn apply<'a>(&'a self, _: &'a Arc<Subject>, _: Request) -> BoxFuture<'a, Result<Answer, store::Error>> {
        let value = self.0.lock().unwrap().clone().expect("a value");
        Box::pin(async move { Ok(Answer::Replay(Ending::Done(value))) })
    }

    fn load<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, store::Error>> {
        Box::pin(async { Ok(None) })
    }

    fn list<'a>(&'a self, _: &'a Filter) -> BoxFuture<'a, Result<Vec<Entry>, store::Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn trail<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Vec<Trail>, store::Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sweep(&self, _: usize) -> BoxFuture<'_, Result<usize, store::Error>> {
        Box::pin(async { Ok(0) })
    }

    fn changed<'a>(&'a self, _: &'a Key, _: Fence) -> Option<BoxFuture<'a, ()>> {
        None
    }
}
