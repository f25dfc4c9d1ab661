//! `kill -9` at each numbered point of a call, in every form of the booking.
//!
//! Red when in `src`
//! - `protocol/claim.rs` writes `effect: false` in `begin` (a bare booking runs again),
//! - `protocol/holder.rs` leaves out `next.effect = true` in `mark` (a marked one runs again),
//! - `protocol/decide.rs` does not call the record of a dead holder doubt,
//! - `store/sqlite/holders.rs` takes a process for alive whose lock is free (nobody takes over),
//! - `operation/claim.rs` answers `Ok` without waiting for the settle (no record when it is killed).

use idempotent::Which;
use idempotent_tests::Scene;
use idempotent_tests::robot::{Form, Task};

/// What the retry must come to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Expected {
    /// The booking, made exactly once.
    Booked,
    /// Doubt: nobody can know.
    Doubt,
}

/// The points of a call in their order, and whether the booking has been made there.
const POINTS: [(&str, bool); 9] = [
    ("before claim", false),
    ("after claim", false),
    ("before the effect", false),
    ("before mark", false),
    ("after mark", false),
    ("in the effect", false),
    ("after the effect", true),
    ("before settle", true),
    ("after settle", true),
];

fn expected(form: Form, point: &str) -> Expected {
    let certain = match point {
        "before claim" | "after settle" => true,
        "after claim" | "before the effect" | "before mark" => form.marks(),
        _ => false,
    };
    if certain || form.checks() { Expected::Booked } else { Expected::Doubt }
}

fn killed_at_every_point(is_async: bool) {
    let scene = Scene::default();
    let mut rows = Vec::new();
    for form in Form::ALL {
        for (point, acted) in POINTS {
            if point.ends_with("mark") && !form.marks() {
                continue;
            }
            let job = format!("{form:?} {point}");
            let task = Task { is_async, ..scene.task(form, &job) };
            scene.start_until(&task, point).kill();
            assert_eq!(scene.portal.bookings(&job).len(), usize::from(acted), "{job}: before the retry");

            let told = scene.call(&task);
            let bookings = scene.portal.bookings(&job);
            match expected(form, point) {
                Expected::Booked => {
                    assert_eq!(bookings.len(), 1, "{job}: {told:?}");
                    assert_eq!(told.confirmation(), bookings[0], "{job}");
                }
                Expected::Doubt => {
                    assert_eq!(told.code, "in_doubt", "{job}: {told:?}");
                    assert_eq!(bookings.len(), usize::from(acted), "{job}: run again in silence");
                }
            }
            rows.push((job, told));
        }
    }
    assert_eq!(rows.len(), 2 * POINTS.len() + 2 * (POINTS.len() - 2));

    // What is in doubt, and only that, is listed.
    let mut listed = scene.jobs(&scene.handle(), Which::InDoubt);
    let doubtful = rows.into_iter().filter(|(_, told)| told.code == "in_doubt");
    let mut doubtful: Vec<String> = doubtful.map(|(job, _)| job).collect();
    listed.sort();
    doubtful.sort();
    assert_eq!(listed, doubtful);
}

#[test]
fn s24_a_robot_is_killed_at_every_point() {
    killed_at_every_point(false);
}

#[test]
fn s24_an_asynchronous_robot_is_killed_at_every_point() {
    killed_at_every_point(true);
}
