//! Stops a server after its test process has ended in any way.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell that outlives this process until it has cleaned up. It inherits the error output of this process,
/// so that a reader of that output to its end knows that nothing is left.
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch a server with this data directory below the folder `top`. The script gets both as arguments, reads
    /// until the pipe closes, and cleans up. It runs in its own process group, because a terminal interrupts the whole
    /// group of the tests.
    pub(crate) fn start(script: &str, top: &Path, data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "watchdog"]).arg(top).arg(data).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Self(shell.expect("a shell runs"))
    }

    /// Makes it clean up now, and waits for that.
    pub(crate) fn finish(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
