//! The pure protocol, with the time and the holders that one kind of store sees.

use std::collections::BTreeMap;

use idempotent::key::Key;
use idempotent::protocol::{
    Answer, Claim, Context, Decision, Fence, Held, Liveness, Micros, Operator, Process, Record, Request,
    Resolution, Seen, Status, Token, Write, decide, status,
};
use idempotent::store::Trail;

use crate::promises;
use crate::script::{Ask, Fenced, LEASE, PROCESSES, Sight, Who};

/// How a kind of store knows who is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// By leases alone.
    Leases,
    /// By locks that go with the process.
    Locks,
    /// An engine sees processes, and its clock is the only one.
    Seen,
}

/// What is known about a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Alive,
    Dead,
    /// Dead, and nothing proves it.
    Lost,
}

pub(crate) struct Model {
    life: Life,
    pub(crate) records: BTreeMap<Key, Record>,
    trails: BTreeMap<Key, Vec<Trail>>,
    /// Each key's fences, oldest first.
    pub(crate) fences: BTreeMap<Key, Vec<Fence>>,
    next_fence: u64,
    processes: [Process; PROCESSES],
    fates: BTreeMap<Process, Fate>,
    /// The claims of this sequence.
    tokens: Vec<Token>,
    sequence: u64,
}

impl Model {
    pub(crate) fn new(life: Life, sequence: u64) -> Model {
        let mut model = Model {
            life,
            records: BTreeMap::new(),
            trails: BTreeMap::new(),
            fences: BTreeMap::new(),
            next_fence: 0,
            processes: [Process([0; 16]); PROCESSES],
            fates: BTreeMap::new(),
            tokens: Vec::new(),
            sequence,
        };
        (0..PROCESSES).for_each(|place| model.begins(place));
        model
    }

    fn begins(&mut self, place: usize) {
        let process = Process((self.fates.len() as u128 + 1).to_be_bytes());
        self.fates.insert(process, Fate::Alive);
        self.processes[place] = process;
    }

    /// The process in this place dies, and another takes its place.
    pub(crate) fn death(&mut self, place: usize) {
        self.fates.insert(self.processes[place], Fate::Dead);
        self.begins(place);
    }

    /// All die, those who are dead already included, and nothing proves it.
    pub(crate) fn lost_proof(&mut self) {
        if self.life == Life::Seen {
            // It has seen them die.
            return (0..PROCESSES).for_each(|place| self.death(place));
        }
        self.fates.values_mut().for_each(|fate| *fate = Fate::Lost);
        (0..PROCESSES).for_each(|place| self.begins(place));
    }

    pub(crate) fn context(&self, key: &Key, place: usize, now: Micros, wall: Micros) -> Context {
        let (holder, process) = match self.life {
            Life::Leases => (Liveness::ByLease, None),
            Life::Locks | Life::Seen => {
                let holder = self.records.get(key).and_then(|record| record.holder);
                let fate = holder.and_then(|holder| self.fates.get(&holder));
                let known = match fate {
                    Some(Fate::Alive) => Liveness::Alive,
                    Some(Fate::Dead) => Liveness::Dead,
                    Some(Fate::Lost) | None => Liveness::ByLease,
                };
                (known, Some(self.processes[place]))
            }
        };
        let now = if self.life == Life::Seen { wall } else { now };
        Context { now, wall, next_fence: self.next_fence + 1, holder, process }
    }

