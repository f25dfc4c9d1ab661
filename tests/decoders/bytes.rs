//! What lies under a key of an engine: bytes that were damaged, cut, put together wrongly or written by something else are
//! unreadable, and never absent, never another record.

use std::sync::Arc;

use idempotent::protocol::{
    Answer, Claim, Held, Operator, Policy, Request, Resolution, Status, Token, Value,
};
use idempotent::store::{CasStore, Filter, Subject};
use idempotent::testing::FakeClock;
use idempotent::{Key, Store};
use idempotent_tests::engine::{Disk, Engine};
use sha2::{Digest, Sha256};

use crate::inputs::feed;

pub(crate) fn subject(byte: u8) -> Arc<Subject> {
    Arc::new(Subject {
        key: Key::from_bytes([byte; 32]),
        scope: "tenant \"né\"".into(),
        operation: "decoders.bytes".into(),
        call: "(1, \"two\")".into(),
    })
}

pub(crate) fn claim(byte: u8) -> Request {
    Request::Claim(Claim {
        token: Token([byte; 16]),
        fingerprint: [7; 64],
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        lease: 15_000_000,
    })
}

/// Bytes of every state, with and without trails, all under one key; also what is left of a removed record.
fn valid(store: &dyn Store, disk: &Disk, subject: &Arc<Subject>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for end in 0..4 {
        life(store, subject, end, &mut || all.push(disk.bytes(&subject.key).unwrap()));
    }
    all
}

/// A record of each state, under keys of their own.
pub(crate) fn settled_in_all_ways(store: &dyn Store, first: u8) {
    for end in 0..5 {
        life(store, &subject(first + end), end, &mut || {});
    }
}

/// A call that ends in one of five ways, the last of which is not at all; `look` is told after each move.
fn life(store: &dyn Store, subject: &Arc<Subject>, end: u8, look: &mut dyn FnMut()) {
    let mut apply = |request| {
        let answer = store.apply_blocking(subject, request).unwrap();
        look();
        answer
    };
    if let Some(entry) = pollster::block_on(store.load(&subject.key)).unwrap()
        && matches!(entry.status, Status::Ended | Status::Free)
    {
        let seen = entry.record.unwrap().seen();
        apply(Request::Forget { operator: Operator { seen, by: "ada".into(), why: "né".into() } });
    }
    let Answer::Run(grant) = apply(claim(end)) else { panic!("it runs") };
    let held = Held { token: Token([end; 16]), fence: grant.fence };
    apply(Request::Mark { held, lease: 15_000_000 });
    let bytes = |text: &str| Value::Bytes { bytes: text.as_bytes().into(), codec: "json".into(), version: 1 };
    let resolution = match end {
        0 => Resolution::Free { last_error: Some("né".into()) },
        1 => Resolution::Failed { error: bytes("\"no\""), text: "no".into(), keep: Some(1_000) },
        2 => Resolution::Done { value: Value::Missing { why: "NaN".into() }, keep: None },
        3 => Resolution::InDoubt { last_error: Some("cut off".into()) },
        _ => return,
    };
    apply(Request::Settle { held, resolution });
    if end == 3 {
        let seen = store_seen(store, &subject.key);
        let operator = Operator { seen, by: "ada".into(), why: "she looked".into() };
        apply(Request::ResolveDone { operator, value: bytes("{\"id\": 7}") });
    }
}

fn store_seen(store: &dyn Store, key: &Key) -> idempotent::protocol::Seen {
    let entry = pollster::block_on(store.load(key)).unwrap().expect("a record");
    entry.record.expect("it can be read").seen()
}

