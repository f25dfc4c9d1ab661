//! Each way in which code can leave its lock file, and the whole of what is said about it.
//!
//! Each module is a program after a change, and beside it stands what is said when it is held against the program
//! before. Every text is read: it names the operation, what has changed, what becomes of stored records, and the mend.
//!
//! All of it is red when `assert_keys_locked!` does not see the change, or says something else of it.

#![allow(dead_code, reason = "these functions are listed, and never called")]

use std::fs;
use std::panic::catch_unwind;

use idempotent::testing::locked;
use idempotent::{Error, idempotent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What is booked.
#[derive(Serialize, Deserialize)]
pub struct Order {
    id: u64,
    clinic: String,
    urgent: bool,
}

/// Something else that has an `id`.
#[derive(Serialize, Deserialize)]
pub struct Other {
    id: String,
}

/// What a booking gives.
#[derive(Serialize, Deserialize)]
pub struct Receipt(u32);

/// A newtype around a number.
#[derive(Serialize, Deserialize)]
pub struct PatientId(u32);

impl std::fmt::Display for PatientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "patient {}", self.0)
    }
}

/// At most `N` rows.
#[derive(Serialize, Deserialize)]
pub struct Page<T, const N: usize> {
    rows: Vec<T>,
}

/// The program before: `clinic.book`.
const BOOK: &str = r#"
["clinic.book"]
key = ["patient", "order.id"]
rest = ["order", "note", "urgent"]
arguments = ["patient: u32", "order: &Order", "note: &str", "urgent: bool"]
value = "u32"
"#;

/// The program before, where it is generic: `clinic.page`.
const PAGE: &str = r#"
["clinic.page"]
key = ["day"]
generics = ["T", "const N: usize"]
arguments = ["day: &str"]
value = "Page<T, N>"
"#;

/// The program before, with all that an attribute can say of a key: `clinic.sent`.
const SENT: &str = r#"
["clinic.sent"]
scope = "clinic"
key = ['"{day}:{code}"']
secret = ["code"]
arguments = ["clinic: &str", "day: u32", "code: &str"]
value = "u32"
version = 2
"#;

/// Reads an older result.
fn upgrade(_from: u32, _stored: &[u8]) -> Result<u32, Error> {
    unread()
}

fn unread<T>() -> Result<T, Error> {
    unreachable!("no test calls the functions")
}

/// What `assert_keys_locked!` says when the module is held against the file; "" if it does not fail.
fn told(module: &str, before: &str) -> String {
    let others: Vec<String> = PROGRAMS
        .iter()
        .filter(|other| **other != module)
        .map(|other| format!("changes::{other}"))
        .chain(["locked".to_owned()])
        .collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("idempotent.lock"), before).unwrap();
    let folder = folder.path().to_str().unwrap();
    match catch_unwind(|| locked::assert("clinic", folder, "idempotent.lock", &others)) {
        Ok(()) => String::new(),
        Err(panic) => *panic.downcast::<String>().expect("a panic with a text"),
    }
}

/// What is said: the worst of it from the head, and then all between head and foot, without the places.
fn difference(module: &str, before: &str) -> String {
    let text = told(module, before);
    let Some(text) = text.strip_prefix("idempotent.lock and the code differ: ") else { return text };
    let (text, _) = text.split_once("\nIf all of that is meant").expect("the foot");
    let short =
        |line: &str| line.split_once(" (tests/locked/changes.rs:").map_or(line, |(name, _)| name).to_owned();
    text.lines().map(short).collect::<Vec<_>>().join("\n").replacen(".\n\n", "\n", 1)
}

/// Programs, each with what it is held against and what is said.
macro_rules! programs {
    ($($module:ident: $before:ident { $($function:item)* } => $said:literal;)*) => {
        const PROGRAMS: &[&str] = &[$(stringify!($module)),*];

        $(mod $module {
            #[allow(unused_imports, reason = "not every program names all")]
            use super::{DeserializeOwned, Error, Order, Page, PatientId, Serialize, idempotent, unread};

            $($function)*
        }

        #[test]
        fn $module() {
            assert_eq!(difference(stringify!($module), $before).trim_end(), $said);
        })*
    };
}

