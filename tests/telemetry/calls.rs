//! Calls that end in every way, each of an operation of its own.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Waker};

use idempotent::protocol::{State, Value};
use idempotent::testing::{Call, Fault};
use idempotent::{Error, Operation};
use idempotent_tests::World;

/// What became of a call: its record, how often its body ran, and what the last caller got.
#[derive(Debug, PartialEq)]
pub(crate) struct Became {
    pub(crate) way: &'static str,
    pub(crate) state: Option<State>,
    pub(crate) doubt: bool,
    pub(crate) attempt: u32,
    pub(crate) value: Option<Value>,
    pub(crate) last_error: Option<String>,
    pub(crate) runs: u32,
    pub(crate) answer: String,
    pub(crate) operation: String,
}

type Way = fn(&World, &'static Operation, &AtomicU32) -> String;

/// Every way in which a call can end here.
pub(crate) const WAYS: &[(&str, Way)] = &[
    ("works", works),
    ("works_unmarked", works_unmarked),
    ("works_asynchronously", works_asynchronously),
    ("fails_before", fails_before),
    ("fails_after", fails_after),
    ("panics_after", panics_after),
    ("dropped_after", dropped_after),
    ("dropped_before", dropped_before),
    ("replayed", replayed),
    ("in_doubt", in_doubt),
    ("recovered", recovered),
    ("checked_and_run", checked_and_run),
    ("check_cannot_tell", check_cannot_tell),
    ("settle_fails_for_a_while", settle_fails_for_a_while),
    ("resolved", resolved),
];

/// Does them all under names that begin with `prefix`.
pub(crate) fn all(world: &World, prefix: &str) -> Vec<Became> {
    WAYS.iter().map(|(way, call)| one(world, prefix, way, *call)).collect()
}

/// Names are given once: two worlds must not share an operation.
fn one(world: &World, prefix: &str, way: &'static str, call: Way) -> Became {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("{prefix}.{way}.{}", NEXT.fetch_add(1, Ordering::Relaxed)).leak();
    let operation = Operation::new(name).check_after_micros(0);
    let operation = if way.contains("unmarked") { operation } else { operation.marker() };
    let runs = AtomicU32::new(0);
    let answer = call(world, Box::leak(Box::new(operation)), &runs);
    world.drain();
    let filter = idempotent::Filter { operation: Some((&*name).into()), ..Default::default() };
    let entry = world.handle.list(&filter).wait().unwrap().pop();
    let record = entry.map(|entry| entry.record.unwrap());
    Became {
        way,
        state: record.as_ref().map(|record| record.state),
        doubt: record.as_ref().is_some_and(idempotent::protocol::Record::doubt),
        attempt: record.as_ref().map_or(0, |record| record.attempt),
        value: record.as_ref().and_then(|record| record.value.clone()),
        last_error: record.and_then(|record| record.last_error).map(|text| text.to_string()),
        runs: runs.load(Ordering::Relaxed),
        answer,
        operation: name.to_owned(),
    }
}

type Out = Result<u32, Error>;

fn call(world: &World, operation: &'static Operation) -> idempotent::Call<Out> {
    operation.call().key("id", &1).store(&world.handle).returns::<Out>()
}

fn refused() -> Error {
    match idempotent::inspect(|| ()) {
        Err(error) => error,
        Ok(_) => unreachable!("nothing was called"),
    }
}

fn said(out: &Out) -> String {
    match out {
        Ok(value) => value.to_string(),
        Err(error) => error.code().to_owned(),
    }
}

fn run(
    world: &World,
    operation: &'static Operation,
    runs: &AtomicU32,
    body: impl FnOnce(&idempotent::Claim<Out>) -> Out,
) -> String {
    said(&call(world, operation).run_blocking(|claim| {
        runs.fetch_add(1, Ordering::Relaxed);
        body(claim)
    }))
}

fn works(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    run(world, operation, runs, |claim| {
        claim.mark_blocking()?;
        Ok(7)
    })
}

fn works_unmarked(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    run(world, operation, runs, |_| Ok(7))
}

fn works_asynchronously(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    let out = pollster::block_on(call(world, operation).run(async |claim| {
        runs.fetch_add(1, Ordering::Relaxed);
        claim.mark().await?;
        Ok(7)
    }));
    said(&out)
}

fn fails_before(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    run(world, operation, runs, |_| Err(refused()))
}

fn fails_after(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    run(world, operation, runs, |claim| {
        claim.mark_blocking()?;
        Err(refused())
    })
}

fn panics_after(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    let call = AssertUnwindSafe(|| {
        run(world, operation, runs, |claim| {
            claim.mark_blocking().unwrap();
            std::panic::resume_unwind(Box::new("the body's own"))
        })
    });
    match catch_unwind(call) {
        Ok(answer) => answer,
        Err(payload) => payload.downcast_ref::<&str>().map_or("another panic", |text| text).to_owned(),
    }
}

fn dropped(world: &World, operation: &'static Operation, runs: &AtomicU32, marks: bool) -> String {
    let future = call(world, operation).run(async |claim| {
        if marks {
            claim.mark().await?;
        }
        runs.fetch_add(1, Ordering::Relaxed);
        pending::<Out>().await
    });
    let mut future = pin!(future);
    while runs.load(Ordering::Relaxed) == 0 {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::thread::yield_now();
    }
    "dropped".to_owned()
}

fn dropped_after(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    dropped(world, operation, runs, true)
}

fn dropped_before(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    dropped(world, operation, runs, false)
}

fn replayed(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    works(world, operation, runs);
    works(world, operation, runs)
}

fn in_doubt(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    fails_after(world, operation, runs);
    works(world, operation, runs)
}

fn checks(
    world: &World,
    operation: &'static Operation,
    runs: &AtomicU32,
    answer: Result<Option<u32>, &str>,
) -> String {
    fails_after(world, operation, runs);
    let out = call(world, operation).run_or_check_blocking(
        || answer,
        |claim| {
            runs.fetch_add(1, Ordering::Relaxed);
            claim.mark_blocking()?;
            Ok(9)
        },
    );
    said(&out)
}

fn recovered(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    checks(world, operation, runs, Ok(Some(8)))
}

fn checked_and_run(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    checks(world, operation, runs, Ok(None))
}

fn check_cannot_tell(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    checks(world, operation, runs, Err("the portal is down"))
}

fn settle_fails_for_a_while(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    world.faults.on(Call::Settle.first(6), Fault::RequestLost);
    works(world, operation, runs)
}

fn resolved(world: &World, operation: &'static Operation, runs: &AtomicU32) -> String {
    fails_after(world, operation, runs);
    let entry =
        world.in_doubt().into_iter().find(|entry| *entry.subject.operation == *operation.name()).unwrap();
    let seen = entry.record.unwrap().seen();
    let ada = world.handle.operator("ada", "looked it up");
    ada.resolve_done(&entry.subject.key, seen, &11).wait().unwrap();
    works(world, operation, runs)
}
