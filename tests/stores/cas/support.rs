//! Stores on one disk, as many processes would open them, and requests in a line.

use std::sync::Arc;

use idempotent::Store;
use idempotent::key::Key;
use idempotent::protocol::{
    Answer, Claim, Grant, Held, Operator, Policy, Record, Request, Resolution, Token, Value,
};
use idempotent::store::{CasStore, CompareAndSwap, Entry, Subject, Trail};
use idempotent::testing::FakeClock;
use idempotent_tests::engine::{Disk, Engine};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const LEASE: i64 = 15 * SECOND;

/// A store on `disk` whose process has this clock and shares it with nobody.
pub(crate) fn process(disk: &Disk, clock: &FakeClock) -> CasStore<Engine> {
    CasStore::new(Engine::new(disk)).clock(Arc::new(clock.clone()))
}

pub(crate) fn subject(name: &str) -> Arc<Subject> {
    let mut key = [0_u8; 32];
    for (index, byte) in name.bytes().enumerate() {
        key[index % 32] = key[index % 32].wrapping_mul(31).wrapping_add(byte);
    }
    let (scope, operation) = ("clinic 7".into(), "appointments.create".into());
    Arc::new(Subject { key: Key::from_bytes(key), scope, operation, call: name.into() })
}

pub(crate) fn asked(number: u8) -> Claim {
    Claim {
        token: Token([number; 16]),
        fingerprint: [7; 64],
        policy: Policy::Stay,
        after: 0,
        has_marker: true,
        first: false,
        lease: LEASE,
    }
}

pub(crate) fn ask<E: CompareAndSwap>(
    store: &CasStore<E>,
    subject: &Arc<Subject>,
    request: Request,
) -> Answer {
    pollster::block_on(store.apply(subject, request)).expect("the engine answers")
}

pub(crate) fn claim<E: CompareAndSwap>(store: &CasStore<E>, subject: &Arc<Subject>, claim: Claim) -> Answer {
    ask(store, subject, Request::Claim(claim))
}

/// Claims, and must be told to run.
pub(crate) fn granted<E: CompareAndSwap>(store: &CasStore<E>, subject: &Arc<Subject>, number: u8) -> Held {
    match claim(store, subject, asked(number)) {
        Answer::Run(grant) => held(number, &grant),
        other => panic!("expected Run, got {other:?}"),
    }
}

pub(crate) fn held(number: u8, grant: &Grant) -> Held {
    Held { token: Token([number; 16]), fence: grant.fence }
}

pub(crate) fn mark(held: Held) -> Request {
    Request::Mark { held, lease: LEASE }
}

pub(crate) fn renew(held: Held) -> Request {
    Request::Renew { held, lease: LEASE }
}

pub(crate) fn done(held: Held, keep: Option<i64>) -> Request {
    let value = Value::Bytes { bytes: (*b"1").into(), codec: "json".into(), version: 1 };
    Request::Settle { held, resolution: Resolution::Done { value, keep } }
}

pub(crate) fn free(held: Held) -> Request {
    Request::Settle { held, resolution: Resolution::Free { last_error: None } }
}

pub(crate) fn in_doubt(held: Held, why: &str) -> Request {
    Request::Settle { held, resolution: Resolution::InDoubt { last_error: Some(why.into()) } }
}

pub(crate) fn entry<E: CompareAndSwap>(store: &CasStore<E>, subject: &Subject) -> Option<Entry> {
    pollster::block_on(store.load(&subject.key)).expect("the engine answers")
}

pub(crate) fn record<E: CompareAndSwap>(store: &CasStore<E>, subject: &Subject) -> Record {
    entry(store, subject).expect("there is a record").record.expect("it can be read")
}

pub(crate) fn trail<E: CompareAndSwap>(store: &CasStore<E>, subject: &Subject) -> Vec<Trail> {
    pollster::block_on(store.trail(&subject.key)).expect("the engine answers")
}

pub(crate) fn sweep<E: CompareAndSwap>(store: &CasStore<E>) -> usize {
    pollster::block_on(store.sweep(usize::MAX)).expect("the engine answers")
}

/// An operator who has seen the record as it is now.
pub(crate) fn operator<E: CompareAndSwap>(store: &CasStore<E>, subject: &Subject) -> Operator {
    Operator { seen: record(store, subject).seen(), by: "Zoë".into(), why: "the portal shows none".into() }
}
