//! Records in plain files: one file a key, swapped under a lock that goes with the process that holds it.
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use idempotent::Key;
use idempotent::store::{BlockingCompareAndSwap, Error, Page};

/// A folder of records, for all processes of one machine.
pub struct Files(pub PathBuf);

impl Files {
    /// What was seen or written is on the disk before anyone is told, whoever wrote it.
    fn synced<T>(&self, seen: T) -> Result<T, Error> {
        File::open(&self.0)?.sync_all()?;
        Ok(seen)
    }
}

impl BlockingCompareAndSwap for Files {
    fn load(&self, key: &Key) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(self.0.join(key.to_string())) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.synced(None),
            read => self.synced(Some(read?)),
        }
    }

    fn compare_and_swap(&self, key: &Key, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Error> {
        let folder = File::open(&self.0)?;
        folder.lock()?; // until it is closed, as it also is when this process dies
        if self.load(key)?.as_deref() != old {
            return Ok(false);
        }
        let (file, next) = (self.0.join(key.to_string()), self.0.join(format!("{key}.next")));
        if let Some(new) = new {
            fs::write(&next, new)?;
            File::open(&next)?.sync_all()?;
            fs::rename(next, file)?; // the old bytes or the new ones, never half
        } else if old.is_some() {
            fs::remove_file(file)?;
        }
        self.synced(true)
    }

    fn scan(&self, after: Option<&Key>, limit: usize) -> Result<Page, Error> {
        let folder = File::open(&self.0)?;
        folder.lock_shared()?;
        let files = fs::read_dir(&self.0)?.collect::<Result<Vec<_>, _>>()?;
        let key = |file: &fs::DirEntry| file.file_name().to_str()?.parse().ok();
        let mut keys: Vec<Key> = files.iter().filter_map(key).collect();
        keys.retain(|key| after.is_none_or(|after| key > after));
        keys.sort();
        let entry = |key: Key| Some(self.load(&key).transpose()?.map(|bytes| (key, bytes)));
        keys.into_iter().filter_map(entry).take(limit).collect()
    }
}