programs! {
    nothing: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##""##;

    nothing_but_spelling: BOOK {
        #[idempotent(key = (&patient, (order.id)), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.book
    is written in other words
        stored records: nothing happens to them
        mend: not needed; accept it"##;

    a_part_more: BOOK {
        #[idempotent(key = (patient, order.id, note), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.book
    the key was (patient, order.id), is (patient, order.id, note)
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    a_part_less: BOOK {
        #[idempotent(key = patient, name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.book
    the key was (patient, order.id), is (patient)
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    parts_traded: BOOK {
        #[idempotent(key = (order.id, patient), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.book
    the key was (patient, order.id), is (order.id, patient)
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    another_part: BOOK {
        #[idempotent(key = (patient, order.urgent), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.book
    part 2 of the key was `order.id`, is `order.urgent`
        stored records: unless both always have one value, re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    an_argument_of_the_key_renamed: BOOK {
        #[idempotent(key = (person, order.id), name = "clinic.book")]
        fn book(person: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.book
    part 1 of the key was `patient`, is `person`
        stored records: unless both always have one value, re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    a_number_becomes_a_text: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: String, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.book
    `patient` was `u32`, is `String`
        stored records: re-opened: what is done would run again!
        mend: write the type as it was, or accept this when nothing stored matters any more"##;

    a_number_becomes_wider: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u64, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.book
    `patient` was `u32`, is `u64`
        stored records: nothing happens to them: both are the same in a key
        mend: not needed; accept it"##;

    a_number_becomes_a_type_of_ones_own: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: PatientId, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.book
    `patient` was `u32`, is `PatientId`
        stored records: unless serde writes both alike, re-opened: what is done would run again!
        mend: write the type as it was, or accept this when nothing stored matters any more"##;

    the_type_under_a_part_changes: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &super::Other, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.book
    `order` was `&Order`, is `&super::Other`
        stored records: unless the key has the same value for both, re-opened: what is done would run again!
        mend: write the type as it was, or accept this when nothing stored matters any more"##;

    renamed: BOOK {
        #[idempotent(key = (patient, order.id))]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
changes::renamed::book
    is new, and `clinic.book`, which looks the same, is gone
        stored records: unless it is another operation, re-opened: what is done would run again!
        mend: `name = "clinic.book"` keeps the stored keys; if it is another operation, accept it"##;

    an_argument_more: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool, at: u8) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored records may be refused
clinic.book
    new beside the key: `at`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: `skip` it if calls that differ in it are one call, or accept this when calls of stored keys are over"##;

    an_argument_skipped: BOOK {
        #[idempotent(key = (patient, order.id), skip(urgent), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            let _ = urgent;
            unread()
        }
    } => r##"stored records may be refused
clinic.book
    no longer beside the key: `urgent`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: write it as it was, or accept this when calls of stored keys are over"##;

    an_argument_renamed: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, remark: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored records may be refused
clinic.book
    no longer beside the key: `note`; new there: `remark`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: keep the old name if only the name has changed, or accept this when calls of stored keys are over"##;

    arguments_traded: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, urgent: bool, note: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored records may be refused
clinic.book
    beside the key, the arguments were (order, note, urgent), are (order, urgent, note)
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: write them in the old order, or accept this when calls of stored keys are over"##;

    an_argument_becomes_a_number: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: u64, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored records may be refused
clinic.book
    `note` was `&str`, is `u64`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: write the type as it was, or accept this when nothing stored matters any more"##;

    an_argument_becomes_owned: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: Box<str>, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.book
    `note` was `&str`, is `Box<str>`
        stored records: nothing happens to them: both are the same in a key
        mend: not needed; accept it"##;

    another_result: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<super::Receipt, Error> {
            unread()
        }
    } => r##"no key changes
clinic.book
    the recorded value was `u32`, is `super::Receipt`
        stored records: found; a result that does not fit is the error `stored_value`, never a second run
        mend: `value(version = 2, upgrade = ..)` if serde reads them differently; else accept it"##;

    another_operation: BOOK {
        #[idempotent(key = (patient, order.id), name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }

        #[idempotent(key = patient, name = "clinic.cancel")]
        fn cancel(patient: u32) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.cancel
    is new
        stored records: it has none
        mend: not needed; accept it"##;

    gone: BOOK {
        #[idempotent(key = day, name = "clinic.open")]
        fn open(day: u8) -> Result<(), Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.open
    is new
        stored records: it has none
        mend: not needed; accept it

clinic.book
    is gone
        stored records: unless nothing has taken its place, re-opened: what is done would run again!
        mend: `name = "clinic.book"` on the function that has taken its place; if there is none, accept it"##;

    nothing_generic: PAGE {
        #[idempotent(key = day, skip(like), name = "clinic.page")]
        fn page<T: Serialize + DeserializeOwned, const N: usize>(day: &str, like: T) -> Result<Page<T, N>, Error> {
            drop(like);
            unread()
        }
    } => r##""##;

    generics_renamed: PAGE {
        #[idempotent(key = day, skip(like), name = "clinic.page")]
        fn page<R: Serialize + DeserializeOwned, const N: usize>(day: &str, like: R) -> Result<Page<R, N>, Error> {
            drop(like);
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.page
    the parameters in the key were <T, const N: usize>, are <R, const N: usize>
        stored records: unless they only have other names, re-opened: what is done would run again!
        mend: write them as they were, or accept this when nothing stored matters any more
    the recorded value was `Page<T, N>`, is `Page<R, N>`
        stored records: found; a result that does not fit is the error `stored_value`, never a second run
        mend: `value(version = 2, upgrade = ..)` if serde reads them differently; else accept it"##;

    generics_fewer: PAGE {
        #[idempotent(key = day, skip(like), name = "clinic.page")]
        fn page<T: Serialize + DeserializeOwned>(day: &str, like: T) -> Result<Page<T, 9>, Error> {
            drop(like);
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.page
    the parameters in the key were <T, const N: usize>, are <T>
        stored records: re-opened: what is done would run again!
        mend: write them as they were, or accept this when nothing stored matters any more
    the recorded value was `Page<T, N>`, is `Page<T, 9>`
        stored records: found; a result that does not fit is the error `stored_value`, never a second run
        mend: `value(version = 2, upgrade = ..)` if serde reads them differently; else accept it"##;

    nothing_of_all: SENT {
        #[idempotent(key = r"{day}:{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##""##;

    a_scope_gone: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", value(version = 2, upgrade = super::upgrade), secret(code))]
        fn sent(day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.sent
    the scope `clinic` is gone
        stored records: re-opened: what is done would run again!
        mend: write the scope as it was, or accept this when nothing stored matters any more"##;

    another_scope: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = &clinic[1..], secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.sent
    the scope was `clinic`, is `&clinic[1..]`
        stored records: unless both always have one value, re-opened: what is done would run again!
        mend: write the scope as it was, or accept this when nothing stored matters any more
    new beside the key: `clinic`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: `skip` it if calls that differ in it are one call, or accept this when calls of stored keys are over"##;

    a_scope_more: BOOK {
        #[idempotent(key = (patient, order.id), scope = order.clinic, name = "clinic.book")]
        fn book(patient: u32, order: &Order, note: &str, urgent: bool) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.book
    the scope `order.clinic` is new
        stored records: re-opened: what is done would run again!
        mend: write the scope as it was, or accept this when nothing stored matters any more"##;

    a_secret_told: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = clinic, value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.sent
    secret was (code), is ()
        stored records: unless no pepper is installed, re-opened: what is done would run again!
        mend: write it as it was, or accept this when nothing stored matters any more"##;

    another_text_around_the_holes: SENT {
        #[idempotent(key = "{day}-{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.sent
    part 1 of the key was `"{day}:{code}"`, is `"{day}-{code}"`
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    a_hole_of_another_name: SENT {
        #[idempotent(key = "{date}:{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, date: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.sent
    part 1 of the key was `"{day}:{code}"`, is `"{date}:{code}"`
        stored records: unless both always have one value, re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    a_hole_of_another_type: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: PatientId, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys may be re-opened
clinic.sent
    new beside the key: `day`
        stored records: refused: a call of a stored key ends in `key_reused`
        mend: `skip` it if calls that differ in it are one call, or accept this when calls of stored keys are over
    `day` was `u32`, is `PatientId`
        stored records: unless both are shown alike, re-opened: what is done would run again!
        mend: write the type as it was, or accept this when nothing stored matters any more"##;

    a_hole_of_a_wider_number: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u64, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.sent
    `day` was `u32`, is `u64`
        stored records: nothing happens to them: both are the same in a key
        mend: not needed; accept it"##;

    no_format_string: SENT {
        #[idempotent(key = format!("{day}:{code}"), name = "clinic.sent", scope = clinic, secret(code), value(version = 2, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"stored keys would be re-opened
clinic.sent
    part 1 of the key was `"{day}:{code}"`, is `format!("{day}:{code}")`
        stored records: re-opened: what is done would run again!
        mend: write the key as it was, or accept this when nothing stored matters any more"##;

    a_newer_result: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = clinic, secret(code), value(version = 3, upgrade = super::upgrade))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.sent
    the version of the value was 2, is 3
        stored records: found; older results go through `upgrade`
        mend: not needed; accept it"##;

    an_older_result: SENT {
        #[idempotent(key = "{day}:{code}", name = "clinic.sent", scope = clinic, secret(code))]
        fn sent(clinic: &str, day: u32, code: &str) -> Result<u32, Error> {
            unread()
        }
    } => r##"no key changes
clinic.sent
    the version of the value was 2, is 1
        stored records: found; a result of a newer version is the error `stored_value`, never a second run
        mend: count on: `value(version = 3, upgrade = ..)`"##;
}
