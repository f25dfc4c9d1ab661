//! Every text the attribute says, in one place, so that they share a voice: what is wrong, why, and
//! what to write instead.

mod nearest;

use std::fmt::Display;

use proc_macro2::Ident;

pub(crate) use self::nearest::nearest;

/// How each argument is written. The order is the order of the documentation.
const FORMS: &[(&str, &str)] = &[
    ("key", "`key = (patient_id, date)`, `key = order.id`, `key = \"{patient_id}:{date}\"` or `key = all`"),
    ("name", "`name = \"appointments.create\"`"),
    ("skip", "`skip(portal, database)`"),
    ("secret", "`secret(ssn)`"),
    ("scope", "`scope = tenant`"),
    ("store", "`store = self.store`"),
    (
        "check",
        "`check(find_appointment, after = \"2s\")` or `check(find_appointment, after = \"2s\", first)`",
    ),
    ("rerun", "`rerun`, alone"),
    ("on_err", "`on_err = release`, `on_err = store`, or `on_err = path` to a `fn(&E) -> OnErr`"),
    ("wait", "`wait = \"60s\"`, or `wait = \"0s\"` to give up at once"),
    ("keep", "`keep = \"30d\"` or `keep = forever`"),
    ("value", "`value(version = 2)` or `value(version = 2, upgrade = path)`"),
    ("map_err", "`map_err = path` to a `fn(idempotent::Error) -> E`"),
    ("crate", "`crate = path`, the path under which this crate is known: `crate = my_facade::idempotent`"),
];

/// Arguments that have a meaning one day and none yet, with what to do until then.
const NOT_BUILT: &[(&str, &str)] = &[
    ("local", "leave it out: every call asks the store"),
    ("tx", "leave it out: the record is written by the store"),
];

/// The names of all arguments that are built.
pub(crate) fn arguments() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|(name, _)| *name)
}

/// Why an argument is refused by name, if it is one that will exist.
pub(crate) fn not_built(name: &str) -> Option<String> {
    let (_, instead) = NOT_BUILT.iter().find(|(known, _)| *known == name)?;
    Some(format!("`{name}` is not built yet. Until it is, {instead}"))
}

fn form(name: &str) -> &'static str {
    FORMS.iter().find(|(known, _)| *known == name).map_or("", |(_, form)| form)
}

pub(crate) fn malformed(name: impl Display) -> String {
    let form = form(&name.to_string());
    format!("`{name}` is written {form}")
}

pub(crate) fn written_twice(name: impl Display) -> String {
    format!("`{name}` is written twice. Keep one of the two")
}

pub(crate) fn unknown_argument(name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("there is no argument `{name}`. Did you mean `{near}`, as in {}?", form(near)),
        None => format!("there is no argument `{name}`. There are: {}", list(arguments())),
    }
}

pub(crate) const NOT_AN_ARGUMENT: &str =
    "here a name was expected: the arguments are written like `key = (patient_id, date), skip(portal)`";

pub(crate) fn missing_comma(found: &str) -> String {
    format!("a comma is missing before `{found}`")
}

pub(crate) fn not_a_duration(name: &str, text: &str) -> String {
    format!(
        "`{name}` cannot read `{text}` as a duration. Write a whole number and a unit: \
         `500ms`, `2s`, `5m`, `1h` or `30d`"
    )
}

pub(crate) const KEEP_NOTHING: &str = "`keep = \"0s\"` would forget each result at once, and every call would run. \
     Say how long a repeat may come late: `keep = \"30d\"`, or `keep = forever`";

pub(crate) const EMPTY_NAME: &str = "`name` cannot be empty: it is what stored keys are found by. For example `name = \"appointments.create\"`";

pub(crate) const CHECK_NEEDS_PATH: &str =
    "`check` begins with the function that looks: `check(find_appointment, after = \"2s\")`";

pub(crate) fn check_needs_after(path: &str) -> String {
    format!(
        "`check` needs `after`: how long after a crash the interrupted call may still act, so how long a \
         `None` is not believed. Write `check({path}, after = \"2s\")`; `\"0s\"` if it cannot act later"
    )
}

