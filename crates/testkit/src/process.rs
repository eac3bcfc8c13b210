//! The real binary as a process of its own: in a folder of its own, on a free port, ended by its own id.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::server::{ADMIN, USER};

/// What the line says by which the server tells that it answers.
const READY: &str = "sluicegate is ready at ";

/// A data folder with the accounts [`ADMIN`] and [`USER`].
pub struct Installation {
    binary: PathBuf,
    folder: TempDir,
    /// The URL of the system database, where it is not the embedded one.
    shared: Option<String>,
}

impl Installation {
    /// Runs `init` in a fresh folder. A test passes `env!("CARGO_BIN_EXE_sluicegate")`.
    ///
    /// # Panics
    /// When it fails; it shows what was printed.
    pub fn new(binary: &str) -> Self {
        Self::initialised(binary, None)
    }

    /// As [`Installation::new`], in the PostgreSQL database of that URL.
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

    /// Where database and master key lie.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file of the system database.
    pub fn database(&self) -> PathBuf {
        self.data_dir().join("sluicegate.db")
    }

    /// A folder for what a test needs besides.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of the binary on this data folder, with an environment that holds nothing else.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command.envs(self.shared.iter().map(|url| ("SLUICEGATE_DATABASE", url)));
        command
    }

    /// Starts the server and waits until it answers. Rate limits are off: tests come from one address.
    pub fn serve(&self) -> Served {
        self.serve_with(&[], &[])
    }

    /// Starts the server with more arguments and variables.
    ///
    /// # Panics
    /// When it does not become ready; it shows what was printed.
    pub fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Served {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
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
    /// Starts a command that prints the line of readiness.
    ///
    /// # Panics
    /// When it ends or stays silent for half a minute instead.
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

    /// Where it answers, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the operator observes it, without a trailing slash.
    ///
    /// # Panics
    /// When its log, which must be of the level `info`, does not say so.
    pub fn observed_url(&self) -> String {
        for _ in 0..10_000 {
            if let Some(url) = observed_in(&self.printed()) {
                return url;
            }
            // The log may be written after the line of readiness.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        panic!("it is observed nowhere: {}", self.printed())
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has printed so far.
    pub fn printed(&self) -> String {
        text(&self.printed)
    }

    /// `kill -9`; answers all that it printed.
    ///
    /// # Panics
    /// When the process cannot be ended.
    pub fn kill(mut self) -> String {
        self.child.kill().expect("the process can be ended");
        self.finished().1
    }

    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asks it to end, and waits for that; answers how it ended and all that it printed.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn terminate(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.end()
    }

    /// Waits until it ends by itself; answers how it ended and all that it printed.
    ///
    /// # Panics
    /// When it cannot be waited for.
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

/// The address of observation that the log names.
fn observed_in(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("observed") && line.contains("http://"))?;
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

/// Ends early when both pipes are closed.
fn wait_until_ready(lines: &Receiver<String>) -> Option<String> {
    loop {
        let line = lines.recv_timeout(Duration::from_secs(30)).ok()?;
        if let Some((_, url)) = line.split_once(READY) {
            return Some(url.trim().trim_end_matches('/').to_owned());
        }
    }
}
