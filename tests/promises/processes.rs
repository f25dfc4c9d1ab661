//! What only a process of its own can show: the installed store, the environment, an end of `main` right after a
//! dropped future, a deploy between two attempts.

use std::future::Future;
use std::path::Path;
use std::task::{Context, Waker};
use std::time::Duration;

use idempotent::{Error, How, MemoryStore, effect, idempotent, observe};
use idempotent_tests::{Child, Ledger, point, run_as_child};

use crate::refused;

fn url(folder: &Path) -> String {
    format!("sqlite:{}/robot.db", folder.display())
}

#[idempotent(key = id, name = "processes.installed")]
fn installed(id: u32) -> Result<u32, Error> {
    Ok(id + 1)
}

/// What a call of a process with this `IDEMPOTENT_URL` comes to.
fn called(entry: &str, url: Option<&str>) -> String {
    Child::start_with(entry, "installed", "", url).result()
}

/// Red when a store is taken that nobody named (install.rs): there is no silent fallback to memory.
#[test]
fn s40_the_environment_names_the_store_or_nobody_does() {
    run_as_child("installed", |_| match observe(|| installed(1)) {
        seen if seen.result.is_ok() => format!("{:?}", seen.outcome.unwrap().how),
        seen => {
            let error = refused(seen.result);
            format!("{}: {error}; {}", error.code(), error.advice())
        }
    });
    let entry = "processes::s40_the_environment_names_the_store_or_nobody_does";
    for nothing in [None, Some("")] {
        let told = called(entry, nothing);
        assert!(told.starts_with("not_installed: no store is installed for `processes.installed`"), "{told}");
        assert!(told.contains("IDEMPOTENT_URL") && told.contains("install"), "{told}");
    }
    let told = called(entry, Some("robot.db"));
    assert!(told.starts_with("store: ") && told.contains("`robot.db:` names no store"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let url = url(folder.path());
    assert_eq!(called(entry, Some(&url)), "Executed");
    assert_eq!(called(entry, Some(&url)), "Replayed", "a second process, the same file");
    assert_eq!(called(entry, Some("memory:")), "Executed");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let strange = std::ffi::OsStr::from_bytes(b"sqlite:r\xffbot.db");
        let told = Child::start_with(entry, "installed", "", Some(strange)).result();
        assert!(told.starts_with("store: ") && told.contains("`IDEMPOTENT_URL` is not UTF-8"), "{told}");
        assert!(told.contains("sqlite:r\u{fffd}bot.db") && told.contains("SqliteOptions::new"), "{told}");
    }
}

/// Red when a second store is taken, or the first is forgotten.
#[test]
fn a_store_is_installed_once() {
    run_as_child("installs", |_| {
        idempotent::install(idempotent::Handle::new(MemoryStore::new())).unwrap();
        installed(1).unwrap();
        let again = idempotent::install(idempotent::Handle::new(MemoryStore::new())).unwrap_err();
        let replayed = observe(|| installed(1)).outcome.unwrap().how == How::Replayed;
        format!("{} {replayed} {again}; {}", again.code(), again.advice())
    });
    run_as_child("installs late", |_| {
        installed(1).unwrap();
        idempotent::install(idempotent::Handle::new(MemoryStore::new())).unwrap_err().code().to_owned()
    });
    let entry = "processes::a_store_is_installed_once";
    let told = Child::start(entry, "installs", "").result();
    assert!(told.starts_with("store true ") && told.contains("a store is installed already"), "{told}");
    assert!(told.contains("call `install` once"), "{told}");
    assert_eq!(Child::start_with(entry, "installs late", "", Some("memory:")).result(), "store");
}

#[idempotent(key = id, name = "processes.dropped", skip(ledger))]
async fn dropped(ledger: &Ledger, id: u32) -> Result<u32, Error> {
    effect!(ledger.act(&id.to_string()));
    if id == 1 {
        std::future::pending::<()>().await;
    }
    Ok(id)
}

/// Red when `drain` does not wait for the keeper (keeper/mod.rs `drain`): the process ends before it has settled.
#[test]
fn s77_main_ends_right_after_a_future_was_dropped() {
    run_as_child("drops", |folder| {
        let ledger = Ledger::at(Path::new(folder).join("ledger"));
        let mut call = Box::pin(dropped(&ledger, 1));
        while ledger.lines().is_empty() {
            // The calls of the store are answered by another thread.
            let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            std::thread::yield_now();
        }
        drop(call);
        idempotent::drain(Duration::from_secs(20)).wait().to_string()
    });
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().to_str().unwrap();
    let entry = "processes::s77_main_ends_right_after_a_future_was_dropped";
    let left = Child::start_with(entry, "drops", input, Some(&url(folder.path()))).result();
    assert_eq!(left, "0", "nothing is left to record");
    let handle = idempotent::open(&url(folder.path())).unwrap();
    let entries = handle.list(&idempotent::Filter::default()).wait().unwrap();
    let record = entries[0].record.as_ref().unwrap();
    assert_eq!(record.state, idempotent::protocol::State::InDoubt, "written, not only derived");
    assert_eq!(Ledger::at(folder.path().join("ledger")).lines(), ["1"]);
}

mod version_1 {
    use super::*;

    #[idempotent(key = id, name = "processes.deployed", skip(ledger))]
    pub(super) fn unmarked(ledger: &Ledger, id: u32) -> Result<u32, Error> {
        ledger.act(&id.to_string());
        point("acted");
        Ok(1)
    }

    #[idempotent(key = id, name = "processes.deployed", skip(ledger))]
    pub(super) fn marked(ledger: &Ledger, id: u32) -> Result<u32, Error> {
        point("before the marker");
        effect!(ledger.act(&id.to_string()));
        Ok(1)
    }
}

mod version_2 {
    use super::*;

    #[idempotent(key = id, name = "processes.deployed", skip(ledger))]
    pub(super) fn marked(ledger: &Ledger, id: u32) -> Result<u32, Error> {
        effect!(ledger.act(&id.to_string()));
        Ok(2)
    }

    #[idempotent(key = id, name = "processes.deployed", skip(ledger))]
    pub(super) fn unmarked(ledger: &Ledger, id: u32) -> Result<u32, Error> {
        ledger.act(&id.to_string());
        Ok(2)
    }

    /// `version_1::marked` under another name, in another module.
    #[idempotent(key = number, name = "processes.deployed", skip(ledger))]
    pub(super) fn book_anew(ledger: &Ledger, number: u32) -> Result<u32, Error> {
        effect!(ledger.act(&number.to_string()));
        Ok(2)
    }
}

type Version = fn(&Ledger, u32) -> Result<u32, Error>;

/// What a process comes to that runs this version of the code.
fn as_version(role: &str, version: Version) {
    run_as_child(role, |folder| {
        let ledger = Ledger::at(Path::new(folder).join("ledger"));
        version(&ledger, 1).map_or_else(|error| error.code().to_owned(), |value| value.to_string())
    });
}

/// Red when the macro puts the path of a function with a pinned name into its key, or the names of its arguments.
#[test]
fn s11_the_next_program_has_renamed_the_function() {
    as_version("before", version_1::marked);
    as_version("after", version_2::book_anew);
    let entry = "processes::s11_the_next_program_has_renamed_the_function";
    let folder = tempfile::tempdir().unwrap();
    let (input, url) = (folder.path().to_str().unwrap(), url(folder.path()));
    for program in ["before", "after"] {
        assert_eq!(Child::start_with(entry, program, input, Some(&url)).result(), "1", "{program}");
    }
    assert_eq!(Ledger::at(folder.path().join("ledger")).lines(), ["1"]);
}

/// Red when the store forgets what the code of the dead process had announced. The processes are killed.
#[test]
fn s54_version_1_is_killed_and_version_2_is_deployed() {
    as_version("1 unmarked", version_1::unmarked);
    as_version("1 marked", version_1::marked);
    as_version("2 unmarked", version_2::unmarked);
    as_version("2 marked", version_2::marked);
    let entry = "processes::s54_version_1_is_killed_and_version_2_is_deployed";
    for (first, dies_at, second, told, acts) in [
        ("1 unmarked", "acted", "2 marked", "in_doubt", 1),
        ("1 marked", "before the marker", "2 unmarked", "2", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (input, url) = (folder.path().to_str().unwrap(), url(folder.path()));
        let mut child = Child::start_with(entry, first, input, Some(&url));
        child.until(dies_at);
        child.kill();
        assert_eq!(Child::start_with(entry, second, input, Some(&url)).result(), told, "{first}, {second}");
        assert_eq!(Ledger::at(folder.path().join("ledger")).lines().len(), acts, "{first}, {second}");
    }
}