pub(crate) const CHECK_AND_RERUN: &str = "`rerun` and `check` answer the same question, what to do about doubt. \
     Keep `check` to find out first, or `rerun` alone where running twice does no harm";

pub(crate) fn check_unknown(name: &str) -> String {
    format!("`check` has no option `{name}`. It is written {}", form("check"))
}

pub(crate) const CHECK_FIRST_ALONE: &str =
    "`first` is written alone: `check(find_appointment, after = \"2s\", first)`";

pub(crate) const VALUE_NEEDS_VERSION: &str =
    "`value` needs `version`, the version of the results that this code records: `value(version = 2)`";

pub(crate) const VERSION_ZERO: &str = "`version` begins with 1, which every result has that was recorded without a version. \
     Write the next one when the shape of the result changes: `version = 2`";

pub(crate) fn not_a_version(text: &str) -> String {
    format!("`version` cannot be `{text}`. Write a whole number from 1 to {}: `version = 2`", u32::MAX)
}

pub(crate) const UPGRADE_NOT_A_PATH: &str = "`upgrade` is the path of a function: `upgrade = from_older`, \
     a `fn(from: u32, stored: &[u8]) -> Result<T, E>`";

pub(crate) const UPGRADE_OF_NOTHING: &str =
    "`upgrade` has nothing to read: no version is older than 1. Raise `version`, or take `upgrade` away";

pub(crate) fn upgrade_needs_version(path: &str) -> String {
    format!(
        "`upgrade` needs `version`: the version of the results that this code records, from which older ones are told. \
         Write `value(version = 2, upgrade = {path})`"
    )
}

pub(crate) fn value_unknown(name: &str) -> String {
    format!("`value` has no option `{name}`. It is written {}", form("value"))
}

pub(crate) fn key_missing(function: &str, arguments: &[String]) -> String {
    match arguments {
        [] => format!(
            "`key` is missing, and `{function}` has no argument to make one of. \
             Give it an argument that tells one call from another, and write `key = order_id`"
        ),
        [one] => {
            format!(
                "`key` is missing: what makes two calls of `{function}` the same call? Write `key = {one}`"
            )
        }
        many => format!(
            "`key` is missing: what makes two calls of `{function}` the same call? Write `key = ({})`, \
             or those of them that identify it, and `skip(..)` what only helps to do it",
            many.join(", ")
        ),
    }
}

pub(crate) fn key_stray_brace() -> String {
    "`key` has a `}` that closes nothing. One that stands for itself is written `}}`".to_owned()
}

pub(crate) fn key_open_brace(inside: &str) -> String {
    format!(
        "`key` does not close the brace of `{{{inside}`. Close it, or write `{{{{` for a brace that stands for itself"
    )
}

pub(crate) fn key_hole_without_name(inside: &str) -> String {
    format!(
        "`{{{inside}}}` in `key` names no argument. A hole names its argument: `key = \"{{patient_id}}:{{date}}\"`"
    )
}

pub(crate) fn key_hole_with_format(inside: &str, name: &str) -> String {
    format!(
        "`{{{inside}}}` in `key` has a format, and a hole is the plain text of its argument. \
         Write `{{{name}}}`, or `key = ({name}, ..)` for its value"
    )
}

pub(crate) fn key_hole_no_name(inside: &str) -> String {
    format!(
        "`{{{inside}}}` in `key` is neither an argument nor a field of one. \
         Write other expressions as a tuple: `key = (patient_id, day(date))`"
    )
}

pub(crate) fn key_hole_unknown(inside: &str, near: Option<&str>, arguments: &[String]) -> String {
    match (near, arguments) {
        (Some(near), _) => format!("`{{{inside}}}` in `key` is no argument. Did you mean `{{{near}}}`?"),
        (None, []) => {
            format!("`{{{inside}}}` in `key` is no argument, and the function has none: give it one")
        }
        (None, arguments) => {
            let have = list(arguments.iter().map(String::as_str));
            format!("`{{{inside}}}` in `key` is no argument. There are: {have}")
        }
    }
}

