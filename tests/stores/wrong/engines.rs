//! Engines under the compare-and-swap adapter that are each wrong in one way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use idempotent::Key;
use idempotent::protocol::{Liveness, Micros, Process};
use idempotent::store::{BoxFuture, CasStore, CompareAndSwap, Error, Page};
use idempotent::testing::{Bench, FakeClock};
use idempotent_tests::engine::{Disk, Engine};

macro_rules! wrong {
    ($($(#[$doc:meta])* $name:ident => $($case:ident),+;)*) => {
        /// What is wrong with an engine.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Wrong {
            $($(#[$doc])* $name,)*
        }

        /// Every wrong engine, with the cases that are meant for it.
        pub(crate) const ALL: &[(Wrong, &[&str])] = &[$((Wrong::$name, &[$(stringify!($case)),+])),*];
    };
}

wrong! {
    /// Swaps whatever lies there.
    IgnoresExpected => i1_eight_threads_one_run, i5_racing_operators_lose_no_correction;
    /// Looks only whether something lies there.
    ComparesPresence => i5_racing_operators_lose_no_correction;
    /// Says that it has swapped although something else lay there.
    SaysYesToAll => i1_eight_threads_one_run;
    /// Loses each second swap, and says that it was made.
    LosesWrites => i2_result_is_replayed, i4_mark_is_in_the_record;
    /// Shows what lay there before the last swap.
    LoadsThePast => i2_result_is_replayed, i5_freed_key_runs_again;
    /// Finds nothing under a key whose bytes it cannot read.
    LoadsNothing => i1_second_claim_is_busy_and_says_with_whom;
    /// Keeps no more than 64 KiB.
    CutsBytes => i2_a_mebibyte_comes_back;
    /// Takes near keys for one.
    MixesKeys => i7_keys_that_differ_in_one_bit_are_apart;
    /// Loses all when it is closed.
    ForgetsWhenReopened => i3_endings_survive_reopening;
    /// Leaves out each second entry.
    ScanSkips => i5_list_pages_in_key_order, i5_list_shows_derived_doubt;
    /// Gives entries in another order.
    ScanInDisorder => i5_list_pages_in_key_order;
    /// Begins at the beginning each time.
    ScanIgnoresAfter => i5_list_pages_in_key_order;
    /// Gives the last key of the page before once more.
    ScanRepeats => i5_list_pages_in_key_order;
    /// Gives one page and no more.
    ScanStops => i5_list_pages_in_key_order;
    /// Its clock stands.
    ClockStands => i10_holder_lives_as_long_as_the_store_says;
    /// Its clock goes back.
    ClockGoesBack => i4_quiet_time_ends;
    /// Takes all holders for alive.
    NobodyDies => i4_death_before_the_marker_runs_again, i5_list_shows_derived_doubt;
    /// Takes all holders for dead.
    NobodyLives => i10_fresh_claim_is_alive, i1_doubt_policies_do_not_touch_a_live_holder;
    /// Wakes nobody.
    WakesNobody => i5_changed_wakes_when_the_attempt_ends;
}

/// An engine that is right but for one thing.
struct WrongEngine {
    inner: Engine,
    wrong: Option<Wrong>,
    past: Arc<Mutex<BTreeMap<Key, Past>>>,
    clock: FakeClock,
    began: Micros,
}

/// What there was under a key before the last swap, and how many swaps there were.
#[derive(Default)]
struct Past {
    before: Option<Vec<u8>>,
    swaps: usize,
}

/// A bench with everything, and an adapter around an engine that is wrong in this way.
pub(crate) fn bench(wrong: Option<Wrong>) -> Bench {
    let (disk, clock, past) = (Disk::default(), FakeClock::new(), Arc::default());
    let (spoiled, at) = (disk.clone(), clock.clone());
    let open = move || {
        use idempotent::Clock;
        let disk = if wrong == Some(Wrong::ForgetsWhenReopened) { Disk::default() } else { disk.clone() };
        let mut inner = Engine::new(&disk).clock(&at);
        if wrong != Some(Wrong::WakesNobody) {
            inner = inner.watching();
        }
        if matches!(wrong, Some(Wrong::NobodyDies | Wrong::NobodyLives)) {
            inner = inner.seen_alive();
        }
        let (began, clock) = (at.wall(), at.clone());
        CasStore::new(WrongEngine { inner, wrong, past: Arc::clone(&past), clock, began })
    };
    Bench::new(open())
        .reopen(open)
        .advance(move |by| clock.advance(by))
        .corrupt(move |key| spoiled.spoil(key))
}

impl WrongEngine {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    fn key(&self, key: &Key) -> Key {
        let mut bytes = *key.as_bytes();
        if self.is(Wrong::MixesKeys) {
            bytes[31] = 0;
        }
        Key::from_bytes(bytes)
    }

    fn past<T>(&self, key: &Key, act: impl FnOnce(&mut Past) -> T) -> T {
        act(self.past.lock().unwrap_or_else(PoisonError::into_inner).entry(*key).or_default())
    }
}

impl CompareAndSwap for WrongEngine {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move {
            let key = self.key(key);
            let found = self.inner.load(&key).await?;
            if matches!(
                self.wrong,
                Some(Wrong::IgnoresExpected | Wrong::ComparesPresence | Wrong::SaysYesToAll)
            ) {
                // Long enough for all that race to have looked before the first of them swaps.
                thread::sleep(Duration::from_millis(2));
            }
            Ok(match self.wrong {
                Some(Wrong::LoadsThePast) => self.past(&key, |past| past.before.clone()),
                Some(Wrong::LoadsNothing) => None,
                Some(Wrong::CutsBytes) => found.map(|mut bytes| {
                    bytes.truncate(1 << 16);
                    bytes
                }),
                _ => found,
            })
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<&'a [u8]>,
        new: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let key = self.key(key);
            let there = self.inner.load(&key).await?;
            let expected = match self.wrong {
                Some(Wrong::IgnoresExpected) => there.as_deref(),
                Some(Wrong::ComparesPresence) if there.is_some() && expected.is_some() => there.as_deref(),
                _ => expected,
            };
            let swaps = self.past(&key, |past| {
                past.before.clone_from(&there);
                past.swaps += 1;
                past.swaps
            });
            if self.is(Wrong::LosesWrites) && swaps.is_multiple_of(2) {
                return Ok(true);
            }
            let swapped = self.inner.compare_and_swap(&key, expected, new).await?;
            Ok(swapped || self.is(Wrong::SaysYesToAll))
        })
    }

    fn scan<'a>(&'a self, after: Option<&'a Key>, limit: usize) -> BoxFuture<'a, Result<Page, Error>> {
        Box::pin(async move {
            let mut page = match self.wrong {
                Some(Wrong::ScanIgnoresAfter) => self.inner.scan(None, limit).await?,
                _ => self.inner.scan(after, limit).await?,
            };
            match (self.wrong, after) {
                (Some(Wrong::ScanSkips), _) => {
                    let mut kept = false;
                    page.retain(|_| {
                        kept = !kept;
                        kept
                    });
                }
                (Some(Wrong::ScanInDisorder), _) => page.reverse(),
                (Some(Wrong::ScanStops), Some(_)) => page.clear(),
                (Some(Wrong::ScanRepeats), Some(after)) => {
                    if let Some(bytes) = self.inner.load(after).await? {
                        page.insert(0, (*after, bytes));
                    }
                }
                _ => {}
            }
            Ok(page)
        })
    }

    fn now(&self) -> Option<BoxFuture<'_, Result<Micros, Error>>> {
        use idempotent::Clock;
        let passed = self.clock.wall() - self.began;
        let now = match self.wrong {
            Some(Wrong::ClockStands) => self.began,
            Some(Wrong::ClockGoesBack) => self.began - passed,
            _ => self.clock.wall(),
        };
        Some(Box::pin(async move { Ok(now) }))
    }

    fn holder(&self, lease: Duration) -> Option<BoxFuture<'_, Result<Process, Error>>> {
        self.inner.holder(lease)
    }

    fn holder_alive(&self, holder: Process) -> BoxFuture<'_, Result<Liveness, Error>> {
        Box::pin(async move {
            match self.wrong {
                Some(Wrong::NobodyDies) => Ok(Liveness::Alive),
                Some(Wrong::NobodyLives) => Ok(Liveness::Dead),
                _ => self.inner.holder_alive(holder).await,
            }
        })
    }

    fn death_is_final(&self) -> bool {
        self.inner.death_is_final()
    }

    fn watch<'a>(&'a self, key: &'a Key, seen: Option<&'a [u8]>) -> Option<BoxFuture<'a, ()>> {
        if self.is(Wrong::WakesNobody) {
            return Some(Box::pin(std::future::pending()));
        }
        self.inner.watch(key, seen)
    }
}
