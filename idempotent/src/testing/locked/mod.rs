//! Keys that cannot change unseen: the operations of a program, held against a file that is reviewed.

mod changes;
mod types;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::thread;

use self::changes::Told;
use crate::lock::{LockFile, LockFileError, Locked};
use crate::operation::Operation;

/// The environment variable that says that changes are accepted.
const VARIABLE: &str = "IDEMPOTENT_LOCK";

/// An annotated function, as its expansion lists it.
#[derive(Debug)]
pub struct Registered {
    operation: &'static Operation,
    module: &'static str,
    lines: &'static str,
}

inventory::collect!(Registered);

impl Registered {
    /// Called by expanded code alone.
    #[must_use]
    pub const fn new(operation: &'static Operation, module: &'static str, lines: &'static str) -> Registered {
        Registered { operation, module, lines }
    }

    fn is_in(&self, module: &str) -> bool {
        self.module.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }

    fn place(&self) -> String {
        let (file, line) = self.operation.written_at();
        format!("{file}:{line}")
    }

    /// Reads the lines that the attribute has written.
    fn locked(&self) -> Locked {
        let mut locked = Locked::default();
        for (word, what) in self.lines.lines().filter_map(|line| line.split_once(' ')) {
            let what = what.to_owned();
            match word {
                "scope" => locked.scope = Some(what),
                "key" => locked.key.push(what),
                "secret" => locked.secret.push(what),
                "generic" => locked.generics.push(what),
                "rest" => locked.rest.push(what),
                "argument" => locked.arguments.push(what),
                "value" => locked.value = what,
                "version" => locked.version = what.parse().unwrap_or(locked.version),
                _ => {}
            }
        }
        locked
    }
}

/// Fails when the keys of this program's operations are not those of the file, and says what a change does to the
/// records that are stored.
///
/// The key of a call is a hash of the operation's name and the parts of its key. Rename the function, trade two
/// parts, turn a number into a text: everything compiles, every test passes, and in production no stored key is
/// found again, so that all that is done runs again. This test sees it first:
///
/// ```ignore
/// #[test]
/// fn keys_are_locked() {
///     idempotent::testing::assert_keys_locked!("idempotent.lock");
/// }
/// ```
///
/// The file lies beside the `Cargo.toml` of the crate that says this. The test writes it when it is run with
/// `IDEMPOTENT_LOCK=write` in the environment, which is also how a change is accepted; where `CI` is set it refuses
/// to. Commit the file, and read its differences in reviews. Every difference fails, a harmless one too, so that the
/// file always says what the code does; the message tells which is which.
///
/// # What it sees
/// All functions under `#[idempotent(..)]` that are linked into the test: those of the crate, those of its
/// dependencies, and those written in the tests themselves. An integration test that uses nothing else of the crate
/// links it with `use my_crate as _;`. What does not belong in the file is left out by module:
///
/// ```no_run
/// idempotent::testing::assert_keys_locked!("idempotent.lock", except = ["robot::tests", "other_crate"]);
/// ```
///
/// It does not see operations that are made without the attribute, nor into types: how `Order` is serialized, or what
/// the parameter `T` stands for, is not in a function's signature. The name of a type that stands for `T` is part of
/// the key, and `rename` on a field changes it as well.
///
/// # Panics
/// If there is a difference; if the file is missing or is no lock file; if two operations have one name; if no
/// operation is linked.
#[macro_export]
macro_rules! assert_keys_locked {
    ($file:expr $(, except = [$($module:expr),* $(,)?])? $(,)?) => {
        $crate::testing::locked::assert(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_MANIFEST_DIR"),
            ::core::convert::AsRef::<str>::as_ref($file),
            &[$($($module),*)?],
        )
    };
}
pub use assert_keys_locked;

/// What [`assert_keys_locked!`] does.
///
/// # Panics
/// As the macro says.
#[track_caller]
pub fn assert(package: &str, folder: &str, file: &str, except: &[&str]) {
    let path = Path::new(folder).join(file);
    let program = match Program::linked(except) {
        Ok(program) => program,
        Err(text) => panic!("{file} cannot be held against the code: {text}"),
    };
    let accept = accept(package);
    let known = LockFile::read(&path);
    match env::var(VARIABLE) {
        Ok(wish) if wish == "write" => {
            assert!(
                !on_ci(),
                "{VARIABLE}=write is set where `CI` is: a change of keys is accepted by a person who has read it"
            );
            write(&path, &known, &program);
            return;
        }
        Ok(wish) if !wish.is_empty() => {
            panic!("{VARIABLE}={wish} means nothing; {VARIABLE}=write accepts what has changed")
        }
        Ok(_) | Err(_) => {}
    }
    let known = match known {
        Ok(known) => known,
        Err(LockFileError::Missing) => panic!(
            "{} is missing: nothing says what the keys of this program were made of.\n\nWrite it and commit it:\n    \
             {accept}",
            path.display()
        ),
        Err(error) => panic!(
            "{file} cannot be used: {error}\n\nTake it from the version control as it was, or write it anew:\n    {accept}"
        ),
    };
    if let Some(Told { text, worst }) = changes::told(&known, &program.file, |name| program.place(name)) {
        panic!(
            "{file} and the code differ: {worst}.\n\n{text}\
             If all of that is meant, accept it and commit {file}:\n    {accept}"
        );
    }
}

/// The operations that are linked into this test.
struct Program {
    file: LockFile,
    places: BTreeMap<&'static str, String>,
}

impl Program {
    fn linked(except: &[&str]) -> Result<Program, String> {
        let mut places: BTreeMap<&'static str, String> = BTreeMap::new();
        let mut operations = Vec::new();
        for known in inventory::iter::<Registered> {
            if except.iter().any(|module| known.is_in(module)) {
                continue;
            }
            let name = known.operation.name();
            if let Some(other) = places.insert(name, known.place()) {
                return Err(format!(
                    "two operations are called `{name}`, at {other} and at {}; give each a `name = \"..\"` of its own",
                    known.place()
                ));
            }
            operations.push((name.to_owned(), known.locked()));
        }
        if operations.is_empty() {
            return Err("no operation is linked into this test; an integration test links the crate with \
                        `use my_crate as _;`"
                .to_owned());
        }
        Ok(Program { file: operations.into_iter().collect(), places })
    }

    fn place(&self, name: &str) -> Option<&str> {
        self.places.get(name).map(String::as_str)
    }
}

/// The command that accepts what this test finds.
fn accept(package: &str) -> String {
    let test = match thread::current().name() {
        // The test harness calls a test's thread by the test's name.
        Some(name) if name != "main" => format!(" {name}"),
        _ => String::new(),
    };
    format!("{VARIABLE}=write cargo test -p {package}{test}")
}

fn on_ci() -> bool {
    env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false" && ci != "0")
}

/// Writes the file and says so where the test harness does not hide it.
#[track_caller]
fn write(path: &Path, known: &Result<LockFile, LockFileError>, program: &Program) {
    let known = known.as_ref().ok();
    if known == Some(&program.file) {
        return;
    }
    if let Err(error) = fs::write(path, program.file.to_string()) {
        panic!("{} cannot be written: {error}", path.display());
    }
    let mut text = format!("{VARIABLE}=write: wrote {}\n", path.display());
    if let Some(Told { text: changes, worst }) =
        known.and_then(|known| changes::told(known, &program.file, |name| program.place(name)))
    {
        text = format!("{text}You accept ({worst}):\n\n{changes}");
    }
    // A test that cannot speak has still written the file, and the difference is seen when it is committed.
    let _ = stderr().write_all(text.as_bytes());
}
