//! The transcripts in this folder and on the page about operating are typed again, each on a file of its own, and must
//! read the same.
//!
//! `TRYCMD=overwrite cargo test -p idempotent --all-features --test cli transcripts` writes them anew.

use std::path::Path;
use std::time::Duration;

use trycmd::TestCases;
use trycmd::schema::Bin;

use crate::clinic::Clinic;
use crate::command::PROGRAM;

/// Types what stands in this file of the repository.
fn typed(file: &str) {
    let clinic = Clinic::open();
    let cases = TestCases::new();
    cases
        .timeout(Duration::from_secs(60))
        .register_bin("idempotent", Bin::Path(PROGRAM.into()))
        .env("IDEMPOTENT_URL", format!("sqlite:{}", clinic.file().display()))
        .insert_var("[FOLDER]", clinic.file().parent().unwrap().display().to_string())
        .unwrap()
        .case(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file));
    cases.run();
}

macro_rules! transcripts {
    ($($name:ident)*) => {
        /// Fails when a transcript has no test.
        #[test]
        fn every_transcript_is_typed() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cli");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($name)),*]);
        }

        $(#[test] fn $name() { typed(concat!("tests/cli/", stringify!($name), ".md")); })*
    };
}

transcripts!(forget help ls mistakes resolve resolve_many revoke show stats sweep verify);

/// Red when the page about operating shows what the program does not say.
#[test]
fn the_page_about_operating() {
    typed("idempotent/docs/operating.md");
}