    /// Decides a move and keeps what it writes; an error says which promise that breaks.
    pub(crate) fn apply(
        &mut self,
        key: &Key,
        request: &Request,
        context: &Context,
    ) -> Result<Answer, &'static str> {
        self.next_fence += 1;
        let decision = decide(self.records.get(key), request, context);
        let highest = self.fences.get(key).and_then(|fences| fences.last()).map_or(0, |fence| fence.0);
        promises::check(self.records.get(key), request, context, &decision, highest)?;
        let Decision { write, event, answer } = decision;
        match write {
            Write::Keep => {}
            Write::Put(record) => {
                let fences = self.fences.entry(*key).or_default();
                if fences.last() != Some(&record.fence) {
                    fences.push(record.fence);
                }
                self.records.insert(*key, record);
            }
            Write::Remove => {
                self.records.remove(key);
            }
        }
        if let Some(event) = event {
            let line = Trail {
                at: context.wall,
                what: event.what.into(),
                fence: event.fence,
                by: event.by,
                why: event.why,
                before: event.before,
                after: event.after,
            };
            self.trails.entry(*key).or_default().push(line);
        }
        Ok(answer)
    }

    pub(crate) fn status(&self, key: &Key, context: &Context) -> Option<Status> {
        self.records.get(key).map(|record| status(record, context))
    }

    pub(crate) fn trail(&self, key: &Key) -> &[Trail] {
        self.trails.get(key).map_or(&[], Vec::as_slice)
    }

    /// The request that a step means on the record as it is here.
    pub(crate) fn request(&mut self, key: &Key, ask: &Ask) -> Request {
        let held = |model: &mut Model, who, fence| Held {
            token: model.token(key, who),
            fence: model.fence(key, fence),
        };
        let settle = |held, resolution| Request::Settle { held, resolution };
        match ask.clone() {
            Ask::Claim { who, other_arguments, policy, first, after, has_marker } => {
                let token = self.token(key, who);
                self.tokens.push(token);
                let fingerprint = if other_arguments { [8; 64] } else { [7; 64] };
                Request::Claim(Claim { token, fingerprint, policy, after, has_marker, first, lease: LEASE })
            }
            Ask::Proceed { who, fence, has_marker, after } => {
                Request::Proceed { held: held(self, who, fence), has_marker, after, lease: LEASE }
            }
            Ask::Mark { who, fence } => Request::Mark { held: held(self, who, fence), lease: LEASE },
            Ask::Renew { who, fence } => Request::Renew { held: held(self, who, fence), lease: LEASE },
            Ask::Done { who, fence, value, keep } => {
                settle(held(self, who, fence), Resolution::Done { value, keep })
            }
            Ask::Failed { who, fence, value: error, keep } => {
                settle(held(self, who, fence), Resolution::Failed { error, text: "refused".into(), keep })
            }
            Ask::Free { who, fence, text } => {
                settle(held(self, who, fence), Resolution::Free { last_error: text })
            }
            Ask::InDoubt { who, fence, text } => {
                settle(held(self, who, fence), Resolution::InDoubt { last_error: text })
            }
            Ask::Abandon { who } => Request::Abandon { token: self.token(key, who) },
            Ask::Note { who } => Request::Note { token: self.token(key, who), text: "\"late\"".into() },
            Ask::ResolveDone { fence, sight, value } => {
                Request::ResolveDone { operator: self.operator(key, fence, sight), value }
            }
            Ask::ResolveFree { fence, sight } => {
                Request::ResolveFree { operator: self.operator(key, fence, sight) }
            }
            Ask::Revoke { fence, sight } => Request::Revoke { operator: self.operator(key, fence, sight) },
            Ask::Forget { fence, sight } => Request::Forget { operator: self.operator(key, fence, sight) },
            Ask::Sweep { fence } => Request::Sweep { fence: self.fence(key, fence) },
        }
    }

    fn token(&mut self, key: &Key, who: Who) -> Token {
        let record = self.records.get(key);
        let known = match who {
            Who::Owner => record.and_then(|record| record.owner),
            Who::Late => record.and_then(|record| record.late),
            Who::Earlier(back) => self.tokens.iter().rev().nth(back).copied(),
            Who::New => None,
        };
        known.unwrap_or_else(|| {
            let number = u128::from(self.sequence) << 64 | (self.tokens.len() as u128 + 1) << 8 | 1;
            Token(number.to_be_bytes())
        })
    }

    fn fence(&self, key: &Key, which: Fenced) -> Fence {
        let fences = self.fences.get(key).map_or(&[][..], Vec::as_slice);
        let now = self.records.get(key).map(|record| record.fence);
        let found = match which {
            Fenced::Now => now.or(fences.last().copied()),
            Fenced::Before(back) => fences.iter().rev().nth(back).copied(),
            Fenced::Never => None,
        };
        found.unwrap_or(NEVER)
    }

    fn operator(&self, key: &Key, fence: Fenced, sight: Sight) -> Operator {
        let absent =
            Seen { fence: NEVER, state: idempotent::protocol::State::InDoubt, effect: true, prior: false };
        let mut seen = self.records.get(key).map_or(absent, Record::seen);
        seen.fence = self.fence(key, fence);
        if sight == Sight::Old {
            (seen.effect, seen.prior) = (!seen.effect, seen.effect);
        }
        Operator { seen, by: "ada".into(), why: "she looked".into() }
    }
}

/// A fence that no store grants.
pub(crate) const NEVER: Fence = Fence(1 << 62);
