//! A real MariaDB server in its own folder, from Debian's packages.
//!
//! Nothing of it outlives the test process, however that ends: a watchdog stops the server and deletes
//! the folder.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::ports::free_port;
use crate::random::Random;
use crate::watchdog::Watchdog;

/// The user who owns everything.
const USER: &str = "sluicegate";

const MISSING: &str = "MariaDB's server is not installed: install the Debian package mariadb-server";

/// The folders of the programs, which are not all on the search path of everybody.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];

/// Kills the server and deletes the folder. The process in the pid file is taken for the server only if it works in the data
/// directory.
const WATCHDOG: &str = r#"
top=$1 data=$2
cd /
read -r _
id=$(cat "$top/pid" 2>/dev/null)
lives() { [ -n "$id" ] && [ "$(readlink "/proc/$id/cwd")" = "$data" ]; }
lives && kill -KILL "$id"
left=100
while lives && [ "$left" -gt 0 ]; do
    sleep 0.1
    left=$((left - 1))
done
rm -rf "$top"
exit 0
"#;

/// How often a start is tried again on another port.
const ATTEMPTS: usize = 10;

const PAUSE: Duration = Duration::from_millis(10);

/// Two minutes of pauses.
const PATIENCE: usize = 12_000;

/// What makes a server small, and fast instead of durable.
const SETTINGS: [&str; 14] = [
    "--no-defaults",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--performance-schema=off",
    "--max-connections=200",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--loose-innodb-buffer-pool-load-at-startup=off",
];

/// A server's certificate.
#[derive(Debug, Clone)]
pub struct MariaDbTls {
    /// The certificate chain in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// A server on a free port of the loopback address.
pub struct MariaDbServer {
    data: PathBuf,
    port: u16,
    password: String,
    options: Vec<String>,
    running: Mutex<Option<Child>>,
    databases: AtomicU32,
    watchdog: Watchdog,
    /// The last field, so that the folder is deleted after everything else has ended.
    folder: TempDir,
}

impl MariaDbServer {
    /// The server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDbServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[], None))
    }

    /// Creates a data directory and starts a server on it, with further options of its command line. With a certificate,
    /// TLS is possible.
    ///
    /// # Panics
    /// If the packages are missing or the server does not start; the message shows its output.
    pub fn start(options: &[&str], tls: Option<&MariaDbTls>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let top = folder.path().canonicalize().expect("a folder that is there");
        let data = top.join("data");
        let watchdog = Watchdog::start(WATCHDOG, &top, &data);
        let mut random = Random::new(Random::fresh_seed());
        let password = random.word();
        initialise(&top, &data, &password);
        let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        if let Some(MariaDbTls { certificate, key }) = tls {
            options.push(format!("--ssl-cert={}", certificate.display()));
            options.push(format!("--ssl-key={}", key.display()));
        }
        let (running, databases) = (Mutex::new(None), AtomicU32::new(0));
        let mut server = Self { data, port: 0, password, options, running, databases, watchdog, folder };
        for _ in 0..ATTEMPTS {
            server.port = free_port(&mut random);
            if server.try_to_run() {
                return server;
            }
        }
        panic!("MariaDB does not start: {}", server.log());
    }

    /// The address and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user who owns everything, and the password.
    pub fn owner(&self) -> (&'static str, &str) {
        (USER, &self.password)
    }

