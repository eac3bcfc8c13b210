//! `PgBouncer` in transaction mode, in front of a server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{PATIENCE, PAUSE, PostgresDatabase, PostgresServer, ROLE};
use crate::ports::free_port;
use crate::random::Random;

/// Runs the pooler until the pipe closes, which it does however the test process ends, and cleans up.
const SCRIPT: &str = r#"
top=$1
pgbouncer -q "$top/pooler.ini" &
id=$!
echo "$id"
read -r _
kill "$id"
wait "$id"
rm -rf "$top"
"#;

/// A pooler that hands its few server connections to another client after each transaction.
pub struct Pooler {
    shell: Child,
    port: u16,
    _folder: TempDir,
}

impl PostgresServer {
    /// Starts a pooler in front of this server.
    ///
    /// # Panics
    /// If the Debian package pgbouncer is missing or the pooler does not start.
    pub fn start_pooler(&self) -> Pooler {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port(&mut Random::new(Random::fresh_seed()));
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user={ROLE} password={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n\
             max_client_conn = 1000\nunix_socket_dir =\n",
            self.port, self.password
        );
        fs::write(folder.path().join("pooler.ini"), settings).expect("the folder can be written");
        self.programs.give(folder.path());
        self.programs.give(&folder.path().join("pooler.ini"));
        let mut shell = self.programs.as_owner("sh".into());
        shell
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args(["-c", SCRIPT, "pooler"])
            .arg(folder.path())
            .process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell runs");
        let mut pooler = Pooler { shell, port, _folder: folder };
        let mut line = String::new();
        let output = pooler.shell.stdout.as_mut().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("the shell tells its child");
        for _ in 0..PATIENCE {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            let process = Path::new("/proc").join(line.trim());
            assert!(process.exists(), "no pooler: install the Debian package pgbouncer");
            std::thread::sleep(PAUSE);
        }
        panic!("the pooler does not answer")
    }
}

impl Pooler {
    /// The URL of a database through the pooler.
    pub fn url(&self, database: &PostgresDatabase<'_>) -> String {
        database.url_by_way_of(&format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
