//! I6: the same key with another payload is neither run nor replayed.

use super::bench::Bench;
use super::voice::{ask, assert_replay, assert_settled, done, free, subject};
use crate::protocol::{Answer, State};

const REUSED: Answer = Answer::KeyReused { stored: [1; 64] };

/// While an attempt is live, in doubt or recorded, a claim with another payload is told so.
pub(super) fn i6_other_payload_is_refused(bench: &Bench) {
    let (live, doubt, ended) = (subject(), subject(), subject());
    let voice = bench.voice();
    voice.run(&ask(&live));
    voice.run_into_doubt(&ask(&doubt));
    let run = voice.run(&ask(&ended));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    for call in [&live, &doubt, &ended] {
        for other in [ask(call), ask(call).checks(0), ask(call).reruns()] {
            assert_eq!(voice.claim(&other.payload(2)), REUSED);
        }
    }
    assert_replay(voice.claim(&ask(&ended)), "1");
}

/// All 64 bytes of the fingerprint count and come back.
pub(super) fn i6_every_byte_of_the_fingerprint_counts(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    for at in [0, 31, 32, 63] {
        let mut request = voice.request(&ask(&call));
        if let crate::protocol::Request::Claim(claim) = &mut request {
            claim.fingerprint[at] = 0;
        }
        assert_eq!(voice.send(&call, request), REUSED, "byte {at}");
    }
    assert_eq!(voice.record(&call).fingerprint, [1; 64]);
}

/// A wrong payload whose attempt ended before its effect does not block the right one.
pub(super) fn i6_wrong_payload_that_did_nothing_blocks_nobody(bench: &Bench) {
    let (dead, freed) = (subject(), subject());
    bench.dying(|voice| voice.run(&ask(&dead).payload(9)));
    let voice = bench.voice();
    let run = voice.run(&ask(&freed).payload(9));
    assert_settled(voice.settle(&run, free()), State::Free);
    for call in [dead, freed] {
        let run = voice.run(&ask(&call));
        assert_settled(voice.settle(&run, done("1")), State::Done);
        assert_replay(voice.claim(&ask(&call)), "1");
        assert_eq!(voice.claim(&ask(&call).payload(9)), REUSED);
    }
}
