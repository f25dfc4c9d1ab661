//! I1: at most one claim on a key is current, whoever calls; one that was taken over is stopped at its mark, and
//! its late word is refused, or kept as evidence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::testing::{Call, FakeClock, Fault};
use idempotent::{Error, Handle, How, effect, idempotent, inspect, observe, observe_async};
use idempotent_tests::{Ledger, Terms, World, on_every_store};

use crate::latch::Latch;
use crate::{how, on_tokio, refused, sight, stranger};

/// Callers who have begun to call.
#[derive(Default)]
struct Callers(AtomicUsize);

impl Callers {
    fn arrive(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn all_of(&self, count: usize) -> bool {
        self.0.load(Ordering::SeqCst) == count
    }
}

#[idempotent(key = id, name = "holder.many", skip(handle, ledger, callers), store = handle)]
async fn many(handle: &Handle, ledger: &Ledger, callers: &Callers, id: u32) -> Result<u128, Error> {
    while !callers.all_of(72) {
        tokio::task::yield_now().await;
    }
    effect!(ledger.act("many"));
    Ok(idempotent::attempt().request_id().as_u128())
}

/// Red when two callers of a process are both granted (slots.rs and protocol/claim.rs, `Status::Live`), or when a
/// waiter runs again instead of taking the ending.
fn s13_64_tasks_and_8_threads_are_one_run(world: &World) {
    let callers = Arc::new(Callers::default());
    let (handle, ledger) = (world.handle.clone(), world.ledger.clone());
    let results = on_tokio(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (handle, ledger, callers) = (handle.clone(), ledger.clone(), Arc::clone(&callers));
            tasks.spawn(async move {
                callers.arrive();
                observe_async(many(&handle, &ledger, &callers, 1)).await
            });
        }
        // Threads of their own, without a runtime, and not of the same handle: they wait on the store.
        for _ in 0..8 {
            let (handle, ledger, callers) = (stranger(world), ledger.clone(), Arc::clone(&callers));
            tasks.spawn_blocking(move || {
                callers.arrive();
                let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
                single.block_on(observe_async(many(&handle, &ledger, &callers, 1)))
            });
        }
        tasks.join_all().await
    });
    assert_eq!(world.ledger.lines(), ["many"]);
    assert_eq!(results.len(), 72);
    let executed = results.iter().filter(|seen| how(seen) == How::Executed).count();
    assert_eq!(executed, 1);
    let first = *results[0].result.as_ref().unwrap();
    assert!(results.iter().all(|seen| *seen.result.as_ref().unwrap() == first));
}

#[idempotent(key = id, name = "holder.slow", skip(world, handle, latch), store = handle)]
fn slow(world: &World, handle: &Handle, id: u32, latch: &Latch) -> Result<String, Error> {
    latch.pass();
    effect!(world.ledger.act(&format!("slow {id}")));
    latch.pass();
    Ok(format!("done {id}"))
}

#[idempotent(key = id, name = "holder.impatient", skip(world, handle, latch), store = handle, wait = "0s")]
fn impatient(world: &World, handle: &Handle, id: u32, latch: &Latch) -> Result<String, Error> {
    effect!(world.ledger.act(&format!("impatient {id}")));
    latch.pass();
    Ok(format!("done {id}"))
}

/// Red when a waiter of another process looks only once, or when the settle rings no bell and it gives up.
fn s15_a_waiter_gets_the_result_of_a_slow_holder(world: &World) {
    let latch = Latch::default();
    let other = stranger(world);
    thread::scope(|scope| {
        let holder = scope.spawn(|| observe(|| slow(world, &world.handle, 1, &latch)));
        latch.reached(1);
        let near = scope.spawn(|| observe(|| slow(world, &world.handle, 1, &latch)));
        let far = scope.spawn(|| observe(|| slow(world, &other, 1, &latch)));
        while world.faults.count(Call::Claim) < 2 {
            thread::yield_now();
        }
        latch.open();
        let [holder, near, far] = [holder, near, far].map(|call| call.join().unwrap());
        assert_eq!(how(&holder), How::Executed);
        // Either may have come too late to wait: the far one's claim is counted before the store looks at it.
        assert!([&near, &far].iter().all(|seen| matches!(how(seen), How::Waited | How::Replayed)));
        assert!([holder, near, far].iter().all(|seen| seen.result.as_ref().unwrap() == "done 1"));
    });
    assert_eq!(world.ledger.lines(), ["slow 1"]);
}

