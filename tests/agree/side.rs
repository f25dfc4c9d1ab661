//! A store that is held to the pure protocol: the same requests, the same answers, the same records and trails.
//!
//! What a store may choose is translated: the numbers of fences, each key's in their order, and the names of its
//! processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use idempotent::Store;
use idempotent::key::Key;
use idempotent::protocol::{Answer, Context, Fence, Process, Record, Request, Status};
use idempotent::store::{Entry, Filter, Subject, Trail, Which};

use crate::model::{Model, NEVER};
use crate::script::PROCESSES;

/// How a test opens, closes and kills a kind of store.
pub(crate) trait Kind {
    fn name(&self) -> &'static str;
    /// The store as this process has it open.
    fn store(&self, place: usize) -> &Arc<dyn Store>;
    /// The process in this place dies, and another opens the store.
    fn death(&mut self, place: usize);
    /// All processes die, and what would prove it goes, too.
    fn lost_proof(&mut self);
}

pub(crate) struct Side {
    pub(crate) kind: Box<dyn Kind>,
    /// Each key's fences here, in the order of the model's.
    fences: BTreeMap<Key, Vec<Fence>>,
    processes: BTreeMap<Process, Process>,
    /// How long each key's trail was when it was looked at.
    lines: BTreeMap<Key, usize>,
}

impl Side {
    pub(crate) fn new(kind: Box<dyn Kind>) -> Side {
        Side { kind, fences: BTreeMap::new(), processes: BTreeMap::new(), lines: BTreeMap::new() }
    }

    pub(crate) fn forget(&mut self) {
        self.fences.clear();
        self.processes.clear();
        self.lines.clear();
    }

    /// Sends the request, and gives the answer in the model's words.
    pub(crate) fn apply(
        &mut self,
        model: &Model,
        subject: &Arc<Subject>,
        request: &Request,
        place: usize,
        blocking: bool,
    ) -> Result<Answer, String> {
        let mut request = request.clone();
        if let Some(fence) = fences_of(&mut request) {
            *fence = self.there(model, &subject.key, *fence);
        }
        let store = self.kind.store(place);
        let answer = if blocking {
            store.apply_blocking(subject, request)
        } else {
            pollster::block_on(store.apply(subject, request))
        };
        let mut answer = answer.map_err(|error| format!("it failed: {error}"))?;
        // Looks at the record first, so that a new fence is known when the answer names it.
        self.compare(model, &subject.key, place)?;
        self.here(model, &subject.key, &mut answer)?;
        Ok(answer)
    }

    /// The record and its trail are those of the model.
    fn compare(&mut self, model: &Model, key: &Key, place: usize) -> Result<(), String> {
        let store = Arc::clone(self.kind.store(place));
        let found = pollster::block_on(store.load(key)).map_err(|error| error.to_string())?;
        let wanted = model.records.get(key);
        match (found, wanted) {
            (None, None) => {}
            (Some(entry), Some(wanted)) => {
                let found = entry.record.map_err(|why| format!("it cannot read its record: {why}"))?;
                let found = self.record(model, key, found, wanted)?;
                if found != *wanted {
                    return Err(format!("the record is\n  {found:?}\nand should be\n  {wanted:?}"));
                }
            }
            (found, wanted) => {
                return Err(format!("the record is\n  {found:?}\nand should be\n  {wanted:?}"));
            }
        }
        self.compare_trail(model, key, place)
    }

    /// The trail is that of the model; looked at when there is more of it.
    fn compare_trail(&mut self, model: &Model, key: &Key, place: usize) -> Result<(), String> {
        let wanted: &[Trail] = model.trail(key);
        let lines = self.lines.entry(*key).or_default();
        if std::mem::replace(lines, wanted.len()) == wanted.len() {
            return Ok(());
        }
        let trail = pollster::block_on(self.kind.store(place).trail(key));
        let mut trail = trail.map_err(|error| error.to_string())?;
        for line in &mut trail {
            line.fence = self.fence_here(model, key, line.fence)?;
        }
        if trail != wanted {
            return Err(format!("the trail is\n  {trail:?}\nand should be\n  {wanted:?}"));
        }
        Ok(())
    }

