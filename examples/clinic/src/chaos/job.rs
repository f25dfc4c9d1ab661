//! One job: an appointment that somebody wants, and the robots that try to book it.

use std::env;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::Files;
use crate::portal::Portal;
use crate::robot::IN_DOUBT;
use crate::robot::steps::Step;
use crate::strategy::{HANG_UP_ON, Mishap, Strategy};

/// Robots that may try one job. The second is enough for a job that can be done; the others show when it is not.
const ATTEMPTS: u32 = 4;
/// The day that all appointments are wanted for.
pub(super) const DAY: &str = "2027-03-01";

/// What the last robot of a job said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The appointment is booked, under this reference.
    Booked(String),
    /// Nobody can know.
    InDoubt,
    /// It died, and the strategy does not send another.
    Nothing,
}

/// One appointment that somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Whom it is for; unique, and how the ledger's rows find their job.
    pub(super) patient: String,
    /// What becomes of its first robot.
    pub(super) mishap: Mishap,
}

impl Job {
    /// `per_step` jobs for each of the nine steps, and as many on which the portal hangs up.
    pub(super) fn all(per_step: u8) -> Vec<Job> {
        let killed = Step::ALL.into_iter().flat_map(|step| {
            (1..=per_step).map(move |one| Job {
                patient: format!("step{}-{one}", step.number()),
                mishap: Mishap::KilledAt(step),
            })
        });
        let hung_up =
            (1..=per_step).map(|one| Job { patient: format!("{HANG_UP_ON}-{one}"), mishap: Mishap::HungUp });
        killed.chain(hung_up).collect()
    }

    /// Sends robots, one after the other, until one has told the result, or says that nobody can know, or the
    /// strategy does not retry.
    pub(super) async fn live(
        &self,
        strategy: Strategy,
        portal: &Portal,
        files: &Files,
        sabotage: bool,
    ) -> io::Result<Told> {
        let mut kill_at = match self.mishap {
            Mishap::KilledAt(step) => Some(step),
            Mishap::HungUp => None,
        };
        for _ in 0..ATTEMPTS {
            let killed = kill_at.is_some();
            let (status, booked) = self.send_robot(strategy, portal, files, sabotage, kill_at.take()).await?;
            if killed && status.signal() != Some(9) {
                return Err(self.error(
                    strategy,
                    files,
                    &format!("was to die of SIGKILL and ended with {status}"),
                ));
            }
            match booked {
                Some(reference) if status.success() => return Ok(Told::Booked(reference)),
                _ if status.code() == Some(IN_DOUBT.into()) => return Ok(Told::InDoubt),
                _ if !strategy.retries() => return Ok(Told::Nothing),
                _ => {}
            }
        }
        Err(self.error(strategy, files, &format!("has no answer after {ATTEMPTS} robots")))
    }

    /// One robot, from its birth to its end, and the reference that it told.
    async fn send_robot(
        &self,
        strategy: Strategy,
        portal: &Portal,
        files: &Files,
        sabotage: bool,
        kill_at: Option<Step>,
    ) -> io::Result<(ExitStatus, Option<String>)> {
        let log = File::options().create(true).append(true).open(&files.log)?;
        let mut command = Command::new(env::current_exe()?);
        command
            .args(["robot", "--strategy", strategy.name(), "--patient", &self.patient, "--date", DAY])
            .args(["--portal", &portal.address().to_string(), "--records"])
            .arg(&files.records)
            .args(sabotage.then_some("--sabotage"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        let mut robot = command.spawn()?;
        let booked = self.guide(&mut robot, portal, kill_at).await?;
        Ok((robot.wait().await?, booked))
    }

    /// Lets the robot go on from step to step, or kills it at one.
    async fn guide(
        &self,
        robot: &mut Child,
        portal: &Portal,
        kill_at: Option<Step>,
    ) -> io::Result<Option<String>> {
        let (Some(mut orders), Some(words)) = (robot.stdin.take(), robot.stdout.take()) else {
            return Err(io::Error::other("a robot without pipes"));
        };
        let mut words = BufReader::new(words).lines();
        while let Some(line) = words.next_line().await? {
            if let Some(reference) = line.strip_prefix("booked ") {
                return Ok(Some(reference.to_owned()));
            }
            let Some(step) = Step::parse(&line) else { continue };
            if kill_at == Some(step) {
                if step == Step::Sent {
                    // "Sent" means that the portal has it, not that it lies in this machine's buffers.
                    portal.clicked(&self.patient).await;
                }
                robot.kill().await?;
                return Ok(None);
            }
            orders.write_all(b"\n").await?;
        }
        Ok(None)
    }

    /// An error of the run itself, which names the job.
    pub(super) fn error(&self, strategy: Strategy, files: &Files, what: &str) -> io::Error {
        let (name, patient, log) = (strategy.name(), &self.patient, files.log.display());
        io::Error::other(format!("{name} {patient}: {what} (its robots' words: {log})"))
    }
}