pub(crate) fn float_text(name: &str, place: &str) -> String {
    format!(
        "`{name}` is a float, which has no one text (`0.1 + 0.2`, `-0.0`, `NaN`), and cannot fill {place}. \
         Pass an integer or a text"
    )
}

pub(crate) fn scope_format(literal: &str) -> String {
    format!("`scope` is an expression and no format string. Write `scope = format!({literal})`")
}

pub(crate) fn scope_of_secret(name: &str) -> String {
    format!(
        "`scope` names `{name}`, which is a secret, and the scope is stored for all to read. \
         Take another scope, or make `{name}` a part of `key`"
    )
}

pub(crate) fn key_names_nothing(arguments: &[String], near: Option<&str>) -> String {
    let have = if arguments.is_empty() {
        "and the function has none: give it one".to_owned()
    } else {
        format!("of which there are {}", list(arguments.iter().map(String::as_str)))
    };
    match near {
        Some(near) => format!("`key` names no argument. Did you mean `{near}`?"),
        None => {
            format!(
                "`key` names no argument, so all calls would be one. Name at least one of the arguments, {have}"
            )
        }
    }
}

pub(crate) const KEY_ALL_EMPTY: &str = "`key = all` has nothing to take: every argument is skipped or there is none. \
     Name in `key` what identifies the call";

pub(crate) const KEY_ALL_AMBIGUOUS: &str = "`key = all` means all arguments, and one of them is called `all`. For that one alone write `key = (all,)`";

pub(crate) fn stranger(list: &str, name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("`{list}` names `{name}`, which is no argument. Did you mean `{near}`?"),
        None => format!("`{list}` names `{name}`, which is no argument of the function. Leave it out"),
    }
}

pub(crate) const SKIP_SELF: &str =
    "`skip` does not need `self`: the receiver is never part of the fingerprint. Leave it out";

pub(crate) const SECRET_SELF: &str = "`secret` cannot hide parts of `self`. Pass what is secret as an argument of its own, \
     and name that: `secret(ssn)`";

pub(crate) fn names_twice(list: impl Display, name: impl Display) -> String {
    format!("`{list}` names `{name}` twice. Keep one of the two")
}

pub(crate) fn not_a_name(list: &Ident) -> String {
    format!("`{list}` takes names of arguments: {}", form(&list.to_string()))
}

pub(crate) fn skip_in(name: &str, place: &str) -> String {
    format!(
        "`{name}` is in `{place}` and in `skip`. It cannot both identify the call and not matter: take it out of one"
    )
}

pub(crate) fn secret_skipped(name: &str) -> String {
    format!(
        "`{name}` is in `secret` and in `skip`. What is skipped is stored nowhere, so there is nothing to hide: \
         take it out of `secret`"
    )
}

pub(crate) fn name_needed(function: &str, because: &str) -> String {
    format!(
        "`name` is needed, because {because}: two types with a method `{function}` would share their records. \
         Write `name = \"..\"`, a name that is told apart from all others and stays when the code moves"
    )
}

pub(crate) fn float(name: &str) -> String {
    format!(
        "`{name}` holds a float, which has no one spelling to compare (`0.1 + 0.2`, `-0.0`, `NaN`). \
         Pass an integer or a text, or leave it out of the comparison: `skip({name})`"
    )
}

pub(crate) fn unordered(name: &str, kind: &str) -> String {
    let ordered = if kind == "HashMap" { "BTreeMap" } else { "BTreeSet" };
    format!(
        "`{name}` holds a `{kind}`, whose order differs from run to run. \
         Take a `{ordered}`, or leave it out of the comparison: `skip({name})`"
    )
}

pub(crate) fn no_result(function: &str, written: Option<&str>) -> String {
    match written {
        None => format!(
            "`{function}` returns nothing, so it could not say that a call was refused. \
             Return a `Result`: `-> Result<(), E>` with `E: From<idempotent::Error>`"
        ),
        Some(written) => format!(
            "`{written}` cannot carry an error, so `{function}` could not say that a call was refused. \
             Return a `Result`: `-> Result<{written}, E>` with `E: From<idempotent::Error>`"
        ),
    }
}