/// Fails when a checksum is not looked at, or does not cover all, or bytes of another key are read as this one's.
#[test]
fn damaged_bytes_are_unreadable_and_never_absent() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = CasStore::new(Engine::new(&disk).clock(&clock));
    let (here, there) = (subject(7), subject(9));
    let mine = valid(&store, &disk, &here);
    let others = valid(&store, &disk, &there);
    let all: Vec<Vec<u8>> = mine.iter().chain(&others).cloned().collect();
    let (mut whole, mut damaged) = (0, 0);
    feed("bytes of a record", 10_000, "each is a load, a list and a claim, with checksums", |inputs| {
        let input = inputs.next(&all);
        let is_whole = mine.contains(&input);
        disk.put(&here.key, input.clone());
        let entry = pollster::block_on(store.load(&here.key)).unwrap();
        if is_whole {
            whole += 1;
            return;
        }
        damaged += 1;
        let entry = entry.unwrap_or_else(|| panic!("absent: {input:?}"));
        assert!(entry.record.is_err(), "read as {entry:?}: {input:?}");
        let answer = store.apply_blocking(&here, claim(200)).unwrap();
        assert!(matches!(answer, Answer::Unreadable { .. }), "{answer:?}: {input:?}");
        assert_eq!(disk.bytes(&here.key), Some(input), "it was written over");
        let listed = pollster::block_on(store.list(&Filter::default())).unwrap();
        assert!(listed.contains(&entry), "it is not listed");
        assert!(!pollster::block_on(store.trail(&here.key)).unwrap().is_empty());
    });
    assert!(whole > 10 && damaged > 1_000, "{whole} whole, {damaged} damaged");
}

/// Bytes whose checksums fit, as another program or a faulty one could write them: what they say is read or not, but
/// nothing panics and nothing is allocated for a length that is not there. Fails when a length or a number is believed.
#[test]
fn well_sealed_nonsense_does_no_harm() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = CasStore::new(Engine::new(&disk).clock(&clock));
    let here = subject(7);
    let all = valid(&store, &disk, &here);
    let (mut read, mut refused) = (0, 0);
    feed("sealed bytes of a record", 10_000, "each is a load and a claim, with checksums", |inputs| {
        let mut input = inputs.next(&all);
        seal(&here.key, &mut input);
        disk.put(&here.key, input.clone());
        match pollster::block_on(store.load(&here.key)).unwrap() {
            Some(entry) if entry.record.is_err() => {
                refused += 1;
                let answer = store.apply_blocking(&here, claim(200)).unwrap();
                assert!(matches!(answer, Answer::Unreadable { .. }), "{answer:?}");
                assert_eq!(disk.bytes(&here.key), Some(input), "it was written over");
            }
            Some(_) | None => {
                read += 1;
                // Whatever it says, the protocol decides on it.
                store.apply_blocking(&here, claim(200)).unwrap();
            }
        }
        pollster::block_on(store.trail(&here.key)).unwrap();
        pollster::block_on(store.sweep(1)).unwrap();
    });
    assert!(read > 100 && refused > 100, "{read} read, {refused} refused");
}

/// Sets both checksums, as far as the lengths in the bytes lead to them: mark, version, whether there is a subject, its
/// three texts, the first checksum; the second is at the end.
fn seal(key: &Key, bytes: &mut [u8]) {
    let sum = |bytes: &[u8]| -> [u8; 8] {
        let hash = Sha256::new().chain_update(key.as_bytes()).chain_update(bytes).finalize();
        hash[..8].try_into().unwrap()
    };
    let mut at: usize = 6;
    if bytes.get(5) == Some(&1) {
        for _ in 0..3 {
            let length = bytes
                .get(at..at.saturating_add(8))
                .map_or(0, |length| u64::from_le_bytes(length.try_into().unwrap()));
            at = at.saturating_add(8).saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        }
    }
    if at.checked_add(8).is_some_and(|end| end <= bytes.len()) {
        let check = sum(&bytes[..at]);
        bytes[at..at + 8].copy_from_slice(&check);
    }
    if let Some(end) = bytes.len().checked_sub(8).filter(|end| *end >= 6) {
        let check = sum(&bytes[..end]);
        bytes[end..].copy_from_slice(&check);
    }
}
