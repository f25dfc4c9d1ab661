//! The daily report: several robots want it, and the portal makes it once.

use std::path::Path;
use std::process::Stdio;
use std::{env, io};

use tokio::process::Command;

use super::Files;
use super::job::DAY;
use crate::portal::{Portal, Switches, ledger};

/// Robots that ask, one after the other.
pub(super) const ROBOTS: u32 = 3;

/// Has them ask, checks that they got the same, and returns how often the portal made it.
pub(super) async fn run(out: &Path) -> io::Result<u32> {
    let files = Files::fresh(out, "report")?;
    let portal = Portal::open(&files.portal, 0, Switches::default()).await?;
    let mut reports = Vec::new();
    for _ in 0..ROBOTS {
        let robot = Command::new(env::current_exe()?)
            .args(["report", "--date", DAY, "--portal", &portal.address().to_string(), "--records"])
            .arg(&files.records)
            .stderr(Stdio::inherit())
            .output()
            .await?;
        if !robot.status.success() {
            return Err(io::Error::other(format!(
                "a robot that asked for the report ended with {}",
                robot.status
            )));
        }
        reports.push(robot.stdout);
    }
    reports.dedup();
    if reports.len() != 1 {
        return Err(io::Error::other("the robots that asked for the report got different ones"));
    }
    ledger::reports_made(&files.portal, DAY).map_err(io::Error::other)
}