/// Red when `wait` is not asked before waiting (operation/run.rs, `Busy`), in this process and from another.
fn s15_with_no_wait_a_call_is_told_at_once_when_to_come_back(world: &World) {
    let latch = Latch::default();
    let other = stranger(world);
    thread::scope(|scope| {
        let holder = scope.spawn(|| impatient(world, &world.handle, 1, &latch));
        latch.reached(1);
        for handle in [&world.handle, &other] {
            let error = refused(impatient(world, handle, 1, &latch));
            let Error::InProgress(error) = &error else { panic!("in progress, not {error}") };
            assert!(!error.retry_in.is_zero() && error.retry_in <= Duration::from_secs(15), "{error:?}");
            assert!(!error.by_itself);
            assert!(error.holder.is_some() || world.handle.store().lease().is_deadline, "{error:?}");
        }
        assert!(!holder.is_finished(), "nobody has waited for the holder");
        latch.open();
        assert_eq!(holder.join().unwrap().unwrap(), "done 1");
    });
    assert_eq!(world.ledger.lines(), ["impatient 1"]);
}

/// Red when the keeper renews nothing (keeper/mod.rs, `Renewal`): on the memory store the lease then decides.
fn s16_a_body_longer_than_its_lease_keeps_it(world: &World) {
    let lease = Duration::from_millis(150);
    let world = &world.on(&Terms { lease, ..Terms::default() });
    let latch = Latch::default();
    let other = stranger(world);
    thread::scope(|scope| {
        let began = Instant::now();
        let holder = scope.spawn(|| impatient(world, &world.handle, 1, &latch));
        latch.reached(1);
        while began.elapsed() < lease * 2 || world.faults.count(Call::Renew) < 4 {
            let error = refused(impatient(world, &other, 1, &latch));
            assert_eq!(error.code(), "in_progress", "{error}");
            thread::yield_now();
        }
        latch.open();
        assert_eq!(holder.join().unwrap().unwrap(), "done 1");
    });
    assert_eq!(world.ledger.lines(), ["impatient 1"]);
}

/// A world in which this process holds claims that nobody renews, on a clock of the test's own.
fn without_renewals(world: &World) -> (World, FakeClock) {
    let clock = FakeClock::new();
    let world = world.on(&Terms { clock: Arc::new(clock.clone()), ..Terms::default() });
    world.faults.on(Call::Renew.always(), Fault::RequestLost);
    (world, clock)
}

#[idempotent(key = id, name = "holder.rerun", skip(world, handle, latch), store = handle, rerun, wait = "0s")]
fn again(world: &World, handle: &Handle, id: u32, latch: Option<&Latch>) -> Result<usize, Error> {
    if let Some(latch) = latch {
        effect!(world.ledger.act("paused"));
        latch.pass();
        return Ok(1);
    }
    effect!(world.ledger.act("other"));
    Ok(2)
}

/// Takes the key from a holder that is paused: by time where the lease decides; elsewhere the holder is seen
/// alive, and only an operator can.
fn take_over(
    world: &World,
    clock: &FakeClock,
    key: &idempotent::Key,
    call: impl Fn() -> Result<usize, Error>,
) {
    clock.advance(Duration::from_secs(16));
    if !world.handle.store().lease().is_deadline {
        let error = refused(call());
        assert!(matches!(&error, Error::InProgress(held) if held.holder.is_some()), "{error}");
        world.handle.operator("ada", "it hangs").revoke(key, sight(world, key)).wait().unwrap();
    }
    assert_eq!(call().unwrap(), 2);
}

/// Red when a settle is accepted from a token that is not the owner's (protocol/holder.rs `column`).
fn s17_a_paused_holders_late_settle_is_fenced_and_kept_as_evidence(world: &World) {
    let (world, clock) = without_renewals(world);
    let (world, latch, other) = (&world, Latch::default(), stranger(&world));
    let key = inspect(|| again(world, &world.handle, 1, None)).unwrap();
    thread::scope(|scope| {
        let paused = scope.spawn(|| observe(|| again(world, &world.handle, 1, Some(&latch))));
        latch.reached(1);
        take_over(world, &clock, &key, || again(world, &other, 1, None));
        latch.open();
        let paused = paused.join().unwrap();
        assert_eq!(how(&paused), How::Refused);
        let error = refused(paused.result);
        let Error::LeaseLost(lost) = &error else { panic!("lease lost, not {error}") };
        assert!(lost.effect_begun && error.is_retryable());
        assert_eq!(lost.unrecorded.as_deref(), Some("1"), "the error carries what could not be recorded");
    });
    assert_eq!(again(world, &world.handle, 1, None).unwrap(), 2, "the stored result is the other's");
    let trail = world.handle.show(&key).wait().unwrap().trail;
    let late = trail.iter().find(|line| &*line.what == "late_evidence").expect("the late word is kept");
    assert!(late.why.as_deref().unwrap().contains("ended with 1"), "{late:?}");
    assert_eq!(world.ledger.lines(), ["paused", "other"], "rerun said that this does no harm");
}

