//! A store for each test: tests that run at the same time in one process, threads, tasks and runtimes.

use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use idempotent::testing::{Call, Fault, FaultyStore, Gate, enter, fresh, fresh_sqlite, fresh_with, within};
use idempotent::{Error, Filter, Handle, MemoryStore, Which, effect, idempotent};

static EFFECTS: AtomicU32 = AtomicU32::new(0);

/// The function under test: it names no store. Gives the number of its effect, which no other has.
#[idempotent(key = id, name = "fresh.act")]
fn act(id: &str) -> Result<u32, Error> {
    Ok(effect!(EFFECTS.fetch_add(1, Ordering::SeqCst)))
}

#[idempotent(key = id, name = "fresh.act_later")]
async fn act_later(id: &str) -> Result<u32, Error> {
    tokio::task::yield_now().await;
    Ok(effect!(EFFECTS.fetch_add(1, Ordering::SeqCst)))
}

fn records(store: &Handle) -> usize {
    store.list(&Filter::default()).wait().unwrap().len()
}

fn is_not_installed<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::NotInstalled(_)))
}

/// Red when two tests share records, or a test does not find its own.
#[test]
fn tests_at_the_same_time_do_not_see_each_other() {
    let together = Barrier::new(4);
    let found: Vec<u32> = thread::scope(|threads| {
        let tests: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    let store = fresh();
                    together.wait();
                    let first = act("same").unwrap();
                    assert_eq!(act("same").unwrap(), first, "replayed");
                    together.wait();
                    assert_eq!(records(&store), 1);
                    first
                })
            })
            .collect();
        tests.into_iter().map(|test| test.join().unwrap()).collect()
    });
    let mut different = found.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 4, "{found:?}");
}

/// Red when a store outlives its test on the thread, or the one beneath does not come back.
#[test]
fn the_store_goes_with_its_guard_whatever_the_order() {
    assert!(is_not_installed(act("a")));
    let outer = fresh();
    act("a").unwrap();
    let inner = fresh();
    assert_eq!(records(&inner), 0);
    act("a").unwrap();
    act("b").unwrap();
    assert_eq!((records(&outer), records(&inner)), (1, 2));
    drop(outer);
    act("c").unwrap();
    assert_eq!(records(&inner), 3);
    drop(inner);
    assert!(is_not_installed(act("a")));

    let outer = fresh();
    drop(fresh());
    act("a").unwrap();
    assert_eq!(records(&outer), 1);
}

/// Red when another thread has the store unasked, or does not have it when asked.
#[test]
fn another_thread_enters_the_store() {
    let store = fresh();
    let here = act("a").unwrap();
    thread::scope(|threads| {
        threads.spawn(|| {
            assert!(is_not_installed(act("a")));
            let there = enter(&store);
            assert_eq!(act("a").unwrap(), here);
            drop(there);
            assert!(is_not_installed(act("a")));
        });
    });
    let clone = Handle::clone(&store);
    let outlives = thread::spawn(move || {
        let _here = enter(&clone);
        act("a").unwrap()
    });
    assert_eq!(outlives.join().unwrap(), here);
}

/// Red when a call polled by the test's own task does not find the store.
#[tokio::test]
async fn the_test_of_a_runtime_of_one_thread() {
    let store = fresh();
    let (left, right) = tokio::join!(act_later("a"), act_later("a"));
    assert_eq!(left.unwrap(), right.unwrap());
    // A spawned task is polled by the same thread here.
    tokio::spawn(async { act_later("b").await.unwrap() }).await.unwrap();
    assert_eq!(records(&store), 2);
}

/// Red when the store is lost over an `.await`, when a task has it unasked, or does not have it when asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_of_a_runtime_of_several_threads() {
    let store = fresh();
    let here = act_later("a").await.unwrap();
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert_eq!(act_later("a").await.unwrap(), here);
    }
    assert!(is_not_installed(tokio::spawn(async { act_later("a").await }).await.unwrap()));
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn(within(&store, async {
                tokio::task::yield_now().await;
                act_later("a").await.unwrap()
            }))
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), here);
    }
    assert!(
        is_not_installed(tokio::spawn(async { act_later("a").await }).await.unwrap()),
        "no worker keeps it"
    );
    assert_eq!(records(&store), 1);
}

/// Red when calls of a second runtime in one test do not work: the store was first used on one that is gone.
#[test]
fn s78_one_store_and_two_runtimes() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = fresh();
    let first = runtime().block_on(act_later("a")).unwrap();
    assert_eq!(runtime().block_on(act_later("a")).unwrap(), first);
    runtime().block_on(act_later("b")).unwrap();
    assert_eq!(records(&store), 2);
}

/// Red when the end of a test does not wait for what its keeper holds. (With the wait it passes however long the settle
/// takes; without, it would have to take less than a list.)
#[test]
fn the_end_of_a_test_settles_what_was_dropped() {
    let slow = Fault::Delay(Duration::from_millis(200));
    let store = fresh_with(FaultyStore::new(MemoryStore::new()).on(Call::Settle.nth(1), slow));
    let watched = Handle::clone(&store);
    std::panic::catch_unwind(|| act_and_panic("a")).unwrap_err();
    drop(store);
    let in_doubt = Filter { which: Which::InDoubt, ..Filter::default() };
    assert_eq!(watched.list(&in_doubt).wait().unwrap().len(), 1);
}

#[idempotent(key = id, name = "fresh.act_and_panic")]
fn act_and_panic(id: &str) -> Result<u32, Error> {
    effect!(EFFECTS.fetch_add(1, Ordering::SeqCst));
    panic!("after the effect of {id}")
}

/// Red when `drain` waits for another store than the one that stands in.
#[test]
fn drain_means_the_tests_store() {
    let gate = Gate::new();
    let _store = fresh_with(
        FaultyStore::new(MemoryStore::new()).on(Call::Settle.nth(1), Fault::HoldRequest(gate.clone())),
    );
    std::panic::catch_unwind(|| act_and_panic("a")).unwrap_err();
    gate.reached_blocking(1);
    assert_eq!(idempotent::drain(Duration::ZERO).wait(), 1);
    gate.open();
    assert_eq!(idempotent::drain(Duration::from_secs(60)).wait(), 0);
}

/// Red when the file of a test outlives it, or is not where it says.
#[test]
fn a_file_of_its_own_goes_with_the_test() {
    let store = fresh_sqlite();
    let folder = store.folder().unwrap().to_owned();
    let first = act("a").unwrap();
    assert_eq!(act("a").unwrap(), first);
    assert!(folder.join("robot.db").exists());
    drop(store);
    assert!(!folder.exists());
    assert!(fresh().folder().is_none());
}

/// Red when a guard can be kept by what the thread drops last.
#[test]
fn a_guard_may_end_with_its_thread() {
    thread_local! {
        static KEPT: Cell<Option<idempotent::testing::Fresh>> = const { Cell::new(None) };
    }
    thread::spawn(|| {
        KEPT.set(Some(fresh()));
        act("a").unwrap();
    })
    .join()
    .unwrap();
}
