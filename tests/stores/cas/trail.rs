//! The trail lies in the record's own entry: written with it, and bounded.

use idempotent::protocol::{Answer, Request, Token};
use idempotent::testing::FakeClock;
use idempotent_tests::engine::Disk;

use crate::support::*;

/// Red when the trail grows without a bound, or does not say that lines are gone.
#[test]
fn the_last_lines_stay_and_the_first_tells_of_the_others() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = process(&disk, &clock);
    let call = subject("noted");
    granted(&store, &call, 1);
    for number in 0..100 {
        let text = format!("late {number}").into();
        assert_eq!(ask(&store, &call, Request::Note { token: Token([1; 16]), text }), Answer::Ok);
    }
    let lines = trail(&store, &call);
    assert_eq!(lines.len(), 65);
    assert_eq!((&*lines[0].what, lines[0].why.as_deref()), ("dropped", Some("36 older lines")));
    assert_eq!(lines[1].why.as_deref(), Some("late 36"));
    assert_eq!(lines[64].why.as_deref(), Some("late 99"));
}

/// Red when the text of an error makes an entry as long as it likes, or is cut within a character.
#[test]
fn a_long_reason_is_cut_between_characters() {
    let (disk, clock) = (Disk::default(), FakeClock::new());
    let store = process(&disk, &clock);
    let call = subject("long");
    granted(&store, &call, 1);
    let token = Token([1; 16]);
    ask(&store, &call, Request::Note { token, text: "é".repeat(100_000).into() });
    let lines = trail(&store, &call);
    assert_eq!(lines[0].why.as_deref(), Some(&*format!("{}…", "é".repeat(1_000))));
    assert!(disk.bytes(&call.key).unwrap().len() < 4_000);
}

/// Red when a note moves the lease of the claim that it stands beside.
#[test]
fn a_note_prolongs_nothing() {
    let disk = Disk::default();
    let (here, there) = (FakeClock::at(0, 1), FakeClock::at(0, 1));
    let (holder, other) = (process(&disk, &here), process(&disk, &there));
    let call = subject("note");
    let held = granted(&holder, &call, 1);
    assert!(matches!(claim(&other, &call, asked(2)), Answer::Busy(_)));
    for _ in 0..3 {
        there.advance(std::time::Duration::from_secs(5));
        ask(&other, &call, Request::Note { token: Token([9; 16]), text: "late".into() });
    }
    granted(&other, &call, 2);
    assert!(matches!(ask(&holder, &call, mark(held)), Answer::Fenced(_)));
    assert_eq!(trail(&other, &call).len(), 4);
}
