//! I7: different keys never share a record, and names are data.

use std::sync::Arc;

use super::bench::Bench;
use super::voice::{Voice, ask, assert_replay, assert_settled, done, random, subject, subjects};
use crate::key::Key;
use crate::protocol::{Request, State};
use crate::store::{ErrorKind, Filter, Subject};

/// Keys that differ in one bit, at either end or in between, have records of their own.
pub(super) fn i7_keys_that_differ_in_one_bit_are_apart(bench: &Bench) {
    let voice = bench.voice();
    let one: [u8; 32] = random();
    let near = [0, 1, 7, 8, 128, 248, 255].map(|bit: usize| {
        let mut bytes = one;
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let name = subject();
    let calls: Vec<Arc<Subject>> = std::iter::once(one)
        .chain(near)
        .map(|bytes| Arc::new(Subject { key: Key::from_bytes(bytes), ..(*name).clone() }))
        .collect();
    each_has_its_own(&voice, &calls);
}

/// Keys that hold zeros, `0xff`, quotes or percent signs anywhere are ordinary keys, to their last byte.
pub(super) fn i7_keys_may_hold_any_bytes(bench: &Bench) {
    let voice = bench.voice();
    let name = subject();
    let mut calls = Vec::new();
    for byte in [0x00, 0xff, b'\'', b'%'] {
        for from in [0, 8, 16] {
            let mut bytes: [u8; 32] = random();
            bytes[from..from + 8].fill(byte);
            for last in [byte, byte ^ 1] {
                bytes[31] = last;
                calls.push(Arc::new(Subject { key: Key::from_bytes(bytes), ..(*name).clone() }));
            }
        }
    }
    each_has_its_own(&voice, &calls);
}

/// Many keys that are claimed first and settled later keep their own results and errors.
pub(super) fn i7_interleaved_keys_keep_their_own_results(bench: &Bench) {
    each_has_its_own(&bench.voice(), &subjects(64));
}

fn each_has_its_own(voice: &Voice, calls: &[Arc<Subject>]) {
    let runs: Vec<_> = calls.iter().map(|call| voice.run(&ask(call))).collect();
    for (i, run) in runs.iter().enumerate() {
        assert_settled(voice.settle(run, done(&i.to_string())), State::Done);
    }
    for (i, call) in calls.iter().enumerate() {
        assert_replay(voice.claim(&ask(call)), &i.to_string());
        assert_eq!(*voice.entry(call).subject.call, *call.call);
    }
}

/// An operator's act on one key leaves its neighbours alone.
pub(super) fn i7_operators_act_on_one_key(bench: &Bench) {
    let calls = subjects(3);
    let voice = bench.voice();
    for call in &calls {
        let run = voice.run(&ask(call));
        assert_settled(voice.settle(&run, done("1")), State::Done);
    }
    let operator = voice.operator(&calls[1]);
    voice.send(&calls[1], Request::Forget { operator });
    assert!(voice.load(&calls[1].key).is_none());
    assert_replay(voice.claim(&ask(&calls[0])), "1");
    assert_replay(voice.claim(&ask(&calls[2])), "1");
    assert!(voice.trail(&calls[0]).is_empty());
}

/// Scope, operation and call with quotes, percent signs, NUL, newlines, other scripts or 10,000 characters
/// come back as they were, or are refused by name.
pub(super) fn i7_names_are_data(bench: &Bench) {
    let voice = bench.voice();
    let long = "é".repeat(10_000);
    for name in [
        "",
        "'; drop table record; --",
        "\"quoted\" `and` [bracketed]",
        "100%_\\",
        "nul\0inside\0",
        "line\r\nbreak\ttab",
        "{braces}:{colons}::é",
        "日本 🦀 \u{202e}right to left",
        &long,
    ] {
        let unique = subject();
        let operation: Arc<str> = format!("{}{name}", unique.operation).into();
        for operation in [operation, name.into()] {
            let key = Key::from_bytes(random());
            let call = Subject { key, scope: name.into(), operation, call: name.into() };
            comes_back(&voice, &Arc::new(call));
        }
    }
}

/// Scopes and operations that differ only in case, in blanks or in how a letter is composed are different ones.
pub(super) fn i7_names_that_look_alike_are_apart(bench: &Bench) {
    let voice = bench.voice();
    let base = subject();
    let alike = [
        "acme",
        "Acme",
        "ACME",
        "acme ",
        " acme",
        "ac me",
        "acme\u{a0}",
        "acme\n",
        "acmé",
        "acme\u{301}",
        "acme%",
        "acme_",
    ];
    for by_scope in [true, false] {
        let calls: Vec<Arc<Subject>> = alike
            .iter()
            .map(|name| {
                let name: Arc<str> = if by_scope {
                    format!("{name}{}", base.scope)
                } else {
                    format!("{}{name}", base.operation)
                }
                .into();
                let (scope, operation) =
                    if by_scope { (name, base.operation.clone()) } else { (base.scope.clone(), name) };
                Arc::new(Subject { key: Key::from_bytes(random()), scope, operation, call: "".into() })
            })
            .collect();
        each_has_its_own(&voice, &calls);
        for call in &calls {
            let name = |by: bool, name: &Arc<str>| by.then(|| Arc::clone(name));
            let scope = name(by_scope, &call.scope);
            let operation = name(!by_scope, &call.operation);
            let found = voice.list(&Filter { scope, operation, ..Filter::default() });
            assert_eq!(found, [voice.entry(call)], "alike: {:?} {:?}", call.scope, call.operation);
        }
    }
}

fn comes_back(voice: &Voice, call: &Arc<Subject>) {
    let claim = ask(call);
    match voice.store.apply_blocking(call, voice.request(&claim)) {
        Ok(_) => {}
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::Invalid), "{error}");
            assert!(voice.load(&call.key).is_none(), "refused, and written all the same");
            return;
        }
    }
    assert_eq!(voice.entry(call).subject, **call);
    let mut before = *call.key.as_bytes();
    before[31] = before[31].wrapping_sub(1);
    let after = Some(Key::from_bytes(before)).filter(|before| *before < call.key);
    let filter = Filter { operation: Some(call.operation.clone()), limit: 1, after, ..Filter::default() };
    let found = voice.list(&filter);
    assert_eq!(found.first().map(|entry| &entry.subject), Some(&**call));
    let run = voice.run(&claim);
    assert_settled(voice.settle(&run, done("1")), State::Done);
    assert_replay(voice.claim(&ask(call)), "1");
}
