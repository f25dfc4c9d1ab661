//! Many callers at one key, and engines whose answers are lost.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use idempotent::Key;
use idempotent::protocol::{Answer, Request};
use idempotent::store::{
    Blocking, BlockingCompareAndSwap, BoxFuture, CasStore, CompareAndSwap, Error, ErrorKind, Filter, Page,
    Store,
};
use idempotent_tests::engine::{Disk, Engine};

use crate::support::*;

/// How an engine answers a swap.
#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// As it is, after others had their turn.
    Late,
    /// No, although it was made: its client has asked twice.
    No,
    /// An error, although it was made.
    Error,
    /// No, and nothing is done.
    Never,
}

/// An engine that counts what is asked of it.
struct Counting {
    inner: Engine,
    says: Says,
    swaps: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
}

impl Counting {
    fn new(disk: &Disk, says: Says) -> Counting {
        Counting { inner: Engine::new(disk), says, swaps: Arc::default(), refused: Arc::default() }
    }
}

async fn let_others() {
    for _ in 0..3 {
        thread::yield_now();
        let mut waited = false;
        poll_fn(|context| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl CompareAndSwap for Counting {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move {
            let found = self.inner.load(key).await;
            if self.says == Says::Late {
                let_others().await;
            }
            found
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            self.swaps.fetch_add(1, Ordering::Relaxed);
            match self.says {
                Says::Never => return Ok(false),
                Says::Late => let_others().await,
                Says::No | Says::Error => {}
            }
            let swapped = self.inner.compare_and_swap(key, expected, new).await?;
            self.refused.fetch_add(usize::from(!swapped), Ordering::Relaxed);
            match self.says {
                Says::Error => Err(Error::new(ErrorKind::Unavailable, "the answer was lost", "ask again")),
                Says::No => Ok(false),
                Says::Late | Says::Never => Ok(swapped),
            }
        })
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        self.inner.scan(after, limit)
    }
}

/// Red when callers of one process do not take turns: their swaps spoil each other's, and they spin.
#[test]
fn callers_of_one_process_do_not_race_each_other() {
    const CALLERS: usize = 32;
    let engine = Counting::new(&Disk::default(), Says::Late);
    let (swaps, refused) = (Arc::clone(&engine.swaps), Arc::clone(&engine.refused));
    let store = CasStore::new(engine);
    let call = subject("busy");
    let held = granted(&store, &call, 1);
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| assert_eq!(ask(&store, &call, renew(held)), Answer::Ok));
        }
    });
    let (swaps, refused) = (swaps.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    assert!(refused <= CALLERS && swaps <= 2 * CALLERS + 1, "{refused} of {swaps} swaps were in vain");
}

/// Red when a move that others were faster at is lost, or the fence of one is given to two.
#[test]
fn processes_that_race_get_fences_of_their_own() {
    let disk = Disk::default();
    let stores: Vec<_> = (0..4).map(|_| CasStore::new(Engine::new(&disk))).collect();
    let call = subject("raced");
    let fences: BTreeSet<_> = thread::scope(|scope| {
        let racing: Vec<_> = stores
            .iter()
            .zip(1..)
            .map(|(store, number)| {
                let call = &call;
                scope.spawn(move || {
                    let mut fences = Vec::new();
                    while fences.len() < 25 {
                        let mut claimed = asked(number);
                        claimed.token.0[1] = fences.len() as u8;
                        match claim(store, call, claimed.clone()) {
                            Answer::Run(grant) => {
                                let mut held = held(number, &grant);
                                held.token = claimed.token;
                                fences.push(held.fence);
                                assert!(matches!(ask(store, call, free(held)), Answer::Settled(_)));
                            }
                            Answer::Busy(_) => thread::yield_now(),
                            // A claim of this token has ended: ours, at the turn before.
                            other => panic!("{other:?}"),
                        }
                    }
                    fences
                })
            })
            .collect();
        racing.into_iter().flat_map(|racing| racing.join().unwrap()).collect()
    });
    assert_eq!(fences.len(), 100);
}

/// Red when the adapter does not recognise what it wrote: an operator is told "stale" of an act that was made.
#[test]
fn a_swap_that_was_made_and_denied_is_recognised() {
    let store = CasStore::new(Counting::new(&Disk::default(), Says::No));
    let call = subject("denied");
    let held = granted(&store, &call, 1);
    assert_eq!(ask(&store, &call, mark(held)), Answer::Ok);
    assert!(matches!(ask(&store, &call, in_doubt(held, "cut off")), Answer::Settled(_)));
    let operator = operator(&store, &call);
    assert_eq!(ask(&store, &call, Request::ResolveFree { operator }), Answer::Ok);
    assert_eq!(trail(&store, &call).len(), 2, "each event once");
}

