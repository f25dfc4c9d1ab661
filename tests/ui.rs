//! What the compiler says when the attribute is used wrongly, or when the body under it is wrong.
//!
//! Every text is read: one error for one fact, on the user's own tokens, with the name of the argument and the
//! mend. And the user's own mistakes read as they do without the attribute: each file of `ui/user_error` has a
//! twin without it in `ui/user_error/plain`.
//!
//! To see the texts after a change: `TRYBUILD=overwrite cargo test -p idempotent-tests --test ui`, then read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The kinds of misuse, a folder each.
const KINDS: [&str; 6] = ["argument", "key", "effect", "signature", "result", "bounds"];

/// Files whose text says more than one thing, and how many.
const SEVERAL: [(&str, usize); 5] = [
    // All misuses are told at once.
    ("argument/several_at_once", 3),
    ("key/format_several", 2),
    // Rust has no variadic function that is neither `unsafe` nor `extern`.
    ("signature/variadic_fn", 3),
    // Two facts: there is no key, and the float has to be skipped whatever the key is.
    ("key/missing_beside_a_float", 2),
    // One error for each of the two impls.
    ("signature/s63_two_impls_without_names", 2),
];

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

/// The files of a folder with this ending, by name.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let folder = ui().join(folder);
    fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, text)
        })
        .collect()
}

/// All texts about misuse: "kind/name" and what the compiler says.
fn texts() -> BTreeMap<String, String> {
    KINDS
        .iter()
        .flat_map(|kind| {
            files(kind, "stderr").into_iter().map(move |(name, text)| (format!("{kind}/{name}"), text))
        })
        .collect()
}

// Fails when a misuse compiles, or is told in other words.
#[test]
fn misuse_is_told() {
    let cases = trybuild::TestCases::new();
    for kind in KINDS {
        cases.compile_fail(format!("ui/{kind}/*.rs"));
    }
    cases.compile_fail("ui/testing/*.rs");
    cases.compile_fail("ui/user_error/*.rs");
    cases.compile_fail("ui/user_error/plain/*.rs");
}

// Fails when a text has lost its file, or a file its text.
#[test]
fn every_file_has_a_text() {
    let mut count = 0;
    for kind in KINDS.iter().copied().chain(["testing", "user_error", "user_error/plain"]) {
        let sources: Vec<String> = files(kind, "rs").into_keys().collect();
        let told: Vec<String> = files(kind, "stderr").into_keys().collect();
        assert_eq!(sources, told, "{kind}");
        count += if KINDS.contains(&kind) { sources.len() } else { 0 };
    }
    assert!(count >= 120, "{count} misuses");
}

// Fails when one mistake is told twice, or a warning stands beside it.
#[test]
fn one_error_for_one_fact() {
    for (name, text) in texts() {
        let expected = SEVERAL.iter().find(|(known, _)| *known == name).map_or(1, |(_, count)| *count);
        assert_eq!(errors(&text), expected, "{name}:\n{text}");
        assert!(!text.contains("warning:"), "{name} has a warning beside its error:\n{text}");
    }
}

fn errors(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("error")).count()
}

// Fails when an error is shown on the attribute as a whole, which says nothing about where the mistake is.
#[test]
fn errors_are_on_the_users_token() {
    for (name, text) in texts() {
        let (kind, file) = name.split_once('/').unwrap();
        let source = &files(kind, "rs")[file];
        for place in text.lines().filter_map(|line| line.trim_start().strip_prefix("--> ui/")) {
            let mut numbers = place.split(':').skip(1);
            let (Some(line), Some(column)) = (numbers.next(), numbers.next()) else { continue };
            let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
            let at = &source.lines().nth(line - 1).unwrap()[column - 1..];
            assert!(!at.starts_with("#["), "{name} is told on the attribute:\n{text}");
        }
    }
}

// Fails when a text about an argument of the attribute does not name it.
#[test]
fn the_argument_is_named_in_backticks() {
    for (name, text) in texts() {
        let (kind, file) = name.split_once('/').unwrap();
        let named: &[&str] = match kind {
            "key" if file.starts_with("float") || file.starts_with("hash") => &["`skip("],
            // The compiler itself speaks about the name.
            "key" if file.ends_with("misspelt_field") => &["`nummer`"],
            "key" if file == "misspelt_part" => &["`dya`"],
            "key" => &["`key"],
            "effect" => &["`effect!"],
            "argument" => &["`"],
            "signature" if file.contains("name") => &["`name`"],
            _ => &["`"],
        };
        for word in named {
            assert!(text.contains(word), "{name} does not say {word}:\n{text}");
        }
        if kind == "argument" {
            let argument = file.strip_prefix("not_built_").unwrap_or(file);
            let known = [
                "key", "name", "skip", "store", "check", "rerun", "on_err", "wait", "keep", "map_err",
                "scope", "secret", "value", "local", "tx", "crate",
            ];
            if let Some(argument) = known.iter().find(|known| argument.starts_with(**known)) {
                assert!(text.contains(&format!("`{argument}")), "{name} does not name `{argument}`:\n{text}");
            }
        }
    }
}

/// Two misuses that nobody can tell apart: the attribute does not see the other name, and the marker not the attribute.
const ALIKE: [&str; 2] = ["effect/outside", "effect/renamed_outside"];

// Fails when two misuses cannot be told apart by what the compiler says.
#[test]
fn no_two_files_say_the_same() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in texts() {
        // A text of the compiler's says what is wrong in more lines than the first.
        let ours = |line: &&str| {
            if text.starts_with("error[") { !line.contains("-->") } else { line.starts_with("error") }
        };
        let said = text.lines().filter(ours).collect::<Vec<_>>().join("\n");
        if let Some(other) = seen.insert(said, name.clone()) {
            let alike = ALIKE.contains(&&*name) && ALIKE.contains(&&*other);
            assert!(alike, "{name} and {other} say the same:\n{text}");
        }
    }
}

/// The user's own mistakes whose text differs: how many of its first lines do not (the error, and its place), and
/// the reason.
const DIFFERS: [(&str, usize, &str); 3] = [
    ("moved_twice", 2, "the compiler does not offer to clone what an expansion bound"),
    (
        "type_error_of_the_result",
        2,
        "the type of an async block is called inferred, at the place where it is declared",
    ),
    (
        "no_value_at_the_end_sync",
        1,
        "the end of a function is told on its type, the end of a closure on its body",
    ),
];

// Fails when the attribute changes what the compiler says about the body, or where it says it.
#[test]
fn s69_the_users_own_mistakes_read_as_without_the_attribute() {
    let sources = files("user_error", "rs");
    let plain_sources = files("user_error/plain", "rs");
    let plain = files("user_error/plain", "stderr");
    let mut different = Vec::new();
    for (name, text) in files("user_error", "stderr") {
        let twin: Vec<&str> = sources[&name]
            .lines()
            .map(|line| if line.starts_with("#[idempotent::") { "// (without the attribute)" } else { line })
            .collect();
        assert_eq!(twin, plain_sources[&name].lines().collect::<Vec<_>>(), "{name} and its twin");
        let without = plain[&name].replace("user_error/plain/", "user_error/");
        if let Some((_, same, _)) = DIFFERS.iter().find(|(known, _, _)| *known == name) {
            let head = |text: &str| text.lines().take(*same).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(head(&text), head(&without), "{name}");
            assert_eq!(errors(&text), errors(&without), "{name}");
        } else if text != without {
            different.push(format!("{name}\nwith the attribute:\n{text}\nwithout:\n{without}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
