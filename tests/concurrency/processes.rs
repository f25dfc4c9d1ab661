//! One key, many processes.

use std::thread;
use std::time::{Duration, Instant};

use idempotent_tests::robot::{Form, Stops, Task, Told};
use idempotent_tests::{Child, Scene};

const PROCESSES: usize = 8;

/// Eight robots that are about to do `task`, and stop at each of their points.
fn line_up(scene: &Scene, task: &Task) -> Vec<Child> {
    let task = Task { stops: Stops::Everywhere, ..task.clone() };
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| scene.start(&task)).collect();
    for child in &mut children {
        child.until("before claim");
    }
    children
}

/// Lets all go at once, and from each point but `held` as they come to it, until one stands there and all others
/// wait for it.
fn until_all_wait_for_one(children: &mut [Child], held: &str) -> usize {
    children.iter_mut().for_each(Child::go_on);
    let mut waits = [false; PROCESSES];
    let mut holder = None;
    let deadline = Instant::now() + Duration::from_secs(60);
    while holder.is_none() || waits.iter().filter(|waits| **waits).count() < PROCESSES - 1 {
        assert!(Instant::now() < deadline, "{waits:?} wait for {holder:?}");
        for (index, child) in children.iter_mut().enumerate() {
            if holder == Some(index) {
                continue;
            }
            match child.step_within(Duration::from_millis(1)) {
                None => {}
                Some(Ok(point)) if point == held => {
                    assert_eq!(holder.replace(index), None, "two are at `{held}`");
                }
                Some(Ok(point)) => {
                    waits[index] |= point == "waiting";
                    child.go_on();
                }
                Some(Err(result)) => panic!("it did not wait: {result}"),
            }
        }
    }
    holder.unwrap()
}

/// Lets all run to their ends, side by side.
fn results(children: Vec<Child>) -> Vec<Told> {
    let ends: Vec<_> =
        children.into_iter().map(|child| thread::spawn(|| Told::read(&child.result()))).collect();
    ends.into_iter().map(|end| end.join().expect("a robot failed")).collect()
}

fn assert_one_booking(scene: &Scene, job: &str, told: &[Told]) {
    let bookings = scene.portal.bookings(job);
    assert_eq!(bookings.len(), 1, "{told:?}");
    for told in told {
        assert_eq!(told.confirmation(), bookings[0]);
    }
}

/// Red when `protocol/claim.rs` grants a live record, or `operation/run.rs` gives up at the first `Busy`.
#[test]
fn s14_eight_processes_call_at_once() {
    for is_async in [false, true] {
        let scene = Scene::default();
        let task = Task { is_async, ..scene.task(Form::Marked, "a") };
        let mut children = line_up(&scene, &task);
        let holder = until_all_wait_for_one(&mut children, "in the effect");
        children[holder].go_on();
        let told = results(children);
        assert_one_booking(&scene, "a", &told);
        let executed = told.iter().filter(|told| told.how == "executed").count();
        let waited = told.iter().filter(|told| told.how == "waited").count();
        assert_eq!((executed, waited), (1, PROCESSES - 1), "{told:?}");
    }
}

/// Nobody holds anything back here: they race from the claim on.
///
/// Red as `s14_eight_processes_call_at_once`.
#[test]
fn s14_eight_processes_race() {
    let scene = Scene::default();
    for form in Form::ALL {
        let job = format!("{form:?}");
        let mut children = line_up(&scene, &scene.task(form, &job));
        children.iter_mut().for_each(Child::go_on);
        assert_one_booking(&scene, &job, &results(children));
    }
}

/// Red when `protocol/claim.rs` grants a live record, or takes one over without a new owner.
#[test]
fn s80_eight_processes_meet_the_record_of_a_dead_holder() {
    let scene = Scene::default();
    for (form, point, ran) in [
        // Nothing happened: one of them runs.
        (Form::Marked, "before mark", 1),
        (Form::Checked, "before mark", 1),
        // It may have happened, and did not: one of them asks, and runs.
        (Form::Checked, "in the effect", 1),
        (Form::CheckedUnmarked, "before the effect", 1),
        // It happened: one of them asks, and nobody runs.
        (Form::Checked, "after the effect", 0),
        (Form::CheckedUnmarked, "before settle", 0),
    ] {
        let job = format!("{form:?} {point}");
        let task = scene.task(form, &job);
        scene.start_until(&task, point).kill();
        let mut children = line_up(&scene, &task);
        children.iter_mut().for_each(Child::go_on);
        let told = results(children);
        assert_one_booking(&scene, &job, &told);
        let how = |name: &str| told.iter().filter(|told| told.how == name).count();
        assert_eq!((how("executed"), how("recovered")), (ran, 1 - ran), "{job}: {told:?}");
    }
}

/// All eight learn of a doubt that nobody can resolve, and none runs.
///
/// Red when `protocol/claim.rs` runs in doubt although the policy is to stay.
#[test]
fn s80_eight_processes_meet_a_doubt() {
    let scene = Scene::default();
    let task = scene.task(Form::Bare, "a");
    scene.start_until(&task, "in the effect").kill();
    let mut children = line_up(&scene, &task);
    children.iter_mut().for_each(Child::go_on);
    assert!(results(children).iter().all(|told| told.code == "in_doubt"));
    assert_eq!(scene.portal.bookings("a").len(), 0);
}

/// Red when `operation/run.rs` gives up at the first `Busy`, or does not look again after it was woken.
#[test]
fn s15_a_waiter_in_another_process_gets_the_result() {
    for is_async in [false, true] {
        let scene = Scene::default();
        let task = Task { is_async, ..scene.task(Form::Marked, "a") };
        let mut holder = scene.start_until(&task, "in the effect");
        let hasty = scene.call(&Task { hasty: true, ..task.clone() });
        assert_eq!(hasty.code, "in_progress", "{hasty:?}");

        let mut waiter = scene.start_until(&task, "waiting");
        waiter.go_on();
        holder.go_on();
        let (first, second) = (Told::read(&holder.result()), Told::read(&waiter.result()));
        assert_eq!(first.confirmation(), second.confirmation());
        assert_eq!((&*first.how, &*second.how), ("executed", "waited"));
        assert_eq!(scene.portal.bookings("a").len(), 1);
    }
}

/// Who waits for a robot that is killed takes over, or learns of the doubt; he does not wait for a lease.
///
/// Red when `store/sqlite/holders.rs` takes a process for alive whose lock is free.
#[test]
fn s15_a_waiter_outlives_the_holder() {
    let scene = Scene::new("?lease=1h");
    for (form, point, code, bookings) in [
        (Form::Marked, "before mark", "ok", 1),
        (Form::Marked, "in the effect", "in_doubt", 0),
        (Form::Checked, "after the effect", "ok", 1),
    ] {
        let job = format!("{form:?} {point}");
        let task = scene.task(form, &job);
        let holder = scene.start_until(&task, point);
        let mut waiter = scene.start_until(&task, "waiting");
        waiter.go_on();
        holder.kill();
        let told = Told::read(&waiter.result());
        assert_eq!(told.code, code, "{job}: {told:?}");
        assert_eq!(scene.portal.bookings(&job).len(), bookings, "{job}");
    }
}
