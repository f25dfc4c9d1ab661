//! What lies under a key is a record of this version, or it cannot be read; it is never nothing.

use idempotent::protocol::{Answer, Request, Status};
use idempotent::store::{CasStore, Filter, Store, Subject, Which};
use idempotent::testing::FakeClock;
use idempotent_tests::engine::{Disk, Engine};
use sha2::{Digest, Sha256};

use crate::support::*;

/// A record that holds something of everything, as bytes.
fn written() -> (Disk, CasStore<Engine>, std::sync::Arc<Subject>, Vec<u8>) {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = process(&disk, &clock);
    let call = subject("written");
    let held = granted(&store, &call, 1);
    ask(&store, &call, mark(held));
    ask(&store, &call, in_doubt(held, "cut off"));
    let operator = operator(&store, &call);
    ask(&store, &call, Request::ResolveFree { operator });
    granted(&store, &call, 2);
    let bytes = disk.bytes(&call.key).unwrap();
    (disk, store, call, bytes)
}

/// What a claim is told, which must not run.
fn why(store: &CasStore<Engine>, call: &std::sync::Arc<Subject>) -> String {
    match claim(store, call, asked(3)) {
        Answer::Unreadable { why } => why.to_string(),
        other => panic!("expected Unreadable, got {other:?}"),
    }
}

/// Red when a checksum is not compared, or covers less than everything.
#[test]
fn no_bit_may_turn_and_no_byte_may_be_missing_or_too_much() {
    let (disk, store, call, bytes) = written();
    let mut spoiled = Vec::new();
    for (index, bit) in (0..bytes.len()).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
        let mut turned = bytes.clone();
        turned[index] ^= 1 << bit;
        spoiled.push(turned);
    }
    spoiled.extend((0..bytes.len()).map(|length| bytes[..length].to_vec()));
    spoiled.push([&bytes[..], &[0]].concat());
    spoiled.push([&bytes[..], &bytes[..]].concat());
    for spoiled in spoiled {
        disk.put(&call.key, spoiled.clone());
        why(&store, &call);
        assert_eq!(disk.bytes(&call.key).unwrap(), spoiled, "written over");
        assert_eq!(entry(&store, &call).unwrap().status, Status::Doubt);
    }
    assert_eq!(&*trail(&store, &call)[0].what, "unreadable");
    disk.put(&call.key, bytes);
    assert!(matches!(claim(&store, &call, asked(2)), Answer::Run(_)));
}

/// Red when bytes are taken for those of whatever key they lie under.
#[test]
fn bytes_of_another_key_are_not_read() {
    let (disk, store, _, bytes) = written();
    let other = subject("other");
    disk.put(&other.key, bytes);
    assert!(why(&store, &other).contains("under another key"));
}

/// Red when a later version's bytes are read by today's layout, or are not listed under their name.
#[test]
fn a_later_version_is_not_read_but_listed_under_its_name() {
    let (disk, store, call, mut bytes) = written();
    bytes[4] = 2;
    let length = seal(&call, &mut bytes);
    disk.put(&call.key, bytes[..length + 3].to_vec());
    assert!(why(&store, &call).contains("version 2"));
    let shown = entry(&store, &call).unwrap();
    assert_eq!((&shown.subject, shown.status), (&*call, Status::Doubt));
    let named = Filter { operation: Some(call.operation.clone()), ..Filter::default() };
    assert_eq!(pollster::block_on(store.list(&named)).unwrap(), [shown]);
}

/// Red when an entry that does not even tell its name is hidden by a list of one operation or scope.
#[test]
fn what_has_lost_its_name_is_in_every_list_of_doubt() {
    let (disk, store, call, _) = written();
    disk.put(&call.key, b"hello".to_vec());
    for (operation, scope) in [(Some("x".into()), None), (None, Some("y".into())), (None, None)] {
        let filter = Filter { which: Which::InDoubt, operation, scope, ..Filter::default() };
        assert_eq!(pollster::block_on(store.list(&filter)).unwrap().len(), 1);
    }
    assert_eq!(sweep(&store), 0);
}

/// Red when a name is believed that has no checksum of its own: a list of the operation would not show the entry.
#[test]
fn a_damaged_name_hides_no_entry() {
    let (disk, store, call, mut bytes) = written();
    let name = b"appointments.create";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at] = b'b';
    disk.put(&call.key, bytes);
    let named = Filter { operation: Some(call.operation.clone()), ..Filter::default() };
    assert_eq!(pollster::block_on(store.list(&named)).unwrap().len(), 1);
}

/// Red when a decoder panics, or allocates by a length that it was told, once the checksums fit.
#[test]
fn bytes_with_the_right_checksums_and_the_wrong_content_are_refused_calmly() {
    let (disk, store, call, bytes) = written();
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..50_000 {
        let mut mutated = bytes.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(mutated.len());
            match random.below(4) {
                0 => mutated[at] = random.next() as u8,
                1 => mutated[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
                2 => mutated.truncate(at.max(6)),
                _ => mutated.insert(at, random.next() as u8),
            }
        }
        seal(&call, &mut mutated);
        disk.put(&call.key, mutated);
        read += usize::from(entry(&store, &call).is_none_or(|entry| entry.record.is_ok()));
    }
    assert!(read > 1_000, "the mutations do not get past the checksums: {read}");
}

/// Red when anything random is taken for a record.
#[test]
fn random_bytes_are_not_read() {
    let (disk, store, call, _) = written();
    let mut random = Random(11);
    for _ in 0..20_000 {
        let length = random.below(400);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        if random.below(2) == 0 {
            bytes.splice(..length.min(5), *b"idem\x01");
        }
        disk.put(&call.key, bytes);
        why(&store, &call);
    }
}

/// Red when two writes can be the same bytes: a slow swap could not tell that somebody has been there meanwhile.
#[test]
fn no_two_writes_are_the_same_bytes() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = process(&disk, &clock);
    let call = subject("same");
    let held = granted(&store, &call, 1);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        assert_eq!(ask(&store, &call, renew(held)), Answer::Ok);
        assert!(seen.insert(disk.bytes(&call.key).unwrap()));
    }
}

/// Sets both checksums anew. How long the part that all versions share is, or all if it does not fit together.
fn seal(call: &Subject, bytes: &mut [u8]) -> usize {
    let check = |bytes: &[u8]| -> [u8; 8] {
        let hash = Sha256::new().chain_update(call.key.as_bytes()).chain_update(bytes).finalize();
        std::array::from_fn(|index| hash[index])
    };
    let mut end: usize = 6;
    if bytes.get(5) == Some(&1) {
        for _ in 0..3 {
            let length = bytes
                .get(end..end.saturating_add(8))
                .map(|length| u64::from_le_bytes(length.try_into().unwrap()));
            let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
            end = end.saturating_add(8).saturating_add(length);
        }
    }
    if end.saturating_add(8) <= bytes.len() {
        let checked = check(&bytes[..end]);
        bytes[end..end + 8].copy_from_slice(&checked);
    }
    if let Some(last) = bytes.len().checked_sub(8) {
        let checked = check(&bytes[..last]);
        bytes[last..].copy_from_slice(&checked);
    }
    end.saturating_add(8).min(bytes.len())
}

/// Numbers that are the same at each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
