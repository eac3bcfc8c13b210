//! The processes of one server: its postmaster, identified by id and data directory, and its children.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The line of the pid file with the state of the server.
const STATUS_LINE: usize = 7;

/// A process that was sent `KILL` is gone long before.
const PATIENCE: usize = 1_000;

/// The first process of a server.
pub(super) struct Postmaster<'a> {
    id: u32,
    data: &'a Path,
}

impl<'a> Postmaster<'a> {
    pub(super) fn new(id: u32, data: &'a Path) -> Self {
        Self { id, data }
    }

    /// Whether the server accepts connections according to its pid file, as in `pg_ctl`. A server that was
    /// killed leaves a file that names another process.
    pub(super) fn is_ready(&self) -> bool {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = file.lines().map(str::trim).collect();
        lines.first() == Some(&&*self.id.to_string()) && lines.get(STATUS_LINE) == Some(&"ready")
    }

    /// Kills all processes (`kill -9`), after stopping the postmaster so that it starts no more. The children
    /// are waited for, because a server does not start while one is left. Whoever started the postmaster must
    /// wait for it.
    pub(super) fn kill_with_children(&self) {
        signal("STOP", &[self.id]);
        let children = children_of(self.id);
        let mut all = vec![self.id];
        all.extend(&children);
        signal("KILL", &all);
        for _ in 0..PATIENCE {
            if !children.iter().any(|&child| works_in(child).as_deref() == Some(self.data)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends a signal to processes, some of which may have ended already.
pub(super) fn signal(name: &str, processes: &[u32]) {
    let ids = processes.iter().map(u32::to_string);
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}")).args(ids).stdin(Stdio::null()).stderr(Stdio::null());
    let _ = kill.status();
}

/// The working directory of a process; `None` if it has ended, even if nobody has waited for it yet.
fn works_in(process: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/cwd")).ok()
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&id| parent_of(id) == Some(parent)).collect()
}

/// The field after the state. The state follows the name in parentheses, which may contain anything.
fn parent_of(process: u32) -> Option<u32> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
