//! In: a process id. Out: how much memory the process has in use.
//! Read from `/proc`, so on Linux only.

use std::fs;
use std::io;

/// Resident memory of a process, in KiB.
pub fn rss_kib(pid: u32) -> io::Result<u64> {
    field(pid, "VmRSS:")
}

/// The most resident memory that a process has ever had, in KiB.
pub fn peak_rss_kib(pid: u32) -> io::Result<u64> {
    field(pid, "VmHWM:")
}

fn field(pid: u32, name: &str) -> io::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path)?;
    let value = |line: &str| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok();
    status
        .lines()
        .find_map(value)
        // The process has ended and was not waited for yet.
        .ok_or_else(|| io::Error::other(format!("{path} has no {name}")))
}

/// True while a process with this id runs; one that has ended and only waits to be reaped does
/// not.
pub fn is_running(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_has_memory_in_use() {
        let pid = std::process::id();
        assert!(is_running(pid));
        let now = rss_kib(pid).unwrap();
        assert!(now > 100 && peak_rss_kib(pid).unwrap() >= now, "{now}");
    }

    #[test]
    fn nothing_is_read_of_a_process_that_is_not_there() {
        assert!(!is_running(u32::MAX));
        assert!(rss_kib(u32::MAX).is_err());
    }
}
