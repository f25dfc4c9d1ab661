//! What this process is called for people.

/// `process 4711 (robot) on host clinic-3`, from its parts.
pub(super) fn describe(pid: impl std::fmt::Display, program: &str, host: &str) -> String {
    format!("process {pid} ({program}) on host {host}")
}

/// The name of this machine.
#[cfg(unix)]
pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
pub(super) fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// The name of the program that runs.
pub(super) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
