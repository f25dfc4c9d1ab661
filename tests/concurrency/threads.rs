//! One key, many threads and tasks of one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::{Error, Handle, SqliteStore, effect, idempotent};
use idempotent_tests::Ledger;
use idempotent_tests::robot::Portal;

const THREADS: usize = 8;
const TASKS: usize = 64;

struct Crowd {
    handle: Handle,
    portal: Portal,
    /// How many have begun to call.
    arrived: Arc<AtomicUsize>,
    everybody: usize,
}

impl AsRef<Handle> for Crowd {
    fn as_ref(&self) -> &Handle {
        &self.handle
    }
}

impl Crowd {
    fn book(&self, job: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.arrived.load(Ordering::SeqCst) < self.everybody {
            assert!(Instant::now() < deadline, "not everybody calls");
            thread::yield_now();
        }
        self.portal.book(job)
    }
}

#[idempotent(key = job, name = "threads.book", skip(crowd), store = crowd)]
fn book(crowd: &Crowd, job: &str) -> Result<String, Error> {
    Ok(effect!(crowd.book(job)))
}

#[idempotent(key = job, name = "threads.book_async", skip(crowd), store = crowd)]
async fn book_async(crowd: &Crowd, job: &str) -> Result<String, Error> {
    Ok(effect!(crowd.book(job)))
}

/// Two handles on one file: callers of the same handle meet in this process, those of the other in the file.
fn crowds(everybody: usize) -> (tempfile::TempDir, [Arc<Crowd>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let arrived = Arc::default();
    let crowd = || {
        let handle = Handle::new(SqliteStore::open(folder.path().join("records.db")).unwrap());
        let portal = Portal(Ledger::at(folder.path().join("ledger")));
        Arc::new(Crowd { handle, portal, arrived: Arc::clone(&arrived), everybody })
    };
    let both = [crowd(), crowd()];
    (folder, both)
}

/// Two walls stand before a second run here; red when both are gone: `slots.rs` gives every caller a turn, and
/// `protocol/claim.rs` grants a live record.
#[test]
fn s13_eight_threads_call_at_once() {
    let (_folder, [crowd, other]) = crowds(THREADS);
    let results: Vec<String> = thread::scope(|scope| {
        let calls = (0..THREADS).map(|_| {
            scope.spawn(|| {
                crowd.arrived.fetch_add(1, Ordering::SeqCst);
                book(&crowd, "a").unwrap()
            })
        });
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(crowd.portal.bookings("a").len(), 1);
    assert!(results.iter().all(|result| *result == crowd.portal.bookings("a")[0]), "{results:?}");
    assert_eq!(book(&other, "a").unwrap(), results[0]);
}

/// Red as above.
#[test]
fn s13_sixty_four_tasks_call_at_once() {
    let (_folder, [crowd, other]) = crowds(TASKS);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let results: Vec<String> = runtime.block_on(async {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let crowd = Arc::clone(&crowd);
            calls.spawn(async move {
                crowd.arrived.fetch_add(1, Ordering::SeqCst);
                book_async(&crowd, "a").await.unwrap()
            });
        }
        tokio::time::timeout(Duration::from_secs(60), calls.join_all()).await.expect("they end")
    });
    assert_eq!(results.len(), TASKS);
    assert_eq!(crowd.portal.bookings("a").len(), 1);
    assert!(results.iter().all(|result| *result == crowd.portal.bookings("a")[0]), "{results:?}");
    assert_eq!(pollster::block_on(book_async(&other, "a")).unwrap(), results[0]);
}

/// Callers of two stores in one process meet only in the file.
///
/// Red when `store/sqlite/holders.rs` takes a store for dead whose lock is held.
#[test]
fn s13_threads_of_two_stores_on_one_file() {
    let (_folder, [one, two]) = crowds(THREADS);
    let results: Vec<String> = thread::scope(|scope| {
        let call = |crowd: Arc<Crowd>| {
            scope.spawn(move || {
                crowd.arrived.fetch_add(1, Ordering::SeqCst);
                book(&crowd, "a").unwrap()
            })
        };
        let calls: Vec<_> =
            (0..THREADS).map(|index| call(Arc::clone(if index % 2 == 0 { &one } else { &two }))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(one.portal.bookings("a").len(), 1);
    assert!(results.iter().all(|result| *result == one.portal.bookings("a")[0]), "{results:?}");
}
