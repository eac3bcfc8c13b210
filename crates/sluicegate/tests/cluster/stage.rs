//! The cluster: a database, three nodes that each reach it through a link of their own, and a balancer.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;
use testkit::balancer::Balancer;
use testkit::link::Link;
use testkit::postgres::{PostgresServer, PostgresSettings, TAKE_BACK_MIGRATIONS};
use testkit::{ADMIN, Random, Served, USER};

use super::clock::{self, Clock};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
pub(crate) const NODES: usize = 3;
const DATABASE: &str = "cluster";

/// Nodes learn of changes within a second.
const FEED: Duration = Duration::from_secs(1);

/// How long a node continues to serve after it was told to stop: the balancer's health check may take a
/// second to fail.
const DRAIN_SECS: &str = "2";

/// How often the database is asked whether it is idle, and the delay between.
const ASKED: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What the clients see.
pub(crate) struct Cluster {
    balancer: Balancer,
    nodes: Mutex<Vec<String>>,
}

impl Cluster {
    /// The address of the balancer.
    pub(crate) fn url(&self) -> String {
        self.balancer.url()
    }

    pub(crate) fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// The current or last address of each node.
    pub(crate) fn nodes(&self) -> Vec<String> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn any_node(&self, random: &mut Random) -> String {
        self.nodes().swap_remove(random.place(NODES))
    }

    fn replace(&self, place: usize, url: &str) {
        url.clone_into(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner)[place]);
        self.balancer.replace(place, url);
    }

    pub(crate) fn wait_until_all_are_ready(&self) {
        self.balancer.wait_until(|ready| ready.iter().all(|ready| *ready));
    }
}

/// Everything that can fail.
pub(crate) struct Machines {
    pub(crate) postgres: PostgresServer,
    pub(crate) nodes: Vec<Node>,
    _folder: TempDir,
}

pub(crate) struct Node {
    place: usize,
    folder: PathBuf,
    key: String,
    database: String,
    pub(crate) link: Link,
    served: Option<Served>,
    /// The output of earlier runs.
    printed: String,
}

