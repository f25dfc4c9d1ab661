//! The lock files of holders: whatever lies in their folder, a holder is dead only by the very file that names it.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use idempotent::Store;
use idempotent::protocol::{Answer, Held, Request, Status, Token};
use idempotent::store::SqliteOptions;
use idempotent::testing::FakeClock;

use crate::bytes::{claim, subject};
use crate::inputs::feed;
use crate::rows::folder;

/// Fails when what is in a lock file is not compared with its name: then any free file would prove a death. And when
/// files that are none of ours are removed or make a sweep fail.
#[test]
fn lock_files() {
    let folder = folder();
    let file = folder.path().join("robot.db");
    let holders = folder.path().join("robot.db-holders");
    let subject = subject(7);
    // A lease that has passed would prove a death, too; on this clock none does.
    let clock = FakeClock::new();
    let open = || SqliteOptions::new(&file).clock(Arc::new(clock.clone())).open().unwrap();
    let dead = open();
    let Ok(Answer::Run(grant)) = dead.apply_blocking(&subject, claim(1)) else { panic!("it runs") };
    let held = Held { token: Token([1; 16]), fence: grant.fence };
    // Marked, so that no sweep takes it.
    assert_eq!(dead.apply_blocking(&subject, Request::Mark { held, lease: 15_000_000 }).unwrap(), Answer::Ok);
    drop(dead);
    let locks = || -> Vec<PathBuf> {
        let files = fs::read_dir(&holders).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.file_name().unwrap().len() == 32).collect()
    };
    let [lock] = &locks()[..] else { panic!("one lock file: {:?}", locks()) };
    let name = fs::read(lock).unwrap();
    let store = open();
    let mut strangers = Vec::new();
    feed("lock files", 3_000, "each is written and looked at", |inputs| {
        let content = match inputs.roll(10) {
            0 => [&name[..], b"\n"].concat(),
            1 => name.to_ascii_uppercase(),
            _ => inputs.next(std::slice::from_ref(&name)),
        };
        // The same file by device and inode.
        fs::write(lock, &content).unwrap();
        if content == name {
            // Looked at now, the holder would be dead for ever.
            return;
        }
        let entry = pollster::block_on(store.load(&subject.key)).unwrap().unwrap();
        assert_eq!(entry.status, Status::Live, "dead by a file that says {content:?}");
        if inputs.roll(100) == 0 {
            let mut stranger = inputs.next(std::slice::from_ref(&name));
            stranger.retain(|byte| !matches!(byte, 0 | b'/'));
            stranger.truncate(60);
            let is_ours =
                stranger.len() == 32 && stranger.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let path = holders.join(std::ffi::OsString::from_vec(stranger));
            if !is_ours && !path.exists() {
                fs::write(&path, content).unwrap();
                strangers.push(path);
            }
            pollster::block_on(store.sweep(10)).unwrap();
        }
    });
    assert!(!strangers.is_empty());
    assert!(strangers.iter().all(|path| path.exists()), "a file of somebody else is gone");
    fs::write(lock, &name).unwrap();
    let entry = pollster::block_on(store.load(&subject.key)).unwrap().unwrap();
    assert_eq!(entry.status, Status::Doubt, "its own file proves its death");
}
