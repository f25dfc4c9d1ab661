//! I5: lists show all doubt, whoever died, and exactly what they were asked for.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::bench::Bench;
use super::i1_one_holder::joined;
use super::voice::{Voice, ask, assert_settled, done, free, subject, subjects};
use crate::key::Key;
use crate::protocol::{Answer, Micros, State, Status};
use crate::store::{Entry, Filter, Subject, Which};

/// A record whose holder died after its marker is listed as in doubt although nobody has called since.
pub(super) fn i5_list_shows_derived_doubt(bench: &Bench) {
    let calls = subjects(3);
    bench.dying(|voice| {
        let run = voice.run(&ask(&calls[0]));
        assert_eq!(voice.mark(&run), Answer::Ok);
        voice.run(&ask(&calls[1]).unmarked());
        voice.run(&ask(&calls[2]));
    });
    let voice = bench.voice();
    assert_eq!(voice.listed(&calls[0], Which::InDoubt), [calls[0].key, calls[1].key]);
    assert_eq!(voice.entry(&calls[0]).status, Status::Doubt);
    assert_eq!(voice.record(&calls[0]).state, State::Running, "doubt is derived, nobody has written it");
    assert_eq!(voice.listed(&calls[0], Which::Unfinished), [calls[2].key]);
}

/// What began and neither happened nor is in doubt is listed as unfinished.
pub(super) fn i5_list_shows_what_is_unfinished(bench: &Bench) {
    let calls = subjects(4);
    let voice = bench.voice();
    voice.run(&ask(&calls[0]));
    let run = voice.run(&ask(&calls[1]));
    assert_settled(voice.settle(&run, free()), State::Free);
    let run = voice.run(&ask(&calls[2]));
    assert_settled(voice.settle(&run, done("1")), State::Done);
    voice.run_into_doubt(&ask(&calls[3]));
    assert_eq!(voice.listed(&calls[0], Which::Unfinished), [calls[0].key, calls[1].key]);
    assert_eq!(voice.listed(&calls[0], Which::InDoubt), [calls[3].key]);
    assert_eq!(voice.listed(&calls[0], Which::All).len(), 4);
}

/// A list has at most `limit` entries, in key order, and goes on after the last key of the page before.
pub(super) fn i5_list_pages_in_key_order(bench: &Bench) {
    let calls = subjects(8);
    let voice = bench.voice();
    for call in [5, 0, 7, 2, 3, 1, 6, 4].map(|i: usize| &calls[i]) {
        voice.run(&ask(call));
    }
    let mut filter = Filter { limit: 3, operation: Some(calls[0].operation.clone()), ..Filter::default() };
    let mut found = Vec::new();
    for size in [3, 3, 2, 0] {
        let page = voice.list(&filter);
        assert_eq!(page.len(), size);
        found.extend(page.iter().map(|entry| entry.subject.key));
        filter.after = found.last().copied();
    }
    assert_eq!(found, calls.iter().map(|call| call.key).collect::<Vec<_>>());
}

/// A list of one operation shows no other, and what it shows is what `load` shows.
pub(super) fn i5_list_of_an_operation_shows_no_other(bench: &Bench) {
    let (one, other) = (subject(), subject());
    let voice = bench.voice();
    for call in [&one, &other] {
        let run = voice.run(&ask(call));
        assert_settled(voice.settle(&run, done("1")), State::Done);
    }
    let filter = Filter { operation: Some(one.operation.clone()), ..Filter::default() };
    assert_eq!(voice.list(&filter), [voice.entry(&one)]);
    let all = Filter { limit: usize::MAX, ..Filter::default() };
    let keys: Vec<_> = voice.list(&all).iter().map(|entry| entry.subject.key).collect();
    assert!(keys.contains(&one.key) && keys.contains(&other.key));
}

/// A list of one scope shows no other.
pub(super) fn i5_list_of_a_scope_shows_no_other(bench: &Bench) {
    let one = subject();
    let mut other = subject();
    Arc::make_mut(&mut other).operation = Arc::clone(&one.operation);
    let voice = bench.voice();
    for call in [&one, &other] {
        voice.run(&ask(call));
    }
    let filter = Filter { scope: Some(one.scope.clone()), ..Filter::default() };
    assert_eq!(voice.list(&filter), [voice.entry(&one)]);
}

/// A list of what is running shows an attempt whose holder lives, and not one that has ended.
pub(super) fn i5_list_shows_what_is_running(bench: &Bench) {
    let calls = subjects(2);
    let voice = bench.voice();
    voice.run(&ask(&calls[0]));
    let over = voice.run(&ask(&calls[1]));
    assert_settled(voice.settle(&over, done("1")), State::Done);
    assert_eq!(voice.listed(&calls[0], Which::Running), [calls[0].key]);
}

/// A list of what began before a time shows what began then, whatever happened to it since, and nothing younger.
pub(super) fn i5_list_shows_what_began_before(bench: &Bench) {
    let call = subject();
    let voice = bench.voice();
    let run = voice.run(&ask(&call));
    let began = voice.record(&call).began_at;
    assert_settled(voice.settle(&run, done("1")), State::Done);
    let before = |time| Filter {
        began_before: Some(time),
        operation: Some(call.operation.clone()),
        ..Filter::default()
    };
    assert_eq!(voice.list(&before(began)), []);
    assert_eq!(voice.list(&before(began + 1)), [voice.entry(&call)]);
}

