//! The machine: its cores, its description, and the kernel's data about a process.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The core of the servers; the load runs on the next one.
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";
pub(crate) const ANY_CORE: &str = "0,1";

/// Moves this process to its own core. Threads that are started later stay there.
pub(crate) fn keep_load_off_the_server() -> Result<()> {
    move_process(std::process::id(), LOAD_CORE)
}

/// Moves a process with all its threads.
fn move_process(pid: u32, cores: &str) -> Result<()> {
    taskset(&["--all-tasks", "--pid", "--cpu-list", cores, &pid.to_string()])
}

/// Moves a process and its children. Processes that any of them starts later stay there.
pub(crate) fn move_family(pid: u32, cores: &str) -> Result<()> {
    move_process(pid, cores)?;
    for child in children(pid)? {
        move_process(child, cores)?;
    }
    Ok(())
}

/// Moves the calling thread.
pub(crate) fn move_this_thread(cores: &str) -> Result<()> {
    let link = std::fs::read_link("/proc/thread-self").context("the kernel names no thread")?;
    let thread = link.file_name().and_then(|name| name.to_str()).context("a thread has a number")?;
    taskset(&["--pid", "--cpu-list", cores, thread])
}

fn taskset(arguments: &[&str]) -> Result<()> {
    let mut taskset = Command::new("taskset");
    taskset.args(arguments).stdout(Stdio::null());
    if !taskset.status().context("cannot start taskset")?.success() {
        bail!("server and load cannot have a core each: two cores are needed");
    }
    Ok(())
}

/// The children of a process.
fn children(pid: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that has ended meanwhile has no parent any more.
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        if parent(&stat) == Some(pid) {
            children.push(child);
        }
    }
    Ok(children)
}

/// The parent in a `stat` line: the second field after the name in parentheses.
fn parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// CPU, cores, kernel and day, in one line.
pub(crate) fn describe() -> Result<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gib = field(&memory, "MemTotal:").unwrap_or(0) / (1024 * 1024);
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let model = model.trim_start_matches([' ', '\t', ':']).trim();
    Ok(format!("{day}, {cores} cores of {model}, {gib} GiB, Linux {}", kernel.trim()))
}

/// Creates a folder on the disk of the build, so that a sync costs what it costs there.
pub(crate) fn scratch_folder() -> Result<PathBuf> {
    let folder = std::path::absolute(format!("target/bench-{}", std::process::id()))?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// The resources that a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time, in microseconds.
    pub(crate) cpu_micros: u64,
    /// Resident memory, in KiB.
    pub(crate) resident_kib: u64,
}

impl Usage {
    /// Reads `/proc/PID`. The kernel counts in ticks of 10 ms, which is exact enough over seconds.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        const MICROS_PER_TICK: u64 = 10_000;
        let read = |name: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/{name}"))
                .with_context(|| format!("process {pid} is gone"))
        };
        let stat = read("stat")?;
        let ticks = ticks(&stat).with_context(|| format!("cannot understand /proc/{pid}/stat"))?;
        let resident_kib =
            field(&read("status")?, "VmRSS:").context("the kernel reports no resident memory")?;
        Ok(Self { cpu_micros: ticks * MICROS_PER_TICK, resident_kib })
    }
}

/// `utime + stime` of a `stat` line: the 14th and 15th field, counted after the name in parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The number after a name in files such as `/proc/PID/status`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{field, parent, ticks};

    #[test]
    fn cpu_time_is_parsed_after_any_process_name() {
        let stat = "42 (a (b) c) S 7 1 1 0 -1 4194560 9 0 0 0 120 34 0 0 20 0 5 0 100 1 1 1";
        assert_eq!(ticks(stat), Some(154));
        assert_eq!(parent(stat), Some(7));
    }

    #[test]
    fn memory_fields_are_found_by_name() {
        assert_eq!(field("Name:\tx\nVmRSS:\t   18344 kB\n", "VmRSS:"), Some(18_344));
        assert_eq!(field("Name:\tx\n", "VmRSS:"), None);
    }
}
