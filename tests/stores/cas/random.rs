//! Random histories of processes that share no clock, held against the time that really passes.

use std::time::Duration;

use idempotent::protocol::{Answer, Claim, Held, Policy, Request, Resolution, Token};
use idempotent::store::CasStore;
use idempotent::testing::FakeClock;
use idempotent_tests::engine::{Disk, Engine};
use proptest::prelude::*;

use crate::support::*;

const AFTER: i64 = 4 * SECOND;

/// What happens next: time passes, or a process asks.
#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Claim { process: usize, policy: u8 },
    Proceed { process: usize },
    Mark { process: usize },
    Renew { process: usize },
    InDoubt { process: usize },
    Free { process: usize },
    Note { process: usize },
    Look { process: usize },
    Starts { process: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let process = || 0..3_usize;
    let step = prop_oneof![
        4 => (0..9 * SECOND).prop_map(Step::Pass),
        4 => (process(), 0..3_u8).prop_map(|(process, policy)| Step::Claim { process, policy }),
        2 => process().prop_map(|process| Step::Proceed { process }),
        2 => process().prop_map(|process| Step::Mark { process }),
        2 => process().prop_map(|process| Step::Renew { process }),
        1 => process().prop_map(|process| Step::InDoubt { process }),
        1 => process().prop_map(|process| Step::Free { process }),
        1 => process().prop_map(|process| Step::Note { process }),
        2 => process().prop_map(|process| Step::Look { process }),
        1 => process().prop_map(|process| Step::Starts { process }),
    ];
    proptest::collection::vec(step, 1..80)
}

struct Process {
    clock: FakeClock,
    store: CasStore<Engine>,
    /// The claim that it believes to hold.
    held: Option<Held>,
    next: u8,
}

/// What an onlooker knows, who sees everything and has the one true clock.
#[derive(Default)]
struct Truth {
    now: i64,
    /// The claim that was granted last, and when it was written last.
    holder: Option<(Held, i64)>,
    /// The last moment at which an attempt that may have acted can have sent anything.
    acted: Option<i64>,
    marked: bool,
}

fn run(steps: &[Step]) {
    let disk = Disk::default();
    let call = subject("random");
    let mut truth = Truth::default();
    let mut processes: Vec<Process> = (0..3_i64)
        .map(|index| {
            // Clocks that began at other times, and walls that are years apart.
            let clock = FakeClock::at(index * 1_000_000 * SECOND, (index - 1) * (1 << 50));
            let store = process(&disk, &clock);
            Process { clock, store, held: None, next: 50 * u8::try_from(index).unwrap() }
        })
        .collect();
    for step in steps {
        match *step {
            Step::Pass(time) => {
                truth.now += time;
                for process in &processes {
                    process.clock.advance(Duration::from_micros(time.unsigned_abs()));
                }
            }
            Step::Claim { process, policy } => {
                let process = &mut processes[process];
                process.next += 1;
                let policy = [Policy::Stay, Policy::Check, Policy::Rerun][usize::from(policy)];
                let asked = Claim { policy, after: AFTER, ..asked(process.next) };
                let answer = claim(&process.store, &call, asked);
                let (Answer::Run(grant) | Answer::Check { grant, .. }) = &answer else { continue };
                if let Some((old, written)) = truth.holder {
                    let passed = truth.now - written;
                    assert!(passed >= LEASE, "taken over after {passed} us");
                    assert!(grant.fence > old.fence);
                    if truth.marked {
                        truth.acted = Some(written + LEASE);
                    }
                }
                truth.marked = false;
                let held = Held { token: Token([process.next; 16]), fence: grant.fence };
                process.held = Some(held);
                truth.holder = Some((held, truth.now));
            }
            Step::Proceed { process } => {
                let Some(held) = processes[process].held else { continue };
                let request = Request::Proceed { held, has_marker: true, after: AFTER, lease: LEASE };
                if ask(&processes[process].store, &call, request) == Answer::Ok {
                    if let Some(acted) = truth.acted.take() {
                        let quiet = truth.now - acted;
                        assert!(quiet >= AFTER, "\"did not happen\" was believed after {quiet} us");
                    }
                    truth.holder = Some((held, truth.now));
                }
            }
            Step::Mark { process } | Step::Renew { process } => {
                let Some(held) = processes[process].held else { continue };
                let marks = matches!(step, Step::Mark { .. });
                let request = if marks { mark(held) } else { renew(held) };
                if ask(&processes[process].store, &call, request) == Answer::Ok {
                    assert_eq!(truth.holder.map(|(holder, _)| holder), Some(held), "two holders");
                    truth.holder = Some((held, truth.now));
                    truth.marked |= marks;
                }
            }
            Step::InDoubt { process } | Step::Free { process } => {
                let Some(held) = processes[process].held.take() else { continue };
                let parks = matches!(step, Step::InDoubt { .. });
                let resolution = if parks {
                    Resolution::InDoubt { last_error: None }
                } else {
                    Resolution::Free { last_error: None }
                };
                let request = Request::Settle { held, resolution };
                if matches!(ask(&processes[process].store, &call, request), Answer::Settled(_))
                    && truth.holder.is_some_and(|(holder, _)| holder == held)
                {
                    if truth.marked && parks {
                        truth.acted = Some(truth.now);
                    }
                    (truth.holder, truth.marked) = (None, false);
                }
            }
            Step::Note { process } => {
                let text = "late".into();
                ask(&processes[process].store, &call, Request::Note { token: Token([0; 16]), text });
            }
            Step::Look { process } => {
                entry(&processes[process].store, &call);
            }
            // Another program of that machine: it has watched nothing.
            Step::Starts { process: index } => {
                let one = &mut processes[index];
                (one.store, one.held) = (process(&disk, &one.clock), None);
            }
        }
    }
    // Whatever has happened: who keeps looking gets there.
    let last = &processes[0].store;
    let checks = |number| Claim { policy: Policy::Check, after: AFTER, ..asked(number) };
    let answer = claim(last, &call, checks(251));
    if matches!(answer, Answer::Busy(_)) {
        processes[0].clock.advance(Duration::from_secs(15));
        let answer = claim(last, &call, checks(252));
        assert!(matches!(answer, Answer::Run(_) | Answer::Check { .. }), "{answer:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Red when a lease or quiet time is read on a clock that is not the reader's own, or counted from too early a
    /// moment: a claim is taken over within its lease, or a check is believed too soon.
    #[test]
    fn no_lease_and_no_quiet_time_is_cut_short(steps in steps()) {
        run(&steps);
    }
}
