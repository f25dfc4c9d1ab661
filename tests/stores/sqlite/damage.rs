//! Bytes that change on the disk by themselves, at random places of the file.
//!
//! What can be promised: no panic, no hang, every error names the file or the record, and nothing runs that the file still
//! shows as recorded. What cannot: SQLite's pages carry no checksums. A change in a key, or in a page's own list of its
//! rows, can hide a row from the search by key, and then its call runs as if it were the first. The test counts these, and
//! asserts for each that SQLite's own check (`PRAGMA integrity_check`) sees the damage.
//!
//! Red when an unreadable row, or an error on the way to it, is taken for none (moves.rs `find`), or when an error is told
//! without its file or record.

use std::collections::BTreeMap;
use std::fs;

use idempotent::{Error, Handle, Operation, SqliteStore};
use rusqlite::{Connection, OpenFlags};

use super::support::*;

/// How many files are damaged, and how many calls each of them knows.
const ROUNDS: u64 = 100;
const CALLS: u32 = 100;

static BOOK: Operation = Operation::new("damage.book").marker().wait_micros(0);

/// Numbers that look random, the same ones for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// Whether SQLite's own check finds nothing, and which calls' rows say that their time is over.
fn examine(place: &Place) -> (bool, Vec<String>) {
    let open = || Connection::open_with_flags(place.file(), OpenFlags::SQLITE_OPEN_READ_WRITE);
    let check = || open()?.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    let over = || -> rusqlite::Result<Vec<String>> {
        let sql = open()?;
        let mut rows = sql.prepare("SELECT call FROM record NOT INDEXED WHERE expires_at NOT NULL")?;
        let calls = rows.query_map([], |row| row.get(0))?;
        calls.collect()
    };
    (check().is_ok_and(|answer| answer == "ok"), over().unwrap_or_default())
}

/// What a call on the damaged file comes to.
fn call(handle: &Handle, id: u32) -> (&'static str, Result<String, Error>) {
    let mut ran = false;
    let call = BOOK.call().key("id", &id).store(handle).returns::<Result<String, Error>>();
    let told = call.run_blocking(|claim| {
        claim.mark_blocking()?;
        ran = true;
        Ok("again".to_owned())
    });
    let column = match &told {
        _ if ran => "ran again",
        Ok(value) if *value == format!("result {id}") => "replayed",
        Ok(_) => "replayed, another value",
        Err(error) => error.code(),
    };
    (column, told)
}

/// Fails as the head says.
#[test]
fn s44_bytes_that_change_at_random() {
    let whole = Place::new();
    let handle = Handle::new(whole.open());
    for id in 0..CALLS {
        let call = BOOK.call().key("id", &id).store(&handle).returns::<Result<String, Error>>();
        call.run_blocking(|claim| claim.mark_blocking().map(|()| format!("result {id}"))).unwrap();
    }
    let image = Place::new();
    whole.sql().execute("VACUUM INTO ?1", [image.file().to_str().unwrap()]).unwrap();
    let bytes = fs::read(image.file()).unwrap();
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 1..=ROUNDS {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut damaged = bytes.clone();
        for _ in 0..[1, 4, 16][random.below(3)] {
            let at = random.below(damaged.len());
            damaged[at] ^= 1 << random.below(8);
        }
        let place = Place::new();
        fs::write(place.file(), &damaged).unwrap();
        let (is_sound, over) = examine(&place);
        let store = match SqliteStore::open(place.file()) {
            Ok(store) => store,
            Err(error) => {
                assert!(told(&error).contains("robot.db"), "seed {seed}: {}", told(&error));
                *columns.entry("not opened").or_default() += CALLS as usize;
                continue;
            }
        };
        let handle = Handle::new(store);
        for id in 0..CALLS {
            let (column, told) = call(&handle, id);
            *columns.entry(column).or_default() += 1;
            if let Err(error) = &told {
                let text = error.to_string();
                assert!(
                    text.contains("robot.db") || text.contains(&format!("id={id}")),
                    "seed {seed}: {text}"
                );
            }
            if column == "ran again" {
                let known = !is_sound || over.contains(&format!("id={id}"));
                assert!(known, "seed {seed}: call {id} ran again, and nothing shows the damage");
            }
        }
    }
    for (column, count) in &columns {
        println!("{count:>6}  {column}");
    }
    assert_eq!(columns.values().sum::<usize>(), ROUNDS as usize * CALLS as usize);
}
