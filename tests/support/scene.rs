//! One SQLite file and one portal, at which robots in processes of their own meet.

use std::path::Path;

use idempotent::protocol::Seen;
use idempotent::{Entry, Filter, Handle, Which};
use tempfile::TempDir;

use crate::robot::{Form, Portal, Stops, Task, Told, open};
use crate::{Child, Ledger};

/// A file and a portal. The test program must have a `#[test]` function `robot` at its root that runs
/// [`robot::run`](crate::robot::run) as the child `robot`.
pub struct Scene {
    /// What really happened.
    pub portal: Portal,
    folder: TempDir,
    parameters: &'static str,
}

impl Default for Scene {
    fn default() -> Self {
        Scene::new("")
    }
}

impl Scene {
    /// A fresh file, opened with these parameters of the URL (`?lease=300ms`).
    pub fn new(parameters: &'static str) -> Scene {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let portal = Portal(Ledger::at(folder.path().join("ledger")));
        Scene { portal, folder, parameters }
    }

    /// The folder that ends with the scene.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A patient, synchronous call that stops nowhere.
    pub fn task(&self, form: Form, job: &str) -> Task {
        let mut task = Task::new(self.folder(), form, job);
        task.url.push_str(self.parameters);
        task
    }

    /// A robot that does `task`.
    pub fn start(&self, task: &Task) -> Child {
        Child::start("robot", "robot", &task.line())
    }

    /// A robot that does `task` up to `point`, and waits there.
    pub fn start_until(&self, task: &Task, point: &str) -> Child {
        let mut child = self.start(&Task { stops: Stops::At(point.to_owned(), 1), ..task.clone() });
        child.until(point);
        child
    }

    /// What a fresh robot comes to that does `task`.
    pub fn call(&self, task: &Task) -> Told {
        Told::read(&self.start(task).result())
    }

    /// The store, as this process sees it.
    pub fn handle(&self) -> Handle {
        Handle::new(open(&self.task(Form::Bare, "").url))
    }

    /// The record of a job, as an operator sees it.
    pub fn entry(&self, handle: &Handle, job: &str) -> Entry {
        let call = format!("job={job:?}");
        let all = handle.list(&Filter::default()).wait().expect("the list");
        let found = all.iter().find(|entry| *entry.subject.call == *call);
        found.unwrap_or_else(|| panic!("no record of {job}")).clone()
    }

    /// The jobs in a list, in no order.
    pub fn jobs(&self, handle: &Handle, which: Which) -> Vec<String> {
        let filter = Filter { which, limit: usize::MAX, ..Filter::default() };
        let entries = handle.list(&filter).wait().expect("the list");
        entries.iter().map(|entry| job_of(&entry.subject.call)).collect()
    }

    /// The trail of a record: what happened, and why.
    pub fn trail(&self, handle: &Handle, entry: &Entry) -> Vec<(String, String)> {
        let shown = handle.show(&entry.subject.key).wait().expect("the record");
        let text = |line: &Option<std::sync::Arc<str>>| line.as_deref().unwrap_or_default().to_owned();
        shown.trail.iter().map(|line| (line.what.to_string(), text(&line.why))).collect()
    }
}

/// What an operator sees of a record that can be read.
pub fn sight(entry: &Entry) -> Seen {
    entry.record.as_ref().expect("a record that can be read").seen()
}

fn job_of(call: &str) -> String {
    call.trim_start_matches("job=").trim_matches('"').to_owned()
}