#[idempotent(key = id, name = "holder.marks", skip(world, handle, latch), store = handle, wait = "0s")]
fn marks(world: &World, handle: &Handle, id: u32, latch: Option<&Latch>) -> Result<usize, Error> {
    if let Some(latch) = latch {
        latch.pass();
    }
    effect!(world.ledger.act("marked"));
    Ok(2)
}

/// Red when a mark is accepted from a claim that was taken over (protocol/holder.rs `mark`), or when `effect!`
/// evaluates its expression although the mark was refused.
fn s55_a_holder_that_was_taken_over_is_stopped_at_its_mark(world: &World) {
    let (world, clock) = without_renewals(world);
    let (world, latch, other) = (&world, Latch::default(), stranger(&world));
    let key = inspect(|| marks(world, &world.handle, 1, None)).unwrap();
    thread::scope(|scope| {
        let paused = scope.spawn(|| marks(world, &world.handle, 1, Some(&latch)));
        latch.reached(1);
        take_over(world, &clock, &key, || marks(world, &other, 1, None));
        latch.open();
        let error = refused(paused.join().unwrap());
        assert!(matches!(&error, Error::LeaseLost(lost) if !lost.effect_begun), "{error}");
    });
    assert_eq!(marks(world, &world.handle, 1, None).unwrap(), 2);
    assert_eq!(world.ledger.lines(), ["marked"]);
}

/// Red when calls of different keys share a slot, or the store holds a lock while a body runs.
fn s18_different_keys_never_wait_on_each_other(world: &World) {
    let latch = Latch::default();
    let free = Latch::default();
    free.open();
    thread::scope(|scope| {
        let holder = scope.spawn(|| slow(world, &world.handle, 0, &latch));
        latch.reached(1);
        for id in 1..=64 {
            assert_eq!(slow(world, &world.handle, id, &free).unwrap(), format!("done {id}"));
        }
        assert!(!holder.is_finished());
        latch.open();
        assert_eq!(holder.join().unwrap().unwrap(), "done 0");
    });
    assert_eq!(world.ledger.lines().len(), 65);
}

#[idempotent(key = id, name = "holder.recursive", skip(world, depth), store = world.handle)]
fn recursive(world: &World, id: u32, depth: u32) -> Result<u32, Error> {
    world.ledger.act("entered");
    if depth > 0 { between(world, id, depth - 1) } else { Ok(id) }
}

#[idempotent(key = id, name = "holder.between", skip(world, depth), store = world.handle)]
fn between(world: &World, id: u32, depth: u32) -> Result<u32, Error> {
    recursive(world, id, depth)
}

#[idempotent(key = id, name = "holder.recursive_async", skip(world), store = world.handle)]
async fn recursive_async(world: &World, id: u32) -> Result<u32, Error> {
    tokio::task::yield_now().await;
    world.ledger.act("entered");
    Box::pin(recursive_async(world, id)).await
}

/// Red when `attempt::holds` says no: the call then waits a minute for itself.
fn s19_a_body_that_calls_itself_with_its_key_is_told_so(world: &World) {
    for error in [refused(recursive(world, 1, 5)), refused(on_tokio(recursive_async(world, 1)))] {
        assert!(matches!(&error, Error::InProgress(held) if held.by_itself), "{error}");
        assert!(error.to_string().contains("calls itself"), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(world.ledger.lines(), ["entered", "entered"]);
}

on_every_store!(
    s13_64_tasks_and_8_threads_are_one_run,
    s15_a_waiter_gets_the_result_of_a_slow_holder,
    s15_with_no_wait_a_call_is_told_at_once_when_to_come_back,
    s16_a_body_longer_than_its_lease_keeps_it,
    s17_a_paused_holders_late_settle_is_fenced_and_kept_as_evidence,
    s18_different_keys_never_wait_on_each_other,
    s19_a_body_that_calls_itself_with_its_key_is_told_so,
    s55_a_holder_that_was_taken_over_is_stopped_at_its_mark,
);
