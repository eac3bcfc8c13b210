//! The end of a server whose test process has ended, in whatever way.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads until the pipe closes, and cleans up. The process that the pid file names is taken for the server only when it
/// works in the data folder: after a `kill -9` the file is old and its number may be somebody else's. The seventh line
/// names the one piece of the system's shared memory that a killed server leaves.
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

/// A shell that outlives this process by the time that cleaning up takes. It keeps the error output of this process, so
/// that whoever reads that to its end knows that nothing is left.
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch over a server with this data folder below the folder `top`. In a process group of its own, since
    /// a terminal interrupts the whole group of the tests.
    pub(super) fn start(top: &Path, data: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "watchdog"]).arg(top).arg(data).process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        Self(shell.expect("a shell runs"))
    }

    /// Lets it clean up now, and waits for that.
    pub(super) fn finish(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
