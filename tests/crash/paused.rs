//! Robots that are stopped, or hang, while others want their key.

use std::thread;
use std::time::{Duration, Instant};

use idempotent::protocol::{Micros, State, Status};
use idempotent_tests::robot::{Form, Task, Told};
use idempotent_tests::{Child, Scene, sight};

/// So far are the clocks of a robot ahead that would take over whatever has lapsed.
const HOUR: Micros = 3_600_000_000;

/// Wakes a stopped robot and lets it go on: what its call comes to.
fn wake(mut child: Child) -> Told {
    child.wake();
    child.go_on();
    Told::read(&child.result())
}

/// A robot that does not wait and believes that an hour has passed.
fn look(scene: &Scene, task: &Task) -> Told {
    scene.call(&Task { hasty: true, ahead: HOUR, ..task.clone() })
}

/// Red when `store/sqlite/holders.rs` lets the lease decide about a process whose lock is held, or `named` does
/// not find its process id.
#[test]
fn s55_a_robot_stopped_before_its_marker_is_not_taken_over() {
    for is_async in [false, true] {
        let scene = Scene::default();
        let task = Task { is_async, ..scene.task(Form::Marked, "a") };
        let child = scene.start_until(&task, "before mark");
        child.stop();

        let told = look(&scene, &task);
        assert_eq!(told.code, "in_progress", "{told:?}");
        assert!(told.text.contains(&format!("process {} ", child.id())), "{told:?}");
        assert_eq!(scene.entry(&scene.handle(), "a").status, Status::Live);

        let told = wake(child);
        assert_eq!(scene.portal.bookings("a"), [told.confirmation()]);
        assert_eq!(scene.call(&task).confirmation(), told.text);
        assert_eq!(scene.portal.bookings("a").len(), 1);
    }
}

/// Red when `protocol/holder.rs` accepts a mark from whoever is not the holder.
#[test]
fn s55_after_a_revoke_the_stopped_robot_is_refused_at_its_marker() {
    for is_async in [false, true] {
        let scene = Scene::default();
        let task = Task { is_async, ..scene.task(Form::Marked, "a") };
        let child = scene.start_until(&task, "before mark");
        child.stop();

        let handle = scene.handle();
        let seen = scene.entry(&handle, "a");
        handle.operator("ada", "it hangs").revoke(&seen.subject.key, sight(&seen)).wait().unwrap();
        let other = scene.call(&task);
        assert_eq!(scene.portal.bookings("a"), [other.confirmation()]);

        let told = wake(child);
        assert_eq!(told.code, "lease_lost", "{told:?}");
        assert!(told.text.contains("before its effect began"), "{told:?}");
        assert_eq!(scene.portal.bookings("a").len(), 1);
        assert_eq!(scene.call(&task).confirmation(), other.text);
        assert_eq!(scene.trail(&handle, &seen)[0].0, "revoked");
    }
}

/// Red when `protocol/operator.rs` leaves fence and owner in `acted` (the late settle is taken for the record's own),
/// or `operation/claim.rs` sends no note after a fenced settle.
#[test]
fn s17_a_robot_stopped_after_its_act_and_resolved_by_an_operator() {
    for form in [Form::Bare, Form::Marked] {
        let scene = Scene::default();
        let task = scene.task(form, "a");
        let child = scene.start_until(&task, "before settle");
        child.stop();
        assert_eq!(look(&scene, &task).code, "in_progress");

        let handle = scene.handle();
        let seen = scene.entry(&handle, "a");
        let operator = handle.operator("ada", "looked it up in the portal");
        operator.revoke(&seen.subject.key, sight(&seen)).wait().unwrap();
        let seen = scene.entry(&handle, "a");
        assert_eq!(seen.status, Status::Doubt);
        assert_eq!(look(&scene, &task).code, "in_doubt");
        operator.resolve_done(&seen.subject.key, sight(&seen), "by hand").wait().unwrap();

        let told = wake(child);
        let booked = scene.portal.bookings("a");
        assert_eq!(told.code, "lease_lost", "{told:?}");
        assert!(told.text.contains(&booked[0]), "the caller learns what was not recorded: {told:?}");
        assert_eq!(scene.call(&task).confirmation(), "by hand");
        assert_eq!(booked.len(), 1);
        let trail = scene.trail(&handle, &seen);
        let evidence: Vec<_> = trail.iter().filter(|(what, _)| what == "late_evidence").collect();
        assert_eq!(evidence.len(), 1, "{trail:?}");
        assert!(evidence[0].1.contains(&booked[0]), "{trail:?}");
    }
}

/// Red when `keeper/mod.rs` renews nothing (the record's lease stands still), when `protocol/operator.rs` leaves
/// fence and owner in `acted`, or when `operation/claim.rs` sends no note after a fenced settle.
#[test]
fn s58_a_body_hangs_while_its_lease_is_renewed_and_is_revoked() {
    let scene = Scene::new("?lease=300ms");
    let task = scene.task(Form::Marked, "a");
    let mut child = scene.start_until(&task, "in the effect");
    let handle = scene.handle();
    let lease = || scene.entry(&handle, "a").record.unwrap().lease_until;
    let (first, deadline) = (lease(), Instant::now() + Duration::from_secs(30));
    while lease() <= first.map(|until| until + 600_000) {
        assert!(Instant::now() < deadline, "the lease of the hanging body is not renewed");
        thread::yield_now();
    }
    assert_eq!(look(&scene, &task).code, "in_progress");

    let seen = scene.entry(&handle, "a");
    assert_eq!(seen.status, Status::Live);
    handle.operator("ada", "it hangs").revoke(&seen.subject.key, sight(&seen)).wait().unwrap();
    child.go_on();
    let told = Told::read(&child.result());
    assert_eq!(told.code, "lease_lost", "{told:?}");

    let booked = scene.portal.bookings("a");
    assert_eq!(booked.len(), 1);
    let seen = scene.entry(&handle, "a");
    assert_eq!(seen.record.as_ref().unwrap().state, State::InDoubt, "an operator's revoke is not undone");
    let trail = scene.trail(&handle, &seen);
    assert!(trail.iter().any(|(what, why)| what == "late_evidence" && why.contains(&booked[0])), "{trail:?}");
    assert_eq!(scene.call(&task).code, "in_doubt");
}
