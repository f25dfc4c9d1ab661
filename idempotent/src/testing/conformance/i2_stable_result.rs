//! I2: once a caller has seen a result, every later call within `keep` gets the same bytes.

use std::thread;
use std::time::Duration;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{
    Attempt, HOUR, Tries, ask, assert_busy, assert_replay, assert_settled, done, done_for, failed, free,
    in_doubt, json, subject,
};
use crate::protocol::{Answer, Ending, Request, Resolution, State, Status, Value};

/// A recorded result is replayed to every later claim, and to the one that recorded it.
pub(super) fn i2_result_is_replayed(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run(&first);
    assert_settled(voice.settle(&run, done("{\"a\": [1, null]}")), State::Done);
    for later in [first, ask(&call), ask(&call).unmarked(), ask(&call).checks(HOUR), ask(&call).reruns()] {
        assert_replay(voice.claim(&later), "{\"a\": [1, null]}");
    }
    assert_eq!(voice.entry(&call).status, Status::Ended);
}

/// A recorded failure is replayed as a failure.
pub(super) fn i2_failure_is_replayed(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, failed("{\"no\":\"slot\"}")), State::Failed);
    let replay = Answer::Replay(Ending::Failed(json("{\"no\":\"slot\"}")));
    assert_eq!(voice.claim(&ask(&call)), replay);
    assert_eq!(voice.record(&call).last_error.as_deref(), Some("{\"no\":\"slot\"}"));
}

/// JSON comes back to the byte: spaces, numbers that other types would change, and what looks like nothing.
pub(super) fn i2_json_comes_back_to_the_byte(bench: &Bench) {
    let texts = [
        "null",
        "0",
        "1.0",
        "1e3",
        "-0",
        "18446744073709551615",
        "340282366920938463463374607431768211455",
        "\"\"",
        "\"1\"",
        "{}",
        "[]",
        " {\"b\" : 1,\n\"a\":2} ",
        "\"\\u0000 \\ud83e\\udd80 日本 '; drop table record; --\"",
    ];
    for text in texts {
        comes_back(bench, &json(text));
    }
}

/// Bytes of another codec come back as they are, with the codec's name and the version.
pub(super) fn i2_bytes_of_any_codec_come_back(bench: &Bench) {
    let all: Vec<u8> = (0..=255).collect();
    for (bytes, version) in [(&all[..], 0), (b"".as_slice(), 7), (b"\0\0", u32::MAX), (b"\xff'\"", 1)] {
        comes_back(bench, &Value::Bytes { bytes: bytes.into(), codec: "bïn \"x\"".into(), version });
    }
}

/// Whatever a codec is called, its bytes, its name and the version come back, also where a store has a way of its own
/// to keep JSON.
pub(super) fn i2_bytes_of_every_codec_name_come_back(bench: &Bench) {
    let long = "codec ".repeat(200);
    let names = [
        "",
        " ",
        "json",
        "JSON",
        "json ",
        "jsonb",
        "bytes",
        "cbor",
        "postcard/2",
        "null",
        "nul\0",
        "日本",
        &long,
    ];
    for codec in names {
        for bytes in [&b"{\"a\":1}"[..], b"", b"nul\0", b"\xff\xfe", "é".as_bytes()] {
            comes_back(bench, &Value::Bytes { bytes: bytes.into(), codec: codec.into(), version: 3 });
        }
    }
}

/// A value of one mebibyte comes back whole.
pub(super) fn i2_a_mebibyte_comes_back(bench: &Bench) {
    let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    comes_back(bench, &Value::Bytes { bytes: bytes.into(), codec: "bin".into(), version: 1 });
    comes_back(bench, &json(&format!("\"{}\"", "é".repeat(1 << 19))));
}

/// A result that could not be encoded is recorded as just that: neither empty nor `null`.
pub(super) fn i2_missing_value_is_not_an_empty_one(bench: &Bench) {
    comes_back(bench, &Value::Missing { why: "NaN is not \"JSON\"".into() });
}

fn comes_back(bench: &Bench, value: &Value) {
    let voice = bench.voice();
    for fails in [false, true] {
        let call = subject();
        let run = voice.run(&ask(&call));
        let (ending, resolution, state) = if fails {
            let failed = Resolution::Failed { error: value.clone(), text: "no".into(), keep: None };
            (Ending::Failed(value.clone()), failed, State::Failed)
        } else {
            let done = Resolution::Done { value: value.clone(), keep: None };
            (Ending::Done(value.clone()), done, State::Done)
        };
        assert_settled(voice.settle(&run, resolution), state);
        assert!(
            voice.claim(&ask(&call)) == Answer::Replay(ending),
            "another value came back for {value:.200?}"
        );
        let record = voice.record(&call);
        let stored = if fails { record.error } else { record.value };
        assert!(stored.as_ref() == Some(value), "load shows another value than {value:.200?}");
    }
}

