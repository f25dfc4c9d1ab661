//! Who is alive: each store of each process holds an OS lock on a file of its own beside the database.
//!
//! The lock goes with the process, however that ends, and stays while it is merely stopped. So: lock held,
//! alive; lock free on the very file that the record's process names (device, inode, and the name inside),
//! dead. A file that is missing or another one proves nothing, and the lease decides. A probe is a *shared*
//! lock, so that two probes never take each other for the holder.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::place::{Identity, Place};
use crate::protocol::{Liveness, Micros, Process};
use crate::store::here;

/// How many other processes are remembered.
const REMEMBERED: usize = 1_024;
/// How often a new lock file is tried when a cleaner removes it between creation and lock.
const TRIES: usize = 1_000;

/// This store's own lock file, and what it knows of the others'.
pub(super) struct Holders {
    place: Place,
    own: Mutex<Own>,
    others: Mutex<HashMap<Process, Other>>,
}

/// The lock files that this store holds.
#[derive(Default)]
struct Own {
    current: Option<Mine>,
    /// Whether the row that names `current` is durable.
    registered: bool,
    /// Files that went away under us. They stay locked until no record names them.
    former: Vec<Mine>,
}

struct Mine {
    id: Process,
    path: PathBuf,
    identity: Identity,
    /// Holds the lock as long as it is open.
    file: File,
}

/// Another process, as its lock file shows it.
enum Other {
    /// Dead once is dead for ever: names are random and never used again.
    Dead {
        named: Arc<str>,
    },
    Known {
        file: File,
        named: Arc<str>,
    },
}

impl Mine {
    fn stands(&self) -> bool {
        matches!(Identity::at(&self.path), Ok(Some(found)) if found == self.identity)
    }
}

impl Holders {
    pub(super) fn new(place: &Place) -> Holders {
        Holders { place: place.clone(), own: Mutex::default(), others: Mutex::default() }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: Process) -> PathBuf {
        self.place.holders.join(id.to_string())
    }

    /// The name under which this store claims. Looks at its lock file first: if that is gone, a new one is
    /// made and locked, so that no claim and no mark ever rests on a file that nobody can find.
    pub(super) fn stand(&self) -> Result<Process, Fault> {
        let mut own = self.own();
        if let Some(mine) = &own.current
            && mine.stands()
        {
            return Ok(mine.id);
        }
        let mine = self.lock_new_file()?;
        let id = mine.id;
        let gone = own.current.replace(mine);
        own.former.extend(gone);
        own.registered = false;
        Ok(id)
    }