/// Red when a lost answer is taken for a yes or a no: the same claim again must get the same grant.
#[test]
fn a_swap_whose_answer_was_lost_is_found_by_its_token() {
    let disk = Disk::default();
    let lossy = CasStore::new(Counting::new(&disk, Says::Error));
    let call = subject("lost");
    let lost = pollster::block_on(lossy.apply(&call, Request::Claim(asked(1))));
    assert!(lost.unwrap_err().is_transient());
    let store = CasStore::new(Engine::new(&disk));
    let fence = record(&store, &call).fence;
    assert_eq!(granted(&store, &call, 1).fence, fence);
}

/// Red when a caller tries for ever.
#[test]
fn an_engine_that_never_swaps_ends_in_an_error() {
    let engine = Counting::new(&Disk::default(), Says::Never);
    let swaps = Arc::clone(&engine.swaps);
    let store = CasStore::new(engine);
    let error = pollster::block_on(store.apply(&subject("never"), Request::Claim(asked(1)))).unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("others were faster"), "{error}");
    assert!(swaps.load(Ordering::Relaxed) > 10);
}

/// An engine that forgets where the scan is to go on.
struct Endless(Engine);

impl CompareAndSwap for Endless {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        self.0.load(key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        self.0.compare_and_swap(key, expected, new)
    }

    fn scan<'a>(&'a self, _: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        self.0.scan(None, limit)
    }
}

/// Red when a scan that goes round in a circle is followed for ever.
#[test]
fn an_engine_whose_scan_does_not_end_is_refused() {
    let store = CasStore::new(Endless(Engine::new(&Disk::default())));
    granted(&store, &subject("one"), 1);
    let all = Filter { limit: usize::MAX, ..Filter::default() };
    let listed = pollster::block_on(store.list(&all)).unwrap_err();
    let swept = pollster::block_on(store.sweep(usize::MAX)).unwrap_err();
    assert_eq!((listed.kind(), swept.kind()), (ErrorKind::Refused, ErrorKind::Refused));
}

/// Red when one who waits for a turn and goes away takes the turn along.
#[test]
fn a_caller_who_goes_away_leaves_the_turn_to_the_next() {
    let store = CasStore::new(Counting::new(&Disk::default(), Says::Late));
    let call = subject("gone");
    let held = granted(&store, &call, 1);
    let mut context = Context::from_waker(Waker::noop());
    for polls in 0..12 {
        let mut waiting: Vec<_> = (0..5).map(|_| store.apply(&call, renew(held))).collect();
        for _ in 0..polls {
            for future in &mut waiting {
                // One that has ended is not polled again: it is as good as gone.
                if future.as_mut().poll(&mut context).is_ready() {
                    *future = store.apply(&call, renew(held));
                }
            }
        }
        drop(waiting.remove(polls % 5));
        drop(waiting);
        assert_eq!(ask(&store, &call, renew(held)), Answer::Ok);
    }
}

/// A map behind a lock, in ordinary functions, on a thread that it remembers.
struct Plain(Disk, Arc<std::sync::Mutex<BTreeSet<String>>>);

impl Plain {
    fn engine(&self) -> Engine {
        let name = thread::current().name().unwrap_or("the caller's").to_owned();
        self.1.lock().unwrap().insert(name);
        Engine::new(&self.0)
    }
}

impl BlockingCompareAndSwap for Plain {
    fn load(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        assert!(key.as_bytes()[0] != 0, "a key that this engine cannot bear");
        pollster::block_on(self.engine().load(key))
    }

    fn compare_and_swap(&self, key: &Key, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Error> {
        pollster::block_on(self.engine().compare_and_swap(key, old, new))
    }

    fn scan(&self, after: Option<&Key>, limit: usize) -> Result<Page, Error> {
        pollster::block_on(self.engine().scan(after, limit))
    }
}

/// Red when an engine that blocks runs on the thread that polls, or a synchronous caller is sent elsewhere for it.
#[test]
fn an_engine_that_blocks_runs_where_it_may() {
    let threads = Arc::default();
    let store = CasStore::new(Blocking::new(Plain(Disk::default(), Arc::clone(&threads))));
    let call = subject("blocking");
    granted(&store, &call, 1);
    let used = std::mem::take(&mut *threads.lock().unwrap());
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["idempotent-blocking"]);
    let again = store.apply_blocking(&call, Request::Claim(asked(1)));
    assert!(matches!(again, Ok(Answer::Run(_))));
    assert!(!threads.lock().unwrap().contains("idempotent-blocking"));
}

/// Red when an engine's panic ends a thread of the crate, or comes up in a caller.
#[test]
fn an_engine_that_panics_is_in_trouble_and_no_more() {
    let store = CasStore::new(Blocking::new(Plain(Disk::default(), Arc::default())));
    let mut call = subject("panics");
    Arc::make_mut(&mut call).key = Key::from_bytes([0; 32]);
    for _ in 0..40 {
        for answer in [
            pollster::block_on(store.apply(&call, Request::Claim(asked(1)))),
            store.apply_blocking(&call, Request::Claim(asked(1))),
        ] {
            let error = answer.unwrap_err();
            assert!(error.to_string().contains("cannot bear") && error.is_transient(), "{error}");
        }
    }
    granted(&store, &subject("fine"), 2);
}