/// Whatever the holder sends after its result is recorded is settled already, and changes nothing.
pub(super) fn i2_later_endings_change_nothing(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let before = voice.record(&call);
    for ending in [done("2"), failed("3"), free(), in_doubt("4")] {
        assert_settled(voice.settle(&run, ending), State::Done);
    }
    assert_eq!(voice.record(&call), before);
    assert_replay(voice.claim(&ask(&call)), "1");
}

/// A result whose time to be kept is over is not replayed: the key begins a new life.
pub(super) fn i2_expired_result_runs_again(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let first = ask(&call);
    let run = voice.run(&first);
    assert_settled(voice.settle(&run, done_for("1", Some(0))), State::Done);
    assert_eq!(voice.entry(&call).status, Status::Expired);
    assert_eq!(voice.claim(&first), Answer::Stale, "a late copy of the first claim must not run");
    let second = ask(&call).payload(2);
    let run = voice.run(&second);
    assert_eq!((run.grant.attempt, run.grant.generation), (1, second.token));
    assert_settled(voice.settle(&run, done("2")), State::Done);
    assert_replay(voice.claim(&ask(&call).payload(2)), "2");
}

/// A result whose time is not over is replayed, and says when it will be.
pub(super) fn i2_result_is_replayed_within_keep(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done_for("1", Some(HOUR))), State::Done);
    assert_replay(voice.claim(&ask(&call)), "1");
    let record = voice.record(&call);
    assert_eq!(record.expires_at, Some(record.changed_at + HOUR));
}

/// A result is kept as long as it was asked to be, and not a moment longer.
pub(super) fn i2_keep_ends_when_its_time_is_over(bench: &Bench) {
    let (voice, call, kept) = (bench.voice(), subject(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done_for("1", Some(HOUR))), State::Done);
    let run = voice.run(&ask(&kept));
    assert_settled(voice.settle(&run, done("2")), State::Done);
    bench.pass(Duration::from_secs(3_599));
    assert_replay(voice.claim(&ask(&call)), "1");
    bench.pass(Duration::from_secs(1));
    voice.run(&ask(&call));
    bench.pass(Duration::from_secs(1_000_000_000));
    assert_replay(voice.claim(&ask(&kept)), "2");
}

/// While one thread settles and others claim, nobody runs and nobody sees another value.
pub(super) fn i2_concurrent_settle_and_claims_agree(bench: &Bench) {
    let voice = bench.voice();
    for _ in 0..10 {
        let call = subject();
        let run = voice.run(&ask(&call));
        thread::scope(|scope| {
            let claims: Vec<_> = (0..7)
                .map(|_| {
                    scope.spawn(|| {
                        let mut tries = Tries::default();
                        loop {
                            match voice.claim(&ask(&call)) {
                                Answer::Busy(_) => tries.again("an end"),
                                other => return other,
                            }
                        }
                    })
                })
                .collect();
            assert_busy(voice.claim(&ask(&call)));
            assert_settled(voice.settle(&run, done("\"the one\"")), State::Done);
            for claim in claims {
                assert_replay(joined(claim), "\"the one\"");
            }
        });
    }
}

/// Of threads that settle one attempt at once with different results, one wins and all readers see it.
pub(super) fn i2_concurrent_settles_leave_one_result(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    let run: &Attempt = &run;
    let seen = thread::scope(|scope| {
        let settles: Vec<_> = (0..8)
            .map(|i| {
                let (voice, call) = (&voice, &call);
                scope.spawn(move || {
                    assert_settled(voice.settle(run, done(&i.to_string())), State::Done);
                    voice.claim(&ask(call))
                })
            })
            .collect();
        settles.into_iter().map(joined).collect::<Vec<_>>()
    });
    assert!(seen.iter().all(|answer| *answer == seen[0]), "a result changed after it was seen: {seen:?}");
}

/// An operator cannot change a result that an attempt has recorded.
pub(super) fn i2_operators_cannot_change_an_attempts_result(bench: &Bench) {
    let (voice, call) = (bench.voice(), subject());
    let run = voice.run(&ask(&call));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let operator = voice.operator(&call);
    let resolve = Request::ResolveDone { operator: operator.clone(), value: json("2") };
    assert_eq!(voice.send(&call, resolve), Answer::Stale);
    assert_eq!(voice.send(&call, Request::ResolveFree { operator: operator.clone() }), Answer::Stale);
    assert_eq!(voice.send(&call, Request::Revoke { operator }), Answer::Stale);
    assert_replay(voice.claim(&ask(&call)), "1");
}
