//! `kill -9` at every point of a call, and every other end without a word, in every form of the booking: enumerated,
//! printed, and held against the page that tells users what they get.
//!
//! Red when in `src`
//! - `protocol/claim.rs` writes `effect: false` in `begin` (a bare booking runs again),
//! - `protocol/holder.rs` leaves out `next.effect = true` in `mark` (a marked one runs again),
//! - `protocol/claim.rs` leaves out `next.prior = true` where it lets a check or a rerun in, or `holder.rs` frees a record
//!   whose `prior` stands (doubt is forgotten when the second process dies, too),
//! - `protocol/decide.rs` does not call the record of a dead holder doubt,
//! - `store/sqlite/holders.rs` takes a process for alive whose lock is free (nobody takes over),
//! - `operation/claim.rs` answers `Ok` without waiting for the settle (no record when it is killed), or hands the keeper
//!   anything but the outcome that it knew,
//! - `operation/run.rs` hands the keeper no `abandon` (doubt that nobody needs).

mod actor;
mod cell;
mod interrupted;
mod page;
mod picture;
mod rows;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use idempotent_tests::Scene;
use idempotent_tests::robot::{Form, Place, Stops, Task};
use indicatif::ProgressBar;

use self::cell::{Cell, Next};
use self::rows::{Act, Blow, Interruption, Row, impossible};

/// At so many cells is worked at once.
const LANES: usize = 4;

/// A table of the page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Table {
    Killed,
    KilledAgain,
    KeeperKilled,
    ActorKilled,
    Interrupted,
    InterruptedInMemory,
    KilledInMemory,
}

impl Table {
    const ALL: [Table; 7] = [
        Table::Killed,
        Table::KilledAgain,
        Table::KeeperKilled,
        Table::ActorKilled,
        Table::Interrupted,
        Table::InterruptedInMemory,
        Table::KilledInMemory,
    ];

    fn rows(self) -> &'static [Row] {
        match self {
            Table::Killed | Table::KilledInMemory => &rows::KILLED,
            Table::KilledAgain => &rows::KILLED_AGAIN,
            Table::KeeperKilled => &rows::KEEPER_KILLED,
            Table::ActorKilled => &rows::ACTOR_KILLED,
            Table::Interrupted | Table::InterruptedInMemory => &rows::INTERRUPTED,
        }
    }

    /// The store, if it is not a file.
    fn url(self) -> Option<&'static str> {
        matches!(self, Table::KilledInMemory | Table::InterruptedInMemory).then_some("memory:")
    }
}

/// Where a cell stands: its table, the number of its row, its form, and whether its function is asynchronous.
type At = (Table, usize, Form, bool);

/// Everything that was observed; `Err` says why something cannot happen.
type Observed = BTreeMap<At, Result<Cell, &'static str>>;

/// Observed once for all tests of this program.
static OBSERVED: LazyLock<Observed> = LazyLock::new(|| {
    let began = Instant::now();
    let mut ats: Vec<At> = Vec::new();
    for table in Table::ALL {
        for number in 0..table.rows().len() {
            for form in Form::ALL {
                ats.extend([false, true].map(|is_async| (table, number, form, is_async)));
            }
        }
    }
    let bar = ProgressBar::new(ats.len() as u64).with_message("cells");
    let next = AtomicUsize::new(0);
    let observed: Observed = thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            while let Some(at) = ats.get(next.fetch_add(1, Ordering::SeqCst)) {
                mine.push((*at, observe(*at)));
                bar.inc(1);
            }
            mine
        };
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(work)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    bar.finish_and_clear();
    println!("{} cells in {:.1?}", observed.len(), began.elapsed());
    observed
});

fn observe((table, number, form, is_async): At) -> Result<Cell, &'static str> {
    let row = &table.rows()[number];
    match impossible(row.blow, form, is_async) {
        Some(reason) => {
            never_comes_by(row.blow, form, is_async);
            Err(reason)
        }
        None => Ok(cell::observe(row, form, is_async, table.url())),
    }
}

