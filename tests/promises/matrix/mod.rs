//! Every way to the store x every fault x every state of the record, enumerated. `acts` says what the caller must be told
//! and what the next call must find; beside that, for each case: no body runs without a claim that was answered, none acts
//! without a mark that was, no `Ok` is lost, doubt stays, and the same process goes on with the next case.
//!
//! Red when a request is not sent again with the same token (send.rs), when a body runs or acts although its claim or mark
//! failed (operation/run.rs, keeper/open.rs `mark`), when the keeper forgets an outcome that the store did not take
//! (keeper/mod.rs `over`, `guarded`; operation/claim.rs `Drop`), when an unreadable record is taken for a wrong answer of
//! the store (send.rs `unexpected`), or when an operator is told `Ok` for what was not written (operator.rs `send`).

mod acts;
mod case;
mod hows;
mod states;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use idempotent::protocol::Status;
use idempotent::testing::Call;
use idempotent_tests::{World, on_every_store};

use self::acts::{Act, Next};
use self::case::{Case, Told};
use self::hows::How;
use self::states::{At, Site};

const PATIENCE: Duration = Duration::from_secs(30);

/// Every record that is made in this test has a key of its own.
static ID: AtomicU32 = AtomicU32::new(1);

/// Runs one case, and tells the column it falls into.
fn check(case: &Case<'_>) -> &'static str {
    let Case { site, act, at, how, .. } = *case;
    let what = format!("{act:?} on {at:?} under {how:?}");
    let told = case.run();
    let faults = &site.world.faults;
    let handle = &site.world.handle;
    match act.told(at, how) {
        Some(wanted) => assert_eq!(told, wanted, "{what}"),
        None => assert!(matches!(told, Told::Ran(_)), "{what}: {told:?}"),
    }
    let acts = case.acts.load(Ordering::SeqCst);
    assert!(case.runs() <= 1 && acts <= case.runs(), "{what}: {} runs, {acts} acts", case.runs());
    let is_refused = matches!(&told, Told::Code(_) | Told::Panicked);
    if matches!(act, Act::Claim | Act::Proceed) && is_refused {
        assert_eq!(case.runs(), 0, "{what}: ran without a claim");
    }
    if matches!(act, Act::Mark | Act::Renew) && is_refused {
        assert_eq!(acts, 0, "{what}: acted without a mark");
    }

    let is_mended = at != At::Unreadable;
    if matches!(act, Act::Drop | Act::Abandon) && how.is_for_ever() {
        assert_eq!(handle.drain(Duration::from_millis(20)).wait(), 1, "{what}: it cannot be recorded yet");
    }
    faults.clear();
    if is_mended {
        assert_eq!(handle.drain(PATIENCE).wait(), 0, "{what}: the keeper has not settled everything");
    }
    let subject = case.subject();
    let is_doubt = matches!(at, At::LapsedDoubt | At::InDoubt);
    let wanted = act.next(at, how);
    if is_doubt && wanted == Next::Code("in_doubt") {
        let entry = site.entry(&subject).expect("doubt is listed");
        assert_eq!(entry.status, Status::Doubt, "{what}");
    }
    if act == Act::Note && at != At::Absent {
        let trail = handle.show(&subject.key).wait().unwrap().trail;
        assert!(trail.iter().any(|line| &*line.what == "late_evidence"), "{what}: {trail:?}");
    }

    // The store is back, and the same process goes on.
    let again = case.again();
    let found = again.call();
    let own = match &told {
        Told::Ran(value) => Some(*value),
        _ => None,
    };
    let column = match (&wanted, &found) {
        (Next::Runs, Told::Ran(_)) => "the next call runs",
        (Next::Replays(value), Told::Replayed(found)) if value == found => {
            "the next call replays what others recorded"
        }
        (Next::ReplaysOwn, Told::Replayed(found)) if own.is_none_or(|own| own == *found) => {
            "the next call replays what was told, or could not be told"
        }
        (Next::Own, Told::Own) => "the next call replays the error",
        (Next::Code("in_doubt"), Told::Code(code)) if code == "in_doubt" => "in doubt",
        (Next::Code("in_progress"), Told::Code(code)) if code == "in_progress" => "another holds it",
        (Next::Code(wanted), Told::Code(code)) if wanted == code => "cannot be read",
        _ => panic!("{what}: then {found:?}, and not {wanted:?}"),
    };
    assert_eq!(again.runs(), usize::from(wanted == Next::Runs), "{what}: then {found:?}");
    if !is_mended {
        // Somebody mends the row: the keeper comes to the end of what it could not record.
        site.mend(&subject);
        assert_eq!(handle.drain(PATIENCE).wait(), 0, "{what}: mended");
        assert_eq!(case.again().call(), Told::Replayed(states::RECORDED), "{what}: mended");
    }
    column
}

fn s29_every_act_times_every_fault_times_every_state(world: &World) {
    let has_bytes = Site::has_bytes(world);
    let mut impossible: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lanes: Vec<(Act, Vec<(At, How)>)> = Vec::new();
    let mut all = 0;
    for act in Act::ALL {
        let mut cases = Vec::new();
        for at in At::ALL {
            for how in How::ALL {
                all += 1;
                match act.impossible(at, has_bytes) {
                    Some(why) => *impossible.entry(why).or_default() += 1,
                    None => cases.push((at, how)),
                }
            }
        }
        // A renewal is waited for.
        let length = if act == Act::Renew { 10 } else { usize::MAX };
        lanes.extend(cases.chunks(length.min(cases.len())).map(|lane| (act, lane.to_vec())));
    }
    let possible: usize = lanes.iter().map(|(_, cases)| cases.len()).sum();
    let reasons: usize = impossible.values().sum();
    assert_eq!(all, Act::ALL.len() * At::ALL.len() * How::ALL.len());
    assert_eq!((all, possible + reasons), (3_696, all));
    assert_eq!(possible, if has_bytes { 3_416 } else { 3_094 });

    let is_hit = |call: &Call| Act::ALL.iter().any(|act| act.call() == *call);
    assert!(Call::ALL.iter().all(is_hit), "a kind of call is in no case");
    let columns: Mutex<BTreeMap<&str, usize>> = Mutex::default();
    let began = Instant::now();
    thread::scope(|scope| {
        for (act, cases) in &lanes {
            let columns = &columns;
            scope.spawn(move || {
                // Where renewals are waited for they come often; elsewhere no lease ends, however slow the machine.
                let lease =
                    if *act == Act::Renew { Duration::from_millis(900) } else { Duration::from_secs(60) };
                let site = Site::new(world, lease);
                let fingerprint = Case::fingerprint(&site, *act);
                for (at, how) in cases {
                    let id = ID.fetch_add(1, Ordering::SeqCst);
                    let column = check(&Case::new(&site, *act, *at, *how, id, fingerprint));
                    *columns.lock().unwrap().entry(column).or_default() += 1;
                }
            });
        }
    });
    let columns = columns.into_inner().unwrap();
    println!("{} acts x {} states x {} faults = {all} cases", Act::ALL.len(), At::ALL.len(), How::ALL.len());
    println!("{possible} were run in {:?}:", began.elapsed());
    for (column, count) in &columns {
        println!("{count:>6}  {column}");
    }
    println!("{reasons} cannot be:");
    for (why, count) in &impossible {
        println!("{count:>6}  {why}");
    }
    assert_eq!(columns.values().sum::<usize>(), possible, "each case is in one column");
}

on_every_store!(s29_every_act_times_every_fault_times_every_state,);
