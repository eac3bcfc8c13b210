//! The real binary as a process: with its own data directory, on a free port, ended by its own id.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::ports::free_port;
use crate::random::Random;
use crate::server::{ADMIN, USER};

/// The line with which the server announces that it is ready.
const READY: &str = "sluicegate is ready at ";

/// A data directory with the accounts [`ADMIN`] and [`USER`].
pub struct Installation {
    binary: PathBuf,
    folder: TempDir,
    /// The URL of the system database, if it is not the embedded one.
    shared: Option<String>,
}

impl Installation {
    /// Runs `init` in a new folder. Tests pass `env!("CARGO_BIN_EXE_sluicegate")`.
    ///
    /// # Panics
    /// If it fails; the message shows its output.
    pub fn new(binary: &str) -> Self {
        Self::initialised(binary, None)
    }

    /// Like [`Installation::new`], in the PostgreSQL database with this URL.
    pub fn shared(binary: &str, database: &str) -> Self {
        Self::initialised(binary, Some(database.to_owned()))
    }

    fn initialised(binary: &str, shared: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let installation = Self { binary: binary.into(), folder, shared };
        let output = installation
            .command(&["init"])
            .env("SLUICEGATE_ADMIN_PASSWORD", ADMIN.password)
            .env("SLUICEGATE_USER_PASSWORD", USER.password)
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "init failed: {}", String::from_utf8_lossy(&output.stderr));
        installation
    }

    /// The folder of the database and the master key.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file of the system database.
    pub fn database(&self) -> PathBuf {
        self.data_dir().join("sluicegate.db")
    }

    /// A folder for other files of a test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the binary for this data directory, in an otherwise empty environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command.envs(self.shared.iter().map(|url| ("SLUICEGATE_DATABASE", url)));
        command
    }

    /// Writes the sample database into a new file of the folder.
    ///
    /// # Panics
    /// If the file exists, or the command fails.
    pub fn sample_data(&self, file: &str) -> PathBuf {
        let file = self.folder().join(file);
        let mut command = Command::new(&self.binary);
        let output = command.env_clear().arg("sample-data").arg(&file).output().expect("the binary runs");
        assert!(output.status.success(), "{output:?}");
        file
    }

    /// Starts the server and waits until it answers. Rate limits are off, because tests use one address.
    pub fn serve(&self) -> Served {
        self.serve_with(&[], &[])
    }

    /// Starts the server with additional arguments and variables.
    ///
    /// # Panics
    /// If it does not become ready; the message shows its output.
    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Served {
        self.serve_at("127.0.0.1:0", arguments, variables)
    }

    /// Like [`Installation::serve_with`], with a public URL that has a path, such as `/gate`.
    ///
    /// # Panics
    /// If it does not become ready; the message shows its output.
    pub fn serve_below(&self, path: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Served {
        let address = format!("127.0.0.1:{}", free_port(&mut Random::new(Random::fresh_seed())));
        let scheme = if arguments.contains(&"--tls-cert") { "https" } else { "http" };
        let public_url = format!("{scheme}://{address}{path}");
        self.serve_at(&address, &[arguments, &["--public-url", &public_url]].concat(), variables)
    }

    fn serve_at(&self, address: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Served {
        let mut command = self.command(&["serve", "--listen", address]);
        command.args(arguments).env("SLUICEGATE_RATE_LIMIT__ENABLED", "false");
        command.env("SLUICEGATE_OBSERVATION__LISTEN", "127.0.0.1:0");
        command.envs(variables.iter().copied());
        Served::start(command)
    }
}

/// A running server.
pub struct Served {
    child: Child,
    url: String,
    printed: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Served {
    /// Starts a command that prints the ready line.
    ///
    /// # Panics
    /// If it ends or prints nothing for half a minute instead.
    pub fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let printed = Arc::new(Mutex::new(String::new()));
        let (lines, ready) = channel();
        let readers = vec![
            gather(child.stdout.take().expect("a pipe"), printed.clone(), lines.clone()),
            gather(child.stderr.take().expect("a pipe"), printed.clone(), lines),
        ];
        let url = wait_until_ready(&ready);
        let Some(url) = url else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not become ready: {}", text(&printed));
        };
        Self { child, url, printed, readers }
    }

    /// The URL of the server, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the metrics listener, without a trailing slash.
    ///
    /// # Panics
    /// If the log does not contain it; the log level must be `info`.
    pub fn observed_url(&self) -> String {
        for _ in 0..10_000 {
            if let Some(url) = observed_in(&self.printed()) {
                return url;
            }
            // The log may be written after the ready line.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        panic!("it is observed nowhere: {}", self.printed())
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The complete output so far.
    pub fn printed(&self) -> String {
        text(&self.printed)
    }

    /// Kills the server (`kill -9`); returns its complete output.
    ///
    /// # Panics
    /// If the process cannot be killed.
    pub fn kill(mut self) -> String {
        self.child.kill().expect("the process can be ended");
        self.finished().1
    }

    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asks the server to stop, and waits for that; returns its exit status and its complete output.
    ///
    /// # Panics
    /// If waiting fails.
    pub fn terminate(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.end()
    }

    /// Waits until the server ends by itself; returns its exit status and its complete output.
    ///
    /// # Panics
    /// If waiting fails.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.finished()
    }

    fn finished(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("the process has ended");
        for reader in self.readers.drain(..) {
            reader.join().expect("what it printed was read");
        }
        (status, text(&self.printed))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address of the metrics listener in a log.
fn observed_in(log: &str) -> Option<String> {
    let line = log
        .lines()
        .find(|line| line.contains("metrics and health are served") && line.contains("http://"))?;
    let rest = line.split_once("http://")?.1;
    Some(format!("http://{}", rest.split(['"', ' ']).next()?))
}

fn text(printed: &Mutex<String>) -> String {
    printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn gather(
    pipe: impl Read + Send + 'static,
    printed: Arc<Mutex<String>>,
    lines: Sender<String>,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = printed.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&line);
            text.push('\n');
            drop(text);
            let _ = lines.send(line);
        }
    })
}

/// Returns early if both pipes are closed.
fn wait_until_ready(lines: &Receiver<String>) -> Option<String> {
    loop {
        let line = lines.recv_timeout(Duration::from_secs(30)).ok()?;
        if let Some((_, url)) = line.split_once(READY) {
            return Some(url.trim().trim_end_matches('/').to_owned());
        }
    }
}