/// What is said not to happen does not: the call ends without coming by that point.
fn never_comes_by(blow: Blow, form: Form, is_async: bool) {
    let (at, sent) = match blow {
        Blow::Killed(at) => (at, None),
        Blow::KilledAgain { sent, at } => (at, Some(sent)),
        Blow::KeeperKilled(..)
        | Blow::ActorKilled(..)
        | Blow::Interrupted(_)
        | Blow::InterruptedAgain { .. } => {
            return;
        }
    };
    // Whoever is refused comes by his claim, too.
    if at.ends_with("claim") {
        return;
    }
    let scene = Scene::default();
    let task = Task { is_async, ..scene.task(form, "job") };
    if let Some(sent) = sent {
        scene.start_until(&task, if sent { "sent" } else { "in the effect" }).kill();
    }
    let stopped = scene.start(&Task { stops: Stops::At(at.to_owned(), 1), ..task }).step();
    let refused = sent.is_some() && !form.checks() && !form.reruns();
    assert!(stopped.is_err() || (!refused && sent == Some(true)), "{form:?} comes by `{at}`");
}

fn all() -> impl Iterator<Item = (Table, &'static Row, Form, bool, Cell)> {
    OBSERVED.iter().filter_map(|(&(table, number, form, is_async), cell)| {
        Some((table, &table.rows()[number], form, is_async, cell.ok()?))
    })
}

/// Whether a second booking there is what somebody asked for: the user, or an operator.
fn may_be_twice(row: &Row, form: Form) -> bool {
    match row.blow {
        // "Running twice does no harm."
        _ if form == Form::Rerun => true,
        // "An error means that nothing happened."
        Blow::Interrupted(Interruption::Errs(_)) => form == Form::Released,
        // "Forget that it was done."
        Blow::ActorKilled(Act::Forget, "after act") => true,
        _ => false,
    }
}

/// Each cell in one column, counted in the portal's book and in the store's list: duplicate, in doubt, once, lost.
fn columns(cells: impl Iterator<Item = Cell>) -> [usize; 4] {
    let mut columns = [0; 4];
    for cell in cells {
        let column = match cell {
            Cell { bookings: 2.., .. } => 0,
            Cell { next: Next::InDoubt, .. } => 1,
            Cell { bookings: 1, .. } => 2,
            Cell { .. } => 3,
        };
        columns[column] += 1;
    }
    columns
}

/// No duplicate but where somebody asked for it, nothing lost, doubt only where nobody can know.
#[test]
fn s24_killed_at_every_point_in_every_form() {
    let in_file = || all().filter(|(table, ..)| *table != Table::KilledInMemory);
    for (table, row, form, _, cell) in in_file() {
        let what = format!("{table:?}, {}, {form:?}: {cell:?}", row.name);
        assert!(cell.bookings <= 1 || may_be_twice(row, form), "{what}: a silent second run");
        assert!(!form.checks() || cell.next != Next::InDoubt, "{what}: it could ask");
        assert!(!form.reruns() || cell.next != Next::InDoubt, "{what}: it may run again");
    }
    for table in Table::ALL {
        let cells = || all().filter(|(of, ..)| *of == table).map(|(.., cell)| cell);
        let [duplicate, in_doubt, once, lost] = columns(cells());
        println!("{table:?}: {duplicate} duplicate, {in_doubt} in doubt, {once} once, {lost} lost");
        assert_eq!(duplicate + in_doubt + once + lost, cells().count());
        // An error on record was not followed by a booking; its caller was told so.
        let failed = cells().filter(|cell| cell.next == Next::ReplaysErr && cell.bookings == 0).count();
        assert_eq!(lost, failed, "{table:?}");
    }
}

