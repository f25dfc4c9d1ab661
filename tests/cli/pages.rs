//! Many records: lists come page by page, and keys can be shortened.

use std::io::{BufRead as _, BufReader};

use crate::clinic::Clinic;
use crate::command::{command, run};

/// A file with so many more finished records.
fn many(records: u32) -> Clinic {
    let clinic = Clinic::open();
    let file = rusqlite::Connection::open(clinic.file()).unwrap();
    let columns: String = file
        .query_row(
            "SELECT group_concat(name) FROM pragma_table_info('record') WHERE name NOT IN ('id', 'key')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    file.execute(
        &format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO record (key, {columns}) SELECT randomblob(32), {columns} FROM record, n
             WHERE state = 'done' AND expires_at IS NULL"
        ),
        [records],
    )
    .unwrap();
    clinic
}

/// Red when a page is lost or shown twice (`records.rs` `Pages`), or the head comes with each of them.
#[test]
fn lists_are_longer_than_a_page() {
    let clinic = many(2_500);
    let file = clinic.file();
    let ran = run(&file, &["ls"]);
    let keys: Vec<&str> = ran.out.lines().skip(1).map(|line| &line[..12]).collect();
    assert_eq!((ran.status, keys.len()), (3, 2_508));
    assert!(keys.is_sorted() && ran.out.starts_with("KEY") && !ran.out[1..].contains("KEY"));
    let (first, last) = (ran.out.lines().nth(1).unwrap(), ran.out.lines().last().unwrap());
    assert!(first.find("clinic.") <= last.find("clinic."), "columns become narrower");
    assert_eq!(run(&file, &["ls", "--json"]).out.lines().count(), 2_508);
    assert_eq!(run(&file, &["ls", "--json", "--limit", "1500"]).out.lines().count(), 1_500);
    // A page that is full to the last record.
    assert_eq!(run(&file, &["ls", "--json", "--limit", "1000"]).out.lines().count(), 1_000);
    assert!(run(&file, &["verify"]).out.contains("2508 records, all of them decode"));
    let stats = run(&file, &["stats", "--json"]).out;
    let booked: serde_json::Value = serde_json::from_str(stats.lines().next().unwrap()).unwrap();
    assert_eq!(booked["done"], 2_501);
}

/// Red when a reader that goes away ends the program by a panic, or it goes on for nobody.
#[test]
fn nobody_reads_to_the_end() {
    let clinic = many(2_500);
    for arguments in [&["ls"][..], &["ls", "--json"]] {
        let mut program = command(&clinic.file(), arguments).spawn().unwrap();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(out);
        let output = program.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        // What has been read until then decides: in doubt, or not.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", output.status);
    }
    let mut program = command(&clinic.file(), &["--help"]).spawn().unwrap();
    drop(program.stdout.take());
    let output = program.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// Red when a shortened key finds a record that does not begin so, misses the first or the last, or takes one of two.
#[test]
fn keys_can_be_shortened() {
    let clinic = Clinic::open();
    let file = rusqlite::Connection::open(clinic.file()).unwrap();
    let rename = |patient: u32, digits: &str| {
        let key = format!("{digits:0<64}");
        let sql = format!("UPDATE record SET key = x'{key}' WHERE key = ?1");
        file.execute(&sql, [&Clinic::booking(patient).as_bytes()[..]]).unwrap();
    };
    rename(1, "0");
    rename(2, &"f".repeat(64));
    rename(4, "abcdef0123451");
    rename(6, "abcdef0123452");
    rename(5, "abcdef0200000");
    let show = |key: &str| run(&clinic.file(), &["show", key]);
    for (key, call) in [
        ("00000000", "patient=1"),
        ("FFFFFFFF", "patient=2"),
        ("ffffffffffff", "patient=2"),
        ("abcdef0123451", "patient=4"),
        ("abcdef0123452", "patient=6"),
        ("ABCDEF02", "patient=5"),
        (&"0".repeat(64), "patient=1"),
    ] {
        let ran = show(key);
        assert!(ran.out.contains(call), "{key}: {ran:?}");
    }
    let ran = show("abcdef01");
    assert_eq!(ran.status, 6, "{ran:?}");
    assert!(ran.err.contains("abcdef0123451") && ran.err.contains("abcdef0123452"), "{ran:?}");
    for nobody in ["00000001", "abcdef03", "fffffffe", &"1".repeat(64)] {
        assert_eq!(show(nobody).status, 6, "{nobody}");
    }
}