    /// A record in the model's words. A fence that both have not seen before is taken for the same.
    fn record(
        &mut self,
        model: &Model,
        key: &Key,
        mut found: Record,
        wanted: &Record,
    ) -> Result<Record, String> {
        let known = self.fences.entry(*key).or_default();
        let theirs = model.fences.get(key).map_or(0, Vec::len);
        if known.len() < theirs {
            if theirs - known.len() > 1 || known.last().is_some_and(|last| *last >= found.fence) {
                return Err(format!("fence {} came after {known:?}", found.fence));
            }
            known.push(found.fence);
        }
        found.fence = self.fence_here(model, key, found.fence)?;
        if let (Some(here), Some(there)) = (wanted.holder, found.holder) {
            found.holder = Some(*self.processes.entry(there).or_insert(here));
        }
        Ok(found)
    }

    fn fence_here(&self, model: &Model, key: &Key, fence: Fence) -> Result<Fence, String> {
        let known = self.fences.get(key).map_or(&[][..], Vec::as_slice);
        let turn = known.iter().position(|other| *other == fence);
        turn.and_then(|turn| model.fences[key].get(turn).copied())
            .ok_or_else(|| format!("nobody knows fence {fence} of {known:?}"))
    }

    fn there(&self, model: &Model, key: &Key, fence: Fence) -> Fence {
        let turn = model.fences.get(key).and_then(|fences| fences.iter().position(|other| *other == fence));
        let known = self.fences.get(key).map_or(&[][..], Vec::as_slice);
        turn.and_then(|turn| known.get(turn).copied()).unwrap_or(NEVER)
    }

    fn here(&self, model: &Model, key: &Key, answer: &mut Answer) -> Result<(), String> {
        let fence = match answer {
            Answer::Run(grant) | Answer::Check { grant, .. } => Some(&mut grant.fence),
            Answer::Busy(busy) => {
                if busy.holder.is_some() && busy.named.is_none() {
                    return Err(format!("the holder {:?} has no name", busy.holder));
                }
                busy.named = None;
                busy.holder = busy.holder.and_then(|there| self.processes.get(&there).copied());
                Some(&mut busy.fence)
            }
            Answer::InDoubt(doubt) => Some(&mut doubt.fence),
            Answer::Replay(_)
            | Answer::KeyReused { .. }
            | Answer::Unreadable { .. }
            | Answer::Stale
            | Answer::Ok
            | Answer::Early { .. }
            | Answer::Fenced(_)
            | Answer::Settled(_)
            | Answer::NotFound => None,
        };
        if let Some(fence) = fence {
            *fence = self.fence_here(model, key, *fence)?;
        }
        Ok(())
    }

    /// Every list shows what the model says, and so does every trail.
    pub(crate) fn compare_at_the_end(
        &mut self,
        model: &Model,
        subjects: &[Arc<Subject>],
        context: impl Fn(&Key) -> Context,
    ) -> Result<(), String> {
        for subject in subjects {
            self.lines.remove(&subject.key);
            self.compare_trail(model, &subject.key, 0)?;
        }
        let operation = Some(Arc::clone(&subjects[0].operation));
        for which in [Which::All, Which::InDoubt, Which::Unfinished, Which::Running] {
            let wanted: Vec<(Key, Status)> = model
                .records
                .keys()
                .filter_map(|key| Some((*key, model.status(key, &context(key))?)))
                .filter(|(_, status)| which.shows(*status))
                .collect();
            let filter = Filter { which, operation: operation.clone(), ..Filter::default() };
            let found = pollster::block_on(self.kind.store(which as usize % PROCESSES).list(&filter));
            let found: Vec<(Key, Status)> = found
                .map_err(|error| error.to_string())?
                .into_iter()
                .map(|Entry { subject, status, .. }| (subject.key, status))
                .collect();
            if found != wanted {
                return Err(format!("the list of {which:?} is {found:?}, and should be {wanted:?}"));
            }
        }
        Ok(())
    }
}

/// The fence in a request, where it has one.
fn fences_of(request: &mut Request) -> Option<&mut Fence> {
    match request {
        Request::Proceed { held, .. }
        | Request::Mark { held, .. }
        | Request::Renew { held, .. }
        | Request::Settle { held, .. } => Some(&mut held.fence),
        Request::ResolveDone { operator, .. }
        | Request::ResolveFree { operator }
        | Request::Revoke { operator }
        | Request::Forget { operator } => Some(&mut operator.seen.fence),
        Request::Sweep { fence } => Some(fence),
        Request::Claim(_) | Request::Abandon { .. } | Request::Note { .. } => None,
    }
}
