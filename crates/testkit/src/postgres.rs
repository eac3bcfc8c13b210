//! A real PostgreSQL server in its own folder, from Debian's packages.
//!
//! Nothing of it outlives the test process, however that ends. A watchdog waits on a pipe whose other end
//! only this process holds; when the pipe closes, it stops the server and deletes the folder. This also
//! cleans up a server in a `static`, which is never dropped, such as [`PostgresServer::shared`].

mod database;
mod pooler;
mod processes;
mod programs;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
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
use processes::Postmaster;
use programs::Programs;

pub use database::PostgresDatabase;
pub use pooler::Pooler;

/// The role that owns everything.
const ROLE: &str = "sluicegate";

/// Turns an installation into one of the previous version.
pub const TAKE_BACK_MIGRATIONS: &str = "DELETE FROM migrations WHERE number > 1;
    DROP INDEX audit_events_newest_by_action, audit_events_newest_by_actor, audit_events_newest_by_application;
    CREATE INDEX audit_events_by_action ON audit_events (action);
    CREATE INDEX audit_events_by_actor ON audit_events (folded_actor) WHERE folded_actor IS NOT NULL;
    CREATE INDEX audit_events_by_application ON audit_events (application_id) WHERE application_id IS NOT NULL";

/// Reads until the pipe closes, and cleans up. The process in the pid file is taken for the server only if it
/// works in the data directory: after a `kill -9` the file is outdated and its number may belong to another
/// process. The seventh line names the only system shared memory segment that a killed server leaves.
const WATCHDOG: &str = r#"
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

/// How often a start is tried again on another port.
const ATTEMPTS: usize = 10;

const PAUSE: Duration = Duration::from_millis(10);

/// Two minutes of pauses: a crashed server replays its log before it answers.
const PATIENCE: usize = 12_000;

/// The settings of a server.
#[derive(Debug, Clone, Default)]
pub struct PostgresSettings {
    /// Whether a commit is on the disk when it is acknowledged. Without it, tests of statements are several
    /// times faster.
    pub durable: bool,
    /// If set, the server accepts only TLS.
    pub tls: Option<PostgresTls>,
    /// Further settings of the server, by their names in `postgresql.conf`.
    pub options: Vec<(&'static str, String)>,
}

/// A server's certificate.
#[derive(Debug, Clone)]
pub struct PostgresTls {
    /// The certificate chain in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// A server on a free port of the loopback address. Its role authenticates with a password (SCRAM).
pub struct PostgresServer {
    programs: Programs,
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

impl PostgresServer {
    /// The server that all tests of this process share. It is fast and not durable; a test that kills it
    /// affects all others.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&PostgresSettings::default()))
    }

    /// Creates a data directory and starts a server on it.
    ///
    /// # Panics
    /// If the packages are missing or the server does not start; the message shows its output.
    pub fn start(settings: &PostgresSettings) -> Self {
        let programs = Programs::find().unwrap_or_else(|missing| panic!("{missing}"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The server knows its directory by the path without symbolic links, and the watchdog compares the
        // two.
        let top = folder.path().canonicalize().expect("a folder that is there");
        programs.give(&top);
        let data = top.join("data");
        let watchdog = Watchdog::start(WATCHDOG, &top, &data);
        let mut random = Random::new(Random::fresh_seed());
        let password = random.word();
        initialise(&programs, &top, &data, &password);
        let mut server = Self {
            programs,
            data,
            port: 0,
            password,
            options: options(settings),
            running: Mutex::new(None),
            databases: AtomicU32::new(0),
            watchdog,
            folder,
        };
        if let Some(tls) = &settings.tls {
            server.put_certificate(tls);
        }
        for _ in 0..ATTEMPTS {
            server.port = free_port(&mut random);
            if server.try_to_run() {
                return server;
            }
        }
        panic!("PostgreSQL does not start: {}", server.log());
    }

    /// The address and port as in a connection string.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of a database, including the password.
    pub fn url(&self, database: &str) -> String {
        self.url_by_way_of(&self.address(), database)
    }

    /// The URL of a database through something that listens at `address` in front of the server.
    pub fn url_by_way_of(&self, address: &str, database: &str) -> String {
        format!("postgres://{ROLE}:{}@{address}/{database}", self.password)
    }

    /// The data directory of the server.
    pub fn data_folder(&self) -> &Path {
        &self.data
    }

    /// Whether it was started and neither stopped nor killed since.
    pub fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// The id of the server's first process, which has started all others.
    ///
    /// # Panics
    /// If it is not running.
    pub fn process_id(&self) -> u32 {
        self.running().as_ref().expect("the server runs").id()
    }

    /// The complete log of the server since its first start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Creates an empty database for a test. It is dropped with the result.
    pub fn create_database(&self) -> PostgresDatabase<'_> {
        self.create_database_from("template1")
    }

    /// Creates a database with the content of another, to which nobody may be connected meanwhile.
    pub fn create_database_from(&self, template: &str) -> PostgresDatabase<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        PostgresDatabase::create(self, name, template)
    }

