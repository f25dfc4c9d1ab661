//! A world, and a body and a check in it that do as the test tells them to.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use idempotent_tests::World;

use crate::Trouble;
use crate::script::{Script, fresh, panics};

pub(crate) type Found = Result<Option<usize>, String>;
type Answer = Box<dyn Fn(&Case<'_>) -> Found + Send>;

/// A world, a body and a check that do as the test tells them to.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    pub(crate) script: Mutex<Script>,
    answers: Mutex<VecDeque<Answer>>,
    asked: AtomicUsize,
}

impl<'a> Case<'a> {
    pub(crate) fn new(world: &'a World) -> Case<'a> {
        Case {
            world,
            script: Mutex::new(Script::WORKS),
            answers: Mutex::default(),
            asked: AtomicUsize::new(0),
        }
    }

    pub(crate) fn script(&self, script: Script) -> &Self {
        *self.script.lock().unwrap() = script;
        self
    }

    pub(crate) fn answer(&self, answer: impl Fn(&Case<'_>) -> Found + Send + 'static) -> &Self {
        self.answers.lock().unwrap().push_back(Box::new(answer));
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn acts(&self) -> usize {
        self.world.ledger.lines().len()
    }

    pub(crate) fn body(&self, mark: impl FnOnce() -> Result<(), Trouble>) -> Result<usize, Trouble> {
        let script = *self.script.lock().unwrap();
        script.before()?;
        mark()?;
        self.world.ledger.act("acts");
        script.after()?;
        Ok(fresh())
    }

    pub(crate) fn find(&self) -> Found {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop_front().expect("the check is not asked so often");
        answer(self)
    }

    /// Leaves key 1 in doubt: acted, and ended without a word.
    pub(crate) fn interrupted(&self, call: impl Fn(&Case<'a>) -> Result<usize, Trouble>) {
        self.script(Script::PANICS_AFTER);
        panics(|| call(self));
        self.world.drain();
        self.script(Script::WORKS);
        assert_eq!(self.world.in_doubt().len(), 1);
    }
}
