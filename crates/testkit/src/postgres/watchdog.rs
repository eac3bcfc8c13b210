//! Stops a server after its test process has ended in any way.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads until the pipe closes, and cleans up. The process in the pid file is taken for the server only if it
/// works in the data directory: after a `kill -9` the file is outdated and its number may belong to another
/// process. The seventh line names the only system shared memory segment that a killed server leaves.
const SCRIPT: &str = r#"
top=$1 data=$2
cd /
read -r _
line() { sed -n "$1p" "$data/postmaster.pid" 2>/dev/null; }
lives() { [ -n "$id" ] && [ "$(readlink "/proc/$id/cwd")" = "$data" ]; }
id=$(line 1)
if lives; then
    kill -QUIT "$id"
    left=100
    while lives && [ "$left" -gt 0 ]; do
        sleep 0.1
        left=$((left - 1))
    done
    lives && kill -KILL "$id"
fi
memory=$(line 7 | sed 's/.* //')
[ -n "$memory" ] && ipcrm --shmem-id "$memory" 2>/dev/null
rm -rf "$top"
exit 0
"#;

/// A shell that outlives this process until it has cleaned up. It inherits the error output of this process,
/// so that a reader of that output to its end knows that nothing is left.
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch a server with this data directory below the folder `top`. It runs in its own process
    /// group, because a terminal interrupts the whole group of the tests.
    pub(super) fn start(top: &Path, data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "watchdog"]).arg(top).arg(data).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Self(shell.expect("a shell runs"))
    }

    /// Makes it clean up now, and waits for that.
    pub(super) fn finish(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
