//! Waiting for somebody else's work on a key: in this process on its slot, else on the store's word or with pauses.

use std::time::Duration;

use crate::handle::Handle;
use crate::pause::{Deadline, pause, within};
use crate::protocol::{Busy, Ending, Micros};
use crate::slots::Slot;
use crate::store::Subject;

/// The pauses of a caller that waits for another process and gets no word from the store.
pub(super) const POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));
/// How long a caller trusts that the store would have told it of a change.
pub(super) const TRUST: Duration = Duration::from_secs(1);

/// Waits until the work on a key in this process is over: its ending if there is one to share.
pub(super) async fn wait_for(slot: &Slot, deadline: Deadline) -> Option<Option<Ending>> {
    loop {
        let rung = slot.listen();
        if let Some(over) = slot.over() {
            return Some(over);
        }
        if within(deadline.left(), rung).await.is_none() {
            return slot.over();
        }
    }
}

/// How long a caller that waits for a holder may wait at a time.
fn most(busy: &Busy, deadline: Deadline) -> Duration {
    let lease_left = if busy.left > 0 { duration(busy.left) } else { Duration::MAX };
    deadline.left().min(lease_left)
}

/// Lets time pass between two looks at a record, more each time.
pub(super) async fn pause_between(busy: &Busy, deadline: Deadline, next_poll: &mut Duration) {
    pause(most(busy, deadline).min(*next_poll)).await;
    *next_poll = (*next_poll * 2).min(POLL.1);
}

/// Waits until the record may have changed, at the latest when its lease or the deadline is over. Whether the store
/// says that it has.
pub(super) async fn wait_for_change(
    handle: &Handle,
    subject: &Subject,
    busy: &Busy,
    deadline: Deadline,
    next_poll: &mut Duration,
) -> bool {
    match handle.store().changed(&subject.key, busy.fence) {
        Some(changed) => within(most(busy, deadline).min(TRUST), changed).await.is_some(),
        None => {
            pause_between(busy, deadline, next_poll).await;
            false
        }
    }
}

pub(super) fn duration(micros: Micros) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
