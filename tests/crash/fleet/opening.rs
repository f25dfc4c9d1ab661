//! Processes are killed while they make the file, read the log that a dead one has left, and close.

use std::collections::BTreeMap;
use std::time::Duration;

use idempotent_tests::robot::{Form, Stops, Task};
use idempotent_tests::{Child, Scene};
use indicatif::ProgressBar;

use super::lanes::{self, Dice};
use super::locks::Busy;
use super::{integrity, seed};

/// So many files, and so many kills in each of the three phases of a file.
const FILES: usize = 10;
const KILLS: usize = 6;
/// How long after a point a process may live.
const MOST: Duration = Duration::from_millis(4);
/// So many jobs fill the log before it is to be read.
const FILL: u64 = 60;

/// What a process of a phase comes by, what it is to be caught at then, and what that is called.
const PHASES: [(&str, Busy, &str); 3] = [
    ("opens", Busy::HasTheFile, "making the file"),
    ("opens", Busy::Recovers, "reading a log"),
    ("answered", Busy::HasTheFile, "closing the file"),
];

/// A robot that has come by `point`, and goes on.
fn passes(scene: &Scene, task: &Task, point: &str) -> Child {
    let stops = Stops::At(point.to_owned(), 1);
    let mut child = scene.start(&Task { stops, ..task.clone() });
    child.until(point);
    child.go_on();
    child
}

/// Alone with its file, each process finds what its predecessor has left: half a file, half its tables, a log that
/// nobody has copied back. Those that live long enough book.
///
/// Red when `store/sqlite/schema.rs` makes the tables outside of a transaction.
#[test]
fn killed_while_they_open_and_close() {
    let mut dice = Dice::new(seed());
    let mut kills: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let bar =
        ProgressBar::new((FILES * KILLS * PHASES.len()) as u64).with_message("kills in opening and closing");
    for file in 0.. {
        // At the latest then somebody has been caught at each.
        let caught = PHASES.iter().all(|phase| kills.get(phase.2).is_some_and(|kills| kills[0] > 0));
        if file >= FILES && (caught || file > 10 * FILES || cfg!(not(target_os = "linux"))) {
            break;
        }
        let scene = Scene::default();
        let database = scene.folder().join("records.db");
        for (phase, (point, busy, what)) in PHASES.into_iter().enumerate() {
            if phase == 1 {
                lanes::fill(&scene, FILL);
            }
            for number in 0..KILLS {
                let child = passes(&scene, &scene.task(Form::Marked, &format!("{phase} {number}")), point);
                let caught = dice.below(3) > 0 && busy.catch(&child, &database, MOST * 5);
                if !caught {
                    dice.sleep(MOST);
                }
                child.kill();
                kills.entry(what).or_default()[usize::from(!caught)] += 1;
                bar.inc(1);
            }
            assert_eq!(integrity(&scene), "ok");
        }
        for (phase, number) in
            (0..PHASES.len()).flat_map(|phase| (0..KILLS).map(move |number| (phase, number)))
        {
            let job = format!("{phase} {number}");
            let told = scene.call(&scene.task(Form::Marked, &job));
            let booked = scene.portal.bookings(&job);
            match &*told.code {
                "ok" => assert_eq!(booked, [told.text]),
                code => assert_eq!((code, booked.len() <= 1), ("in_doubt", true), "{told:?}"),
            }
        }
    }
    bar.finish_and_clear();
    println!("killed while they were at it, and shortly before or after: {kills:?}");
    #[cfg(target_os = "linux")]
    assert!(kills.values().all(|kills| kills[0] > 0), "{kills:?}");
}
