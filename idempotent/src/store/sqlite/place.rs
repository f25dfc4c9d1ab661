//! Where the database lies: its real path, what the path names, and whether locks work there.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::fault::Fault;

/// Held while a path is looked for. Closing a descriptor of a file gives up all the locks that this process holds on
/// it, so nobody may open a file here that another thread has just made.
static LOOKING: Mutex<()> = Mutex::new(());

/// How long the name of a file can be.
const LONGEST: usize = 255;
/// A database has at least one page, and that is the smallest one.
const SHORTEST: u64 = 512;

/// The database file by its real path, and the folder of its lock files beside it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) database: PathBuf,
    pub(super) wal: PathBuf,
    pub(super) shm: PathBuf,
    pub(super) holders: PathBuf,
}

/// What a path names: device and inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(found: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt as _;
        Identity { device: found.dev(), inode: found.ino() }
    }

    /// Without inodes only existence is seen.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Identity {
        Identity { device: 0, inode: 0 }
    }

    /// What `path` names now; `None` if nothing.
    pub(super) fn at(path: &Path) -> io::Result<Option<Identity>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Identity::of(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Place {
    /// Finds the real path of `path`, so that every process comes to the same lock files whatever links or
    /// working directory it uses.
    pub(super) fn find(path: &Path, create: bool) -> Result<Place, Fault> {
        let text = path.to_string_lossy();
        if text.is_empty() || text == ":memory:" {
            return Err(Fault::invalid(
                format!("`{text}` is not a file: a durable store needs one"),
                "name a file, as in `sqlite:robot.db`; `memory:` is the store without one",
            ));
        }
        if path.file_name().is_some_and(|name| name.len() + "-holders".len() > LONGEST) {
            return Err(Fault::invalid(
                format!("the name of {} is too long: `-holders` is put behind it", path.display()),
                "name a file with fewer letters",
            ));
        }
        let looking = LOOKING.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => new_file(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Fault::refused(
                    path,
                    "there is no such file",
                    "name an existing database: none is made here (`create=no`)",
                ));
            }
            Err(error) => return Err(Fault::io("open", path, error)),
        };
        drop(looking);
        let found = fs::metadata(&database).map_err(|error| Fault::io("look at", &database, error))?;
        if !found.is_file() {
            return Err(Fault::refused(
                &database,
                "this is not a file",
                "name a file, not a folder or a device",
            ));
        }
        // SQLite takes a file of one byte for an empty one.
        if (1..SHORTEST).contains(&found.len()) {
            return Err(Fault::refused(
                &database,
                format!("this is not a database: it has {} bytes, perhaps what is left of one", found.len()),
                "restore the file from a backup, or name another file",
            ));
        }
        // Before its first table is made, the file already says that it is a database.
        if !create && found.len() == 0 {
            return Err(Fault::refused(
                &database,
                "the file is empty: there is no database in it",
                "name an existing database: none is made here (`create=no`)",
            ));
        }
        only_name(&database, &found)?;
        Ok(Place {
            wal: with_suffix(&database, "-wal"),
            shm: with_suffix(&database, "-shm"),
            holders: with_suffix(&database, "-holders"),
            database,
        })
    }

    /// Refuses file systems on which locks or shared memory do not reach everybody who sees the file.
    pub(super) fn refuse_network(&self) -> Result<(), Fault> {
        match network(&self.database) {
            None => Ok(()),
            Some(name) => Err(Fault::refused(
                &self.database,
                format!("the file lies on a network file system ({name}), where locks cannot be trusted"),
                "put it on a local disk; if you know that locks and shared memory work there, say `network=trust`",
            )),
        }
    }

    /// Makes the folder of lock files, and sees that a lock taken there is seen by another descriptor.
    pub(super) fn prepare_holders(&self) -> Result<(), Fault> {
        let failed = |error| Fault::io("create the folder of lock files", &self.holders, error);
        fs::create_dir_all(&self.holders).map_err(failed)?;
        let path = self.holders.join("turn");
        let open = || lock_file(&path).map_err(|error| Fault::io("open", &path, error));
        let (first, second) = (open()?, open()?);
        // Shared, so that it does not wait for a writer in its turn: an exclusive lock beside it must fail.
        match first.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(Fault::io("lock", &path, error)),
        }
        let seen = matches!(second.try_lock(), Err(TryLockError::WouldBlock));
        let _ = first.unlock();
        if seen {
            return Ok(());
        }
        Err(Fault::refused(
            &self.holders,
            "locks have no effect here: a second one was granted beside the first",
            "put the database on a local disk with working `flock`",
        ))
    }
}