    /// The complete log of the server since its first start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Creates an empty database for a test. It is dropped with the result.
    ///
    /// # Panics
    /// If the server refuses; the message is that of the client.
    pub fn create_database(&self) -> MariaDbDatabase<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("mysql", &format!("CREATE DATABASE {name}")).unwrap_or_else(|output| panic!("{output}"));
        MariaDbDatabase { server: self, name }
    }

    /// Runs statements in a database as the owner, and returns their output: one row on each line, columns separated by
    /// tabs.
    ///
    /// # Errors
    /// The error message of the client, if the server refuses or does not answer.
    ///
    /// # Panics
    /// If the client cannot be started.
    pub fn run(&self, database: &str, statements: &str) -> Result<String, String> {
        let mut client = Command::new(program("mariadb"));
        client.env_clear().env("MYSQL_PWD", &self.password).stdin(Stdio::null());
        client.args([
            "--no-defaults",
            "--protocol=TCP",
            "--host=127.0.0.1",
            "--batch",
            "--skip-column-names",
        ]);
        client.args(["--default-character-set=utf8mb4", "--skip-ssl"]);
        client.arg(format!("--port={}", self.port)).arg(format!("--user={USER}"));
        let output = client.arg("--execute").arg(statements).arg(database).output();
        let output = output.expect("MariaDB's client runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Kills the server (`kill -9`).
    ///
    /// # Panics
    /// If it is not running.
    pub fn kill(&self) {
        let mut child = self.running().take().expect("the server runs");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Starts a server that was killed, on the same port, and waits until it answers.
    ///
    /// # Panics
    /// If it does not start; the message shows its log.
    pub fn start_again(&self) {
        assert!(self.running().is_none(), "the server runs already");
        assert!(self.try_to_run(), "MariaDB does not start again: {}", self.log());
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server answers; otherwise it has ended.
    fn try_to_run(&self) -> bool {
        let top = self.data.parent().expect("the folder above");
        let log = File::options().create(true).append(true).open(top.join("log")).expect("a log file");
        let mut command = Command::new(program("mariadbd"));
        command.args(SETTINGS).args(as_root()).args(&self.options);
        command.arg(format!("--datadir={}", self.data.display()));
        command.arg(format!("--socket={}", top.join("socket").display()));
        command.arg(format!("--pid-file={}", top.join("pid").display()));
        command.arg(format!("--init-file={}", top.join("users.sql").display()));
        command.arg(format!("--port={}", self.port));
        command.env_clear().env("TMPDIR", temporary(top)).current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut child = command.process_group(0).spawn().expect("mariadbd runs");
        for _ in 0..PATIENCE {
            if child.try_wait().expect("it can be waited for").is_some() {
                return false;
            }
            if self.run("mysql", "SELECT 1").is_ok() {
                *self.running() = Some(child);
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }
}

impl Drop for MariaDbServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.running().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.watchdog.finish();
    }
}

/// A database on a server that may be shared; it is dropped in the end.
pub struct MariaDbDatabase<'a> {
    server: &'a MariaDbServer,
    name: String,
}

impl<'a> MariaDbDatabase<'a> {
    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    pub fn server(&self) -> &'a MariaDbServer {
        self.server
    }

    /// Runs statements in it, and returns their output: one row on each line, columns separated by tabs.
    ///
    /// # Panics
    /// If the server refuses; the message is that of the client.
    pub fn run(&self, statements: &str) -> String {
        self.server.run(&self.name, statements).unwrap_or_else(|output| panic!("{output}"))
    }
}

impl Drop for MariaDbDatabase<'_> {
    fn drop(&mut self) {
        // If the server is already down, this fails, but its folder is deleted too.
        let _ = self.server.run("mysql", &format!("DROP DATABASE IF EXISTS {}", self.name));
    }
}

fn program(name: &str) -> PathBuf {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{MISSING}"))
}

/// The server runs as root only if it is told so.
fn as_root() -> Option<&'static str> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    is_root.then_some("--user=root")
}

/// The folder for the temporary tables of a server. A server that starts deletes those that it finds, so it must not share the
/// folder with others.
fn temporary(top: &Path) -> PathBuf {
    top.join("tmp")
}

fn initialise(top: &Path, data: &Path, password: &str) {
    let users = format!(
        "CREATE USER IF NOT EXISTS {USER}@'%' IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
    );
    fs::create_dir(temporary(top)).expect("the folder can be written");
    fs::write(top.join("users.sql"), users).expect("the folder can be written");
    let mut command = Command::new(program("mariadb-install-db"));
    command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
    command.args(["--skip-name-resolve", "--innodb-log-file-size=8M", "--innodb-flush-method=nosync"]);
    command.args(["--innodb-doublewrite=0", "--innodb-flush-log-at-trx-commit=0"]).args(as_root());
    command.arg(format!("--datadir={}", data.display())).env("TMPDIR", temporary(top));
    command.stdin(Stdio::null()).current_dir("/");
    let output = command.output().expect("mariadb-install-db runs");
    assert!(output.status.success(), "no data directory: {}", String::from_utf8_lossy(&output.stderr));
}
