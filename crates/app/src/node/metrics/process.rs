//! What the operating system reports about this process.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Gauges that are read from `/proc` on demand; without it they stay 0.
#[derive(Debug, Default)]
pub(super) struct ProcessFigures {
    resident_bytes: Gauge,
    cpu_seconds: Gauge<f64, AtomicU64>,
    threads: Gauge,
    open_files: Gauge,
    most_open_files: Gauge,
}

/// The unit of CPU time in `/proc`: Linux guarantees a hundredth of a second.
const TICKS_PER_SECOND: f64 = 100.0;

impl ProcessFigures {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Resident memory in bytes";
        registry.register("process_resident_memory_bytes", help, self.resident_bytes.clone());
        let help = "CPU time in seconds since the start";
        registry.register("process_cpu_seconds", help, self.cpu_seconds.clone());
        registry.register("process_threads", "Threads", self.threads.clone());
        registry.register("process_open_fds", "Open file descriptors", self.open_files.clone());
        let help = "File descriptors that may be open at once";
        registry.register("process_max_fds", help, self.most_open_files.clone());
    }

    /// Updates the gauges.
    pub(super) fn read(&self) {
        let file = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let status = file("status");
        if let Some(kibibytes) = number_after(&status, "VmRSS:") {
            self.resident_bytes.set(kibibytes.saturating_mul(1024));
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            self.threads.set(threads);
        }
        if let Some(most) = number_after(&file("limits"), "Max open files") {
            self.most_open_files.set(most);
        }
        if let Some(ticks) = processor_ticks(&file("stat")) {
            self.cpu_seconds.set(ticks / TICKS_PER_SECOND);
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // One of them is the folder itself.
            self.open_files.set(i64::try_from(open.count().saturating_sub(1)).unwrap_or(i64::MAX));
        }
    }
}

/// The number after a word at the start of a line.
fn number_after(text: &str, word: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The CPU time of the process itself, in user mode and in the kernel. The name in parentheses may contain
/// anything.
fn processor_ticks(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some(ticks()? + ticks()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_figures_are_parsed_for_any_program_name() {
        let stat = "1 (a b) c) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(processor_ticks(stat), Some(200.0));
        assert_eq!(number_after("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(number_after("Max open files            1024 4096 files", "Max open files"), Some(1024));
        assert_eq!(number_after("", "VmRSS:"), None);
    }
}