/// What is on record is replayed, and a marker that was not reached proves that nothing happened.
#[test]
fn s24_what_is_known_is_never_in_doubt() {
    let mut seen = [0; 2];
    for (table, row, form, _, cell) in all().filter(|(table, ..)| table.url().is_none()) {
        let what = format!("{table:?}, {}, {form:?}: {cell:?}", row.name);
        let recorded = match row.blow {
            Blow::Killed(at) | Blow::KilledAgain { at, .. } => matches!(at, "after settle" | "answered"),
            Blow::KeeperKilled(how, at) => how == Interruption::DroppedInSettle && at == "after settle",
            Blow::ActorKilled(act, at) => act == Act::Done && at == "after act",
            Blow::Interrupted(how) => how == Interruption::DroppedInSettle,
            Blow::InterruptedAgain { .. } => false,
        };
        let unmarked = match row.blow {
            Blow::Killed(at) => matches!(at, "after claim" | "before the effect" | "before mark"),
            Blow::KeeperKilled(how, _) | Blow::Interrupted(how) => matches!(
                how,
                Interruption::DroppedInClaim
                    | Interruption::Errs(Place::Before)
                    | Interruption::Panics(Place::Before)
                    | Interruption::Dropped(Place::Before)
            ),
            Blow::KilledAgain { .. } | Blow::ActorKilled(..) | Blow::InterruptedAgain { .. } => false,
        };
        if recorded {
            assert_eq!(cell.next, Next::Replays, "{what}");
        } else if unmarked && form.marks() {
            let runs = if form == Form::AsksFirst { Next::AsksAndRuns } else { Next::Runs };
            assert_eq!(cell.next, runs, "{what}");
        }
        seen = [seen[0] + usize::from(recorded), seen[1] + usize::from(unmarked && form.marks())];
    }
    assert!(seen.iter().all(|cells| *cells > 50), "{seen:?}");
}

/// What cannot happen is told with its reason, and everything else was observed.
#[test]
fn every_cell_is_observed_or_has_a_reason() {
    let mut reasons: BTreeMap<(Table, &str), usize> = BTreeMap::new();
    for (&(table, ..), cell) in OBSERVED.iter() {
        if let Err(reason) = cell {
            *reasons.entry((table, reason)).or_default() += 1;
        }
    }
    println!("cannot happen: {reasons:#?}");
    let rows: usize = Table::ALL.iter().map(|table| table.rows().len()).sum();
    assert_eq!(OBSERVED.len(), rows * Form::ALL.len() * 2);
    assert_eq!(all().count() + reasons.values().sum::<usize>(), OBSERVED.len());
}

/// It makes no difference whether a function is asynchronous, nor, while the process lives, which store it has.
#[test]
fn the_same_synchronous_or_not_and_in_both_stores() {
    for (&(table, number, form, is_async), cell) in OBSERVED.iter() {
        let row = table.rows()[number].name;
        let other = OBSERVED[&(table, number, form, !is_async)];
        if let (Ok(cell), Ok(other)) = (cell, other) {
            assert_eq!(*cell, other, "{table:?}, {row}, {form:?}: synchronous or not");
        }
        if table == Table::Interrupted {
            let in_memory = OBSERVED[&(Table::InterruptedInMemory, number, form, is_async)];
            assert_eq!(*cell, in_memory, "{row}, {form:?}, async {is_async}: in memory or not");
        }
    }
}

/// An `Err` is what `on_err` is about: a kill, a panic or a dropped future gives none.
#[test]
fn on_err_is_about_errors_only() {
    for (table, row, form, is_async, cell) in all() {
        let errs = matches!(row.blow, Blow::Interrupted(Interruption::Errs(_)));
        if matches!(form, Form::Released | Form::Stored) && !errs {
            let number = table.rows().iter().position(|other| other.name == row.name).unwrap();
            let marked = OBSERVED[&(table, number, Form::Marked, is_async)];
            assert_eq!(Ok(cell), marked, "{table:?}, {}, {form:?}", row.name);
        }
    }
}