    /// Runs statements in a database as the owner, and returns their output: one row on each line, columns
    /// separated by bars.
    ///
    /// # Errors
    /// The error message of `psql`, if the server refuses or does not answer.
    ///
    /// # Panics
    /// If `psql` cannot be started.
    pub fn run(&self, database: &str, statements: &str) -> Result<String, String> {
        let mut psql = self.client(self.programs.psql(), database);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        output_of(psql.arg("--command").arg(statements))
    }

    /// A PostgreSQL program that works on a database.
    fn client(&self, program: PathBuf, database: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string());
        command.env("PGUSER", ROLE).env("PGPASSWORD", &self.password).env("PGDATABASE", database);
        command.stdin(Stdio::null());
        command
    }

    /// Kills the server and every process that it started (`kill -9`).
    ///
    /// # Panics
    /// If it is not running.
    pub fn kill(&self) {
        let mut child = self.running().take().expect("the server runs");
        Postmaster::new(child.id(), &self.data).kill_with_children();
        let _ = child.wait();
    }

    /// Stops the server in order: connections are closed, transactions are rolled back, and no recovery is
    /// needed.
    ///
    /// # Panics
    /// If it is not running.
    pub fn stop(&self) {
        let mut child = self.running().take().expect("the server runs");
        processes::signal("INT", &[child.id()]);
        let _ = child.wait();
    }

    /// Starts a server that was killed or stopped, on the same port, and waits until it answers.
    ///
    /// # Panics
    /// If it does not start; the message shows its log.
    pub fn start_again(&self) {
        assert!(self.running().is_none(), "the server runs already");
        assert!(self.try_to_run(), "PostgreSQL does not start again: {}", self.log());
    }

    fn running(&self) -> MutexGuard<'_, Option<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Whether the server answers; otherwise it has ended.
    fn try_to_run(&self) -> bool {
        let log = File::options().create(true).append(true).open(self.log_file()).expect("a log file");
        let mut command = self.programs.as_owner(self.programs.postgres());
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string()).args(&self.options);
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        let mut child = command.process_group(0).spawn().expect("postgres runs");
        let postmaster = Postmaster::new(child.id(), &self.data);
        for _ in 0..PATIENCE {
            if child.try_wait().expect("it can be waited for").is_some() {
                return false;
            }
            if postmaster.is_ready() {
                *self.running() = Some(child);
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        postmaster.kill_with_children();
        let _ = child.wait();
        false
    }

    fn put_certificate(&self, tls: &PostgresTls) {
        for (from, name) in [(&tls.certificate, "server.crt"), (&tls.key, "server.key")] {
            let to = self.data.join(name);
            fs::copy(from, &to).expect("the certificate can be copied");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("it is ours");
            self.programs.give(&to);
        }
        let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.data.join("pg_hba.conf"), rules).expect("the folder can be written");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.running().take() {
            processes::signal("QUIT", &[child.id()]);
            let _ = child.wait();
        }
        self.watchdog.finish();
    }
}

/// The output of a program, or its error message.
fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command.output().expect("PostgreSQL's programs run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn initialise(programs: &Programs, top: &Path, data: &Path, password: &str) {
    let secret = top.join("password");
    fs::write(&secret, password).expect("the folder can be written");
    programs.give(&secret);
    let mut command = programs.as_owner(programs.initdb());
    command.arg("--pgdata").arg(data).arg("--pwfile").arg(&secret).arg("--username").arg(ROLE);
    command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    let output = command.output().expect("initdb runs");
    assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
}

/// The server's arguments. Shared memory is kept in files below the data directory, because system segments
/// would remain after a `kill -9`.
fn options(settings: &PostgresSettings) -> Vec<String> {
    let switch = if settings.durable { "on" } else { "off" };
    let mut options: Vec<(&str, String)> = vec![
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("unix_socket_directories", String::new()),
        ("dynamic_shared_memory_type", "mmap".to_owned()),
        ("shared_buffers", "64MB".to_owned()),
        ("max_connections", "200".to_owned()),
        ("fsync", switch.to_owned()),
        ("synchronous_commit", switch.to_owned()),
        ("full_page_writes", switch.to_owned()),
        ("ssl", if settings.tls.is_some() { "on" } else { "off" }.to_owned()),
    ];
    options.extend(settings.options.iter().cloned());
    options.into_iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}
