//! The run: every strategy, every step, robots killed by `SIGKILL` from outside, and the ledger's verdict.

mod job;
mod picture;
mod report;
mod verdict;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use clap::ValueEnum;
use idempotent::{Filter, Key, Which};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::args::ChaosArgs;
use crate::portal::{Portal, ledger};
use crate::robot::browser::Browser;
use crate::robot::{self, Operation};
use crate::strategy::Strategy;
use job::{Job, Told};
use verdict::Row;

/// Robots alive at one time.
const ROBOTS: usize = 12;
/// Longest life of one job, all its robots together. A job that takes longer is an error of the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a strategy, or the report, keeps its files.
#[derive(Clone)]
struct Files {
    /// What its robots record.
    records: PathBuf,
    /// What the portal knows.
    portal: PathBuf,
    /// What its robots say about their errors.
    log: PathBuf,
}

/// Runs all strategies at once and writes what came of them.
pub(crate) async fn run(args: &ChaosArgs) -> io::Result<ExitCode> {
    let out = args.out.clone().unwrap_or_else(crate::out);
    fs::create_dir_all(&out)?;
    let jobs = Job::all(args.per_step);
    let strategies = Strategy::value_variants();
    let bar = progress_bar(strategies.len() * jobs.len());
    let robots = Arc::new(Semaphore::new(ROBOTS));
    let mut runs = JoinSet::new();
    for &strategy in strategies {
        let files = Files::fresh(&out, strategy.name())?;
        let (jobs, robots, bar, sabotage) = (jobs.clone(), Arc::clone(&robots), bar.clone(), args.sabotage);
        runs.spawn(async move { run_strategy(strategy, jobs, files, robots, bar, sabotage).await });
    }
    let mut rows = Vec::new();
    while let Some(row) = runs.join_next().await {
        rows.push(row.map_err(io::Error::other)??);
    }
    rows.sort_by_key(|row| strategies.iter().position(|strategy| *strategy == row.strategy));
    bar.finish_and_clear();

    let (json, svg) = (out.join("chaos.json"), out.join("chaos.svg"));
    fs::write(&json, verdict::json(&rows)?)?;
    fs::write(&svg, picture::draw(&rows, args.sabotage))?;
    let made = report::run(&out).await?;
    let mut complaints = verdict::complaints(&rows, args.sabotage);
    if made != 1 {
        complaints.push(format!("the daily report was made {made} times"));
    }
    // Whoever reads may have gone, as `head` does: the files are there all the same.
    let _ = writeln!(
        io::stdout(),
        "{}\nthe daily report: {} robots asked for it, the portal made it {made} time(s)\nwritten: {}, {}",
        verdict::table(&rows),
        report::ROBOTS,
        json.display(),
        svg.display(),
    );
    for complaint in &complaints {
        eprintln!("not as promised: {complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress_bar(jobs: usize) -> ProgressBar {
    // A template that does not parse is a mistake in this line, and the first run shows it.
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} jobs, {elapsed}").expect("the template is valid");
    ProgressBar::new(jobs as u64).with_style(style)
}

impl Files {
    /// A folder of this name, emptied of what an earlier run left.
    fn fresh(out: &Path, name: &str) -> io::Result<Files> {
        let folder = out.join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(Files {
            records: folder.join("records"),
            portal: folder.join("portal.db"),
            log: folder.join("robots.log"),
        })
    }
}

/// All jobs of one strategy, side by side, on a portal of their own.
async fn run_strategy(
    strategy: Strategy,
    jobs: Vec<Job>,
    files: Files,
    robots: Arc<Semaphore>,
    bar: ProgressBar,
    sabotage: bool,
) -> io::Result<Row> {
    let portal = Arc::new(Portal::open(&files.portal, 0, strategy.portal()).await?);
    let mut lives = JoinSet::new();
    for job in jobs {
        let (portal, files, robots, bar) =
            (Arc::clone(&portal), files.clone(), Arc::clone(&robots), bar.clone());
        lives.spawn(async move {
            let _place = robots.acquire().await.map_err(io::Error::other)?;
            let life = job.live(strategy, &portal, &files, sabotage);
            let told = match timeout(PATIENCE, life).await {
                Ok(told) => told?,
                Err(_) => return Err(job.error(strategy, &files, "took too long")),
            };
            bar.inc(1);
            Ok::<_, io::Error>((job, told))
        });
    }
    let mut ended = Vec::new();
    while let Some(life) = lives.join_next().await {
        ended.push(life.map_err(io::Error::other)??);
    }
    portal.committed().await;
    let booked = ledger::appointments_by_patient(&files.portal).map_err(io::Error::other)?;
    let listed = match robot::operation(strategy) {
        Some(operation) => in_doubt(operation, &portal, &ended, &files.records).await?,
        None => HashSet::new(),
    };
    Ok(Row::count(strategy, &ended, &booked, &listed))
}

/// The patients whose appointment the store lists as in doubt.
async fn in_doubt(
    operation: Operation,
    portal: &Portal,
    ended: &[(Job, Told)],
    records: &Path,
) -> io::Result<HashSet<String>> {
    let store = robot::open(records).map_err(io::Error::other)?;
    let filter = Filter { which: Which::InDoubt, ..Filter::default() };
    let listed = store.list(&filter).await.map_err(io::Error::other)?;
    let listed: HashSet<Key> = listed.into_iter().map(|entry| entry.subject.key).collect();
    let browser = Browser::new(portal.address());
    let mut patients = HashSet::new();
    for (job, _) in ended {
        // The key of the call, without the call.
        let key =
            idempotent::inspect(|| operation(&browser, &job.patient, job::DAY)).map_err(io::Error::other)?;
        if listed.contains(&key) {
            patients.insert(job.patient.clone());
        }
    }
    Ok(patients)
}