/// Starts everything, with the accounts [`ADMIN`] and [`USER`].
pub(crate) fn set_up(random: &mut Random) -> (Machines, Cluster) {
    let postgres = PostgresServer::start(&PostgresSettings { durable: true, ..PostgresSettings::default() });
    postgres.run("postgres", &format!("CREATE DATABASE {DATABASE}")).expect("an empty server");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bytes: Vec<u8> = (0..4).flat_map(|_| random.bits().to_le_bytes()).collect();
    let key = URL_SAFE_NO_PAD.encode(bytes);
    let mut nodes: Vec<Node> = (0..NODES)
        .map(|place| {
            let link = Link::start(&postgres.address());
            let database = postgres.url_by_way_of(&link.address(), DATABASE);
            let folder = folder.path().join(format!("node{place}"));
            Node { place, folder, key: key.clone(), database, link, served: None, printed: String::new() }
        })
        .collect();
    nodes[0].run(&["init"]);
    let urls: Vec<String> = nodes.iter_mut().map(|node| node.start(node.serve())).collect();
    let balancer = Balancer::start(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let cluster = Cluster { balancer, nodes: Mutex::new(urls) };
    (Machines { postgres, nodes, _folder: folder }, cluster)
}

impl Machines {
    /// Waits until every node is ready and no request is running.
    pub(crate) fn come_to_rest(&self, cluster: &Cluster) {
        for node in &self.nodes {
            node.link.pass();
        }
        cluster.wait_until_all_are_ready();
        std::thread::sleep(FEED);
        let busy = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid() \
                    AND (state <> 'idle' OR xact_start IS NOT NULL)";
        for _ in 0..ASKED {
            if self.postgres.run(DATABASE, busy).as_deref() == Ok("0") {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("the database does not come to rest");
    }

    /// Starts everything that is not running, and repairs every link.
    pub(crate) fn mend(&mut self, cluster: &Cluster) {
        for node in &self.nodes {
            node.link.pass();
        }
        if !self.postgres.is_running() {
            self.postgres.start_again();
        }
        for node in &mut self.nodes {
            if node.served.is_none() {
                node.start_again(cluster);
            }
        }
        cluster.wait_until_all_are_ready();
    }

    /// Undoes the last migrations, while nodes are running that know them.
    pub(crate) fn take_back_migrations(&self) {
        self.postgres.run(DATABASE, TAKE_BACK_MIGRATIONS).expect("the database is well");
    }

    /// Checks that every migration has completed.
    pub(crate) fn verify_migrations(&self) {
        let state =
            "SELECT max(number) > 3, (SELECT count(*) FROM pg_index WHERE NOT indisvalid) FROM migrations";
        assert_eq!(self.postgres.run(DATABASE, state).as_deref(), Ok("t|0"));
    }

    /// Stops the nodes and checks that each ends in order.
    pub(crate) fn end_in_order(mut self) {
        for node in &mut self.nodes {
            node.terminate();
        }
    }
}

impl Node {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().stdin(Stdio::null()).args(arguments);
        command.arg("--data-dir").arg(&self.folder);
        command.env("SLUICEGATE_DATABASE", &self.database).env("SLUICEGATE_MASTER_KEY", &self.key);
        command.env("SLUICEGATE_RATE_LIMIT__ENABLED", "false");
        command.env("SLUICEGATE_LIMITS__DRAIN_SECS", DRAIN_SECS);
        // Unoptimised and under the load of a starting test, a handshake with the database may take a second.
        command.env("SLUICEGATE_DATABASE_POOL__WAIT_MILLIS", "5000");
        // A lost answer is requested again after the fault, which takes longer than the default grace period.
        command.env("SLUICEGATE_TOKENS__REFRESH_GRACE_SECS", "3600");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("SLUICEGATE_ADMIN_PASSWORD", ADMIN.password);
        let output =
            command.env("SLUICEGATE_USER_PASSWORD", USER.password).output().expect("the binary runs");
        let answered = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {answered}");
    }

    /// Runs a command, and kills it after a time unless it has ended.
    pub(crate) fn run_and_kill(&self, arguments: &[&str], after: Duration) {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        std::thread::sleep(after);
        child.kill().expect("it can be killed, or has ended");
        child.wait().expect("it has ended");
    }

    fn serve(&self) -> Command {
        self.command(&["serve", "--listen", "127.0.0.1:0"])
    }

    /// Starts the node, and returns its address.
    fn start(&mut self, command: Command) -> String {
        self.served.insert(Served::start(command)).url().to_owned()
    }

    /// Starts the node again, and waits until it gets its share of the requests.
    pub(crate) fn start_again(&mut self, cluster: &Cluster) {
        self.start_again_by(self.serve(), cluster);
    }

    /// Like [`Node::start_again`], with a different clock from that of the other nodes.
    pub(crate) fn start_again_with(&mut self, clock: &Clock, cluster: &Cluster) {
        let mut command = self.serve();
        clock.rule(&mut command);
        self.start_again_by(command, cluster);
    }

    fn start_again_by(&mut self, command: Command, cluster: &Cluster) {
        let url = self.start(command);
        cluster.replace(self.place, &url);
        let place = self.place;
        cluster.balancer.wait_until(|ready| ready[place]);
    }

    /// Checks that the clock of the previous run was off by this much, give or take two seconds; the last log
    /// line carries its time.
    pub(crate) fn verify_clock(&self, secs: i64) {
        let last =
            self.printed.lines().rfind(|line| line.contains("\"stopped\"")).expect("it says that it stops");
        let line: serde_json::Value = serde_json::from_str(last).expect("a line of the log");
        let shown: jiff::Timestamp = line["time"].as_str().expect("a time").parse().expect("a time");
        let moved = shown.as_second() - jiff::Timestamp::now().as_second();
        assert!(moved.abs_diff(secs) <= 2, "moved by {moved} s instead of {secs}");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let served = self.take_served();
        let process = served.id();
        self.keep(process, &served.kill());
    }

    /// Sends SIGTERM; the node must end in order.
    pub(crate) fn terminate(&mut self) {
        let served = self.take_served();
        let process = served.id();
        let (status, printed) = served.terminate();
        self.keep(process, &printed);
        assert!(status.success(), "{status}");
    }

    fn take_served(&mut self) -> Served {
        self.served.take().expect("it runs")
    }

    fn keep(&mut self, process: u32, printed: &str) {
        clock::clean_up_after(process);
        self.printed.push_str(printed);
        assert!(!printed.contains("panic"), "{printed}");
    }

    /// The warnings of this and earlier runs.
    fn warnings(&self) -> Vec<String> {
        let now = self.served.as_ref().map(Served::printed).unwrap_or_default();
        let lines = self.printed.lines().chain(now.lines());
        let answered = lines.filter(|line| line.contains("WARN") || line.contains("ERROR"));
        // Rate limits are off on purpose.
        answered.filter(|line| !line.contains("rate_limit.enabled")).map(str::to_owned).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(served) = self.served.take() {
            let process = served.id();
            drop(served);
            clock::clean_up_after(process);
        }
    }
}

impl Drop for Machines {
    #[expect(clippy::print_stderr, reason = "a failure is looked into by what the nodes have warned of")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                eprintln!("warnings of node {}:\n{}", node.place, node.warnings().join("\n"));
            }
        }
    }
}