/// Every combination of a list's conditions shows exactly what all of them let through, in key order.
pub(super) fn i5_list_obeys_every_combination_of_conditions(bench: &Bench) {
    let voice = bench.voice();
    let calls = one_of_each(bench, &voice);
    let all: Vec<Entry> = calls.iter().map(|call| voice.entry(call)).collect();
    let began: Vec<Micros> =
        all.iter().filter_map(|entry| entry.record.as_ref().ok()).map(|r| r.began_at).collect();
    let (first, last) = (&calls[0], &calls[calls.len() - 1]);
    let half = (began.iter().min(), began.iter().max());
    let (Some(oldest), Some(youngest)) = half else { panic!("no record has begun") };
    for which in [Which::All, Which::InDoubt, Which::Unfinished, Which::Running] {
        for operation in [None, Some(&first.operation), Some(&last.operation)] {
            for scope in [None, Some(&first.scope), Some(&last.scope)] {
                for began_before in [None, Some((oldest + youngest) / 2 + 1)] {
                    for after in [None, Some(calls[calls.len() / 2].key)] {
                        // Without a name, what others have put into the store is listed, too.
                        let limits = if operation.or(scope).is_some() {
                            &[1, 3, usize::MAX][..]
                        } else {
                            &[usize::MAX]
                        };
                        for &limit in limits {
                            let (operation, scope) = (operation.cloned(), scope.cloned());
                            let filter = Filter { which, operation, scope, began_before, limit, after };
                            let mut found = voice.list(&filter);
                            found
                                .retain(|entry| all.iter().any(|ours| ours.subject.key == entry.subject.key));
                            let wanted = all.iter().filter(|entry| filter.shows(entry)).take(limit);
                            assert_eq!(found, wanted.cloned().collect::<Vec<_>>(), "{filter:?}");
                        }
                    }
                }
            }
        }
    }
}

/// A record in doubt, a free one, a done one and a running one in each of two operations and two scopes, which are
/// those of the first and of the last; in key order. The records of one scope are younger where time can pass.
fn one_of_each(bench: &Bench, voice: &Voice) -> Vec<Arc<Subject>> {
    let mut calls = subjects(16);
    let (one, other) = (subject(), subject());
    for (place, call) in calls.iter_mut().enumerate() {
        let call = Arc::make_mut(call);
        // Neither name is that of the neighbour alone, so that the key order mixes them.
        call.operation = if place & 4 == 0 { one.operation.clone() } else { other.operation.clone() };
        call.scope = if place & 8 == 0 { one.scope.clone() } else { other.scope.clone() };
    }
    for (place, call) in calls.iter().enumerate() {
        if place == 8 {
            bench.pass_if_it_can(Duration::from_millis(2));
        }
        if place & 3 == 0 {
            voice.run_into_doubt(&ask(call));
            continue;
        }
        let run = voice.run(&ask(call));
        match place & 3 {
            1 => assert_settled(voice.settle(&run, free()), State::Free),
            2 => assert_settled(voice.settle(&run, done("1")), State::Done),
            _ => {}
        }
    }
    calls
}

/// Ten thousand records are listed at once and page by page: each once, in key order, none left out.
pub(super) fn i5_list_of_ten_thousand_leaves_out_none(bench: &Bench) {
    leaves_out_none(bench, 10_000, 3_333);
}

/// Some hundred records are listed so, too: more than a store may ask of its engine at a time.
pub(super) fn i5_list_of_hundreds_leaves_out_none(bench: &Bench) {
    leaves_out_none(bench, 520, 173);
}

fn leaves_out_none(bench: &Bench, records: usize, page: usize) {
    const THREADS: usize = 16;
    let calls = subjects(records);
    let voice = bench.voice();
    thread::scope(|scope| {
        let threads: Vec<_> = calls
            .chunks(calls.len().div_ceil(THREADS))
            .map(|chunk| {
                let voice = &voice;
                scope.spawn(move || chunk.iter().for_each(|call| drop(voice.run(&ask(call)))))
            })
            .collect();
        threads.into_iter().for_each(joined);
    });
    let keys: Vec<Key> = calls.iter().map(|call| call.key).collect();
    let operation = Some(calls[0].operation.clone());
    let mut filter = Filter { operation, limit: usize::MAX, ..Filter::default() };
    let listed =
        |filter: &Filter| voice.list(filter).iter().map(|entry| entry.subject.key).collect::<Vec<_>>();
    assert!(listed(&filter) == keys, "the whole list differs from what was claimed");
    filter.limit = page;
    let mut found: Vec<Key> = Vec::new();
    loop {
        let page = listed(&filter);
        found.extend(&page);
        filter.after = page.last().copied();
        if page.len() < filter.limit {
            break;
        }
    }
    assert!(found == keys, "the pages differ from what was claimed");
}