pub(crate) const RESULT_IMPL: &str = "a result of type `impl Trait` has no name under which it could be read back from the store. \
     Write the type: `-> Result<Appointment, E>`";

pub(crate) fn result_borrowed(owned: &str) -> String {
    format!("a recorded result is read back from the store, so it cannot borrow. Return {owned}")
}

pub(crate) fn result_generic(name: &str) -> String {
    format!(
        "only the result knows `{name}`: no argument shows which type a record was written with, and \
         another caller would read it as his own. Give each type its own function, or take the type from an argument"
    )
}

pub(crate) fn parameter_unseen(name: &str, example: &str) -> String {
    format!(
        "no argument shows `{name}`, so two calls that differ in it would be the same call. \
         Make it a part of `key`, as in `key = (order_id, {example})`, or give each its own function"
    )
}

pub(crate) const CONST_FN: &str =
    "a `const fn` runs in the compiler, where nothing can be recorded. Take `const` away";
pub(crate) const UNSAFE_FN: &str = "an `unsafe fn` makes demands on each call, and a replay or a later attempt cannot meet them. \
     Put the `unsafe` block inside an ordinary function";
pub(crate) const EXTERN_FN: &str = "an `extern` function is called by code that knows no `Result`. \
     Annotate an ordinary function and call it from this one";
pub(crate) const VARIADIC_FN: &str =
    "a variadic function has arguments without names, which nothing could compare. Take a slice";

pub(crate) fn not_a_function(word: &str) -> String {
    match word {
        "impl" | "trait" | "mod" => format!(
            "`#[idempotent(..)]` goes on one function, not on all of `{word}`: \
             put it on each function whose calls are to be recorded"
        ),
        "" => {
            "`#[idempotent(..)]` goes on a function: the function whose calls are to be recorded".to_owned()
        }
        _ => format!("`#[idempotent(..)]` goes on a function, and `{word}` begins something else"),
    }
}
pub(crate) const NO_BODY: &str = "`#[idempotent(..)]` needs the body that it guards. \
     Put it on the method in each `impl`, or on a default method";

pub(crate) fn unreadable(error: &syn::Error) -> String {
    format!("this function has a form that `#[idempotent(..)]` does not know: {error}")
}

pub(crate) fn check_pattern(argument: &str) -> String {
    format!(
        "`check` gets the same arguments, and `{argument}` cannot be put together again. \
         Bind the argument by one name and take it apart in the body"
    )
}

pub(crate) const EFFECT_EMPTY: &str =
    "`effect!` marks nothing. Put the call that acts inside: `effect!(portal.click_submit().await?)`";
pub(crate) const EFFECT_NESTED: &str =
    "`effect!` inside `effect!`: the outer one has already marked the attempt. Take the inner one away";
pub(crate) const EFFECT_IN_CLOSURE: &str = "`effect!` cannot stand in a synchronous closure of an async function, because it has to wait for the \
     store and the closure cannot. Put it around the call that takes the closure, or make it an async closure: `async || ..`";
pub(crate) const EFFECT_IN_ASYNC: &str = "`effect!` cannot stand in an async block of a synchronous function, because it would block the executor \
     that runs the block. Put it around the call that runs the block: `effect!(block_on(async { .. }))`";
pub(crate) const EFFECT_IN_ITEM: &str = "`effect!` marks the attempt of the annotated function, and an item inside it may be used without one. \
     Put it around the call of the item";
pub(crate) const EFFECT_IN_CONST: &str = "`effect!` cannot stand in a `const` block: the compiler runs that, and nothing acts in it. Take it out of the block";
pub(crate) const EFFECT_IN_MACRO: &str = "`effect!` is not seen inside the arguments of another macro. \
     Give its value a name before: `let done = effect!(..);`";

pub(crate) fn effect_unreadable(error: &syn::Error) -> String {
    format!(
        "`effect!` cannot be placed, because this body has a form that `#[idempotent(..)]` does not know: {error}"
    )
}

/// "`a`, `b` and `c`".
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