    fn lock_new_file(&self) -> Result<Mine, Fault> {
        let folder = &self.place.holders;
        let failed = |error| Fault::io("lock a file in", folder, error);
        fs::create_dir_all(folder).map_err(failed)?;
        for _ in 0..TRIES {
            let mut id = [0; 16];
            getrandom::fill(&mut id).map_err(|error| failed(io::Error::other(error.to_string())))?;
            let id = Process(id);
            let path = self.path(id);
            let mut file = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            match file.try_lock() {
                Ok(()) => {}
                // A cleaner is looking at it.
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            file.write_all(id.to_string().as_bytes()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            let identity = Identity::of(&file.metadata().map_err(failed)?);
            let mine = Mine { id, path, identity, file };
            // A cleaner may have removed it between creation and lock.
            if mine.stands() {
                return Ok(mine);
            }
        }
        Err(failed(io::Error::other("each new lock file was removed at once")))
    }

    /// Writes the row that names this store, in the transaction of the first move that needs it, and moves
    /// running records from a lock file that went away to the new one.
    pub(super) fn register(&self, connection: &Connection, wall: Micros) -> rusqlite::Result<()> {
        let own = self.own();
        let Some(mine) = own.current.as_ref().filter(|_| !own.registered) else {
            return Ok(());
        };
        let Identity { device, inode } = mine.identity;
        connection.execute(
            "INSERT OR REPLACE INTO process (id, device, inode, pid, host, program, version, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                &mine.id.0[..],
                device.cast_signed(),
                inode.cast_signed(),
                std::process::id(),
                here::host(),
                here::program(),
                env!("CARGO_PKG_VERSION"),
                wall
            ],
        )?;
        for gone in &own.former {
            connection.execute(
                "UPDATE record SET process = ?1
                 WHERE state NOT IN ('done', 'failed') AND process = ?2",
                [&mine.id.0[..], &gone.id.0[..]],
            )?;
        }
        Ok(())
    }

    /// The transaction of [`register`](Holders::register) is durable.
    pub(super) fn registered(&self) {
        let mut own = self.own();
        own.registered = own.current.is_some();
        if own.registered {
            own.former.clear();
        }
    }

    /// Whether the process that holds a record is alive.
    pub(super) fn liveness(
        &self,
        connection: &Connection,
        holder: Option<Process>,
    ) -> rusqlite::Result<Liveness> {
        let Some(id) = holder else {
            return Ok(Liveness::ByLease);
        };
        if let Some(mine) = self.own().current.as_ref().filter(|mine| mine.id == id) {
            return Ok(if mine.stands() { Liveness::Alive } else { Liveness::ByLease });
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if !others.contains_key(&id) {
            let Some(other) = self.meet(connection, id)? else {
                return Ok(Liveness::ByLease);
            };
            if others.len() >= REMEMBERED {
                others.clear();
            }
            others.insert(id, other);
        }
        let (file, named) = match others.get(&id) {
            Some(Other::Known { file, named }) => (file, named),
            Some(Other::Dead { .. }) => return Ok(Liveness::Dead),
            None => return Ok(Liveness::ByLease),
        };
        let found = probe(file);
        if found == Liveness::Dead {
            let named = Arc::clone(named);
            others.insert(id, Other::Dead { named });
        }
        Ok(found)
    }

    /// Opens another process's lock file, if it is the very one that its row names.
    fn meet(&self, connection: &Connection, id: Process) -> rusqlite::Result<Option<Other>> {
        let mut statement = connection.prepare_cached("SELECT device, inode FROM process WHERE id = ?1")?;
        let row = statement
            .query_row([&id.0[..]], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
            .optional()?;
        let Some((device, inode)) = row else {
            return Ok(None);
        };
        let identity = Identity { device: device.cast_unsigned(), inode: inode.cast_unsigned() };
        let named = describe(connection, id)?.unwrap_or_else(|| "an unknown process".into());
        Ok(self.very_file(id, identity).map(|file| Other::Known { file, named }))
    }

    fn very_file(&self, id: Process, identity: Identity) -> Option<File> {
        let mut file = File::open(self.path(id)).ok()?;
        let found = Identity::of(&file.metadata().ok()?);
        let mut inside = String::new();
        (&mut file).take(64).read_to_string(&mut inside).ok()?;
        (found == identity && inside == id.to_string()).then_some(file)
    }

    /// The holder as a person would name it.
    pub(super) fn named(
        &self,
        connection: &Connection,
        holder: Option<Process>,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        let Some(id) = holder else {
            return Ok(None);
        };
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        match others.get(&id) {
            Some(Other::Known { named, .. } | Other::Dead { named }) => Ok(Some(Arc::clone(named))),
            None => describe(connection, id),
        }
    }

    /// Whether the lock file of any other store is held, or may be.
    pub(super) fn others_alive(&self) -> bool {
        let own = self.own().current.as_ref().map(|mine| mine.id);
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        self.files().any(|(id, path)| {
            if Some(id) == own {
                return false;
            }
            match others.get(&id) {
                Some(Other::Dead { .. }) => return false,
                Some(Other::Known { file, .. }) => return probe(file) != Liveness::Dead,
                None => {}
            }
            !File::open(path).is_ok_and(|file| probe(&file) == Liveness::Dead)
        })
    }

    /// The lock files in the folder, by their names.
    fn files(&self) -> impl Iterator<Item = (Process, PathBuf)> {
        let entries = fs::read_dir(&self.place.holders).into_iter().flatten();
        entries.filter_map(|entry| {
            let entry = entry.ok()?;
            Some((parse(entry.file_name().to_str()?)?, entry.path()))
        })
    }

    /// Removes the files and rows of dead processes that no running record names. A file is removed under a
    /// shared lock, and only by whoever holds the database's write lock.
    pub(super) fn clean(&self, connection: &Connection) -> rusqlite::Result<()> {
        let own = self.own().current.as_ref().map(|mine| mine.id);
        for (id, path) in self.files() {
            if Some(id) == own || is_named(connection, id)? {
                continue;
            }
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock_shared().is_ok() {
                let _ = fs::remove_file(&path);
            }
        }
        let ids: Vec<Process> = {
            let mut statement = connection.prepare_cached("SELECT id FROM process")?;
            let ids = statement.query_map([], |row| row.get::<_, [u8; 16]>(0).map(Process))?;
            ids.filter_map(Result::ok).collect()
        };
        for id in ids {
            if Some(id) != own && !is_named(connection, id)? && !self.path(id).exists() {
                connection.execute("DELETE FROM process WHERE id = ?1", [&id.0[..]])?;
            }
        }
        Ok(())
    }

    /// Removes this store's own lock file and row, unless a running record names it: then the file stays
    /// behind, unlocked, as the proof that its holder is gone.
    pub(super) fn leave(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(mine) = self.own().current.take() else {
            return Ok(());
        };
        if is_named(connection, mine.id)? {
            return Ok(());
        }
        if mine.stands() {
            let _ = fs::remove_file(&mine.path);
        }
        connection.execute("DELETE FROM process WHERE id = ?1", [&mine.id.0[..]])?;
        let _ = mine.file.unlock();
        Ok(())
    }

    /// Whether this store has a lock file.
    pub(super) fn has_file(&self) -> bool {
        self.own().current.is_some()
    }
}

/// Whether the lock on `file` is held. Two probes at once do not disturb each other.
fn probe(file: &File) -> Liveness {
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            Liveness::Dead
        }
        Err(TryLockError::WouldBlock) => Liveness::Alive,
        Err(TryLockError::Error(_)) => Liveness::ByLease,
    }
}

fn is_named(connection: &Connection, id: Process) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM record WHERE state NOT IN ('done', 'failed') AND process = ?1)",
    )?;
    statement.query_row([&id.0[..]], |row| row.get(0))
}

fn describe(connection: &Connection, id: Process) -> rusqlite::Result<Option<Arc<str>>> {
    let mut statement = connection.prepare_cached("SELECT pid, program, host FROM process WHERE id = ?1")?;
    statement
        .query_row([&id.0[..]], |row| {
            let (pid, program, host): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(here::describe(pid, &program, &host).into())
        })
        .optional()
}

fn parse(name: &str) -> Option<Process> {
    if name.len() != 32 || !name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(name, 16).ok().map(|number| Process(number.to_be_bytes()))
}