/// A lock file, created if it is not there. Its content is not touched.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn new_file(path: &Path) -> Result<PathBuf, Fault> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Fault::refused(
            path,
            format!("the folder {} does not exist", folder.display()),
            "create the folder first; the database in it is created on first use",
        ),
        _ => Fault::io("open the folder of", path, error),
    };
    let folder = fs::canonicalize(folder).map_err(missing)?;
    let name = path.file_name().ok_or_else(|| {
        Fault::invalid(format!("`{}` does not end in a file name", path.display()), "name a file")
    })?;
    let file = folder.join(name);
    // A link whose target is missing: SQLite would create the target, under a path not looked at here.
    if fs::symlink_metadata(&file).is_ok_and(|found| found.is_symlink()) {
        return Err(Fault::refused(
            &file,
            "this link points to nothing",
            "create its target or remove the link",
        ));
    }
    match OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(_) => {}
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Fault::io("create", &file, error)),
    }
    fs::canonicalize(&file).map_err(|error| Fault::io("open", &file, error))
}

#[cfg(unix)]
fn only_name(database: &Path, found: &Metadata) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt as _;
    if found.nlink() > 1 {
        return Err(Fault::refused(
            database,
            format!(
                "the file has {} names (hard links), and each would have a log of its own",
                found.nlink()
            ),
            "remove the other names, or use a symbolic link",
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn only_name(_: &Path, _: &Metadata) -> Result<(), Fault> {
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    PathBuf::from(text)
}

/// The name of the network file system on which `path` lies.
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<String> {
    const KNOWN: [(u32, &str); 10] = [
        (0x0000_6969, "nfs"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb2"),
        (0x0000_517b, "smb"),
        (0x0102_1997, "9p"),
        (0x00c3_6400, "ceph"),
        (0x5346_414f, "afs"),
        (0x0bd0_0bd0, "lustre"),
        (0x4750_4653, "gpfs"),
        (FUSE, "fuse"),
    ];
    const FUSE: u32 = 0x6573_5546;
    let found = rustix::fs::statfs(path).ok()?;
    // The field's width and sign differ between platforms; every magic number has 32 bits.
    let kind = found.f_type as u32;
    let (_, name) = KNOWN.iter().find(|(magic, _)| *magic == kind)?;
    if kind != FUSE {
        return Some((*name).to_owned());
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match fuse_type(&mounts, path) {
        Some(kind) if kind == "fuseblk" => None,
        Some(kind) => Some(kind),
        None => Some("fuse".to_owned()),
    }
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<String> {
    None
}

/// The type of the mount that `path` lies on, from the text of `/proc/self/mountinfo`.
#[cfg(target_os = "linux")]
fn fuse_type(mounts: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (left.split(' ').nth(4), right.split(' ').next()) else { continue };
        let point = point.replace("\\040", " ");
        // The last of equally long ones: it lies on top.
        if path.starts_with(&point) && best.as_ref().is_none_or(|(length, _)| point.len() >= *length) {
            best = Some((point.len(), kind.to_owned()));
        }
    }
    best.map(|(_, kind)| kind)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when the longest mount point does not win.
    #[test]
    fn the_type_is_that_of_the_innermost_mount() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      30 22 0:40 / /mnt/far\\040off rw,nosuid shared:9 - fuse.sshfs host:/ rw\n\
                      31 22 8:17 / /mnt/disk rw - fuseblk /dev/sdb1 rw\n";
        let kind = |path: &str| fuse_type(mounts, Path::new(path));
        assert_eq!(kind("/mnt/far off/a.db").as_deref(), Some("fuse.sshfs"));
        assert_eq!(kind("/mnt/disk/a.db").as_deref(), Some("fuseblk"));
        assert_eq!(kind("/mnt/a.db").as_deref(), Some("ext4"));
    }

    /// Fails when a line that the kernel has never written panics.
    #[test]
    fn any_list_of_mounts_is_read() {
        let words = ["22", " ", " - ", "\n", "/", "/mnt", "\\040", "fuse.", "fuseblk", "é", "\0", "shared:9"];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..100_000 {
            let mut roll = |sides: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % sides as u64) as usize
            };
            let mounts: String = (0..roll(30)).map(|_| words[roll(words.len())]).collect();
            if let Some(kind) = fuse_type(&mounts, Path::new("/mnt/a.db")) {
                assert!(mounts.contains(&kind));
            }
        }
    }

    /// A thread that found no file comes to create it when another has opened it. Red when it opens it once more:
    /// whoever closes any descriptor of a file gives up all the POSIX locks of its process on it, which SQLite does
    /// not notice, and then another process may take the log away.
    #[test]
    fn a_file_that_came_meanwhile_is_not_opened() {
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = new_file(&folder.path().join("robot.db")).unwrap();
        let connection = rusqlite::Connection::open(&file).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let inode = format!(":{} ", fs::metadata(&file).unwrap().ino());
        let is_locked = || {
            // The kernel gives a page at a time, and the list may shift between two: look again before it counts as gone.
            (0..100)
                .any(|_| fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains(&inode)))
        };
        assert!(is_locked());
        assert_eq!(new_file(&file).unwrap(), file);
        assert!(is_locked());
    }
}
