//! The cluster: a database, three nodes that each reach it through a link of their own, and a balancer before them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;
use testkit::balancer::Balancer;
use testkit::link::Link;
use testkit::postgres::{PostgresServer, PostgresSettings};
use testkit::{ADMIN, Random, Served, USER};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
pub(crate) const NODES: usize = 3;
const DATABASE: &str = "cluster";

/// Nodes take in what others did within a second.
const FEED: Duration = Duration::from_secs(1);

/// How long a node that is told to stop serves on: the balancer's question may take a second to fail.
const DRAIN_SECS: &str = "2";

/// How often it is asked whether the database has come to rest, and how long between.
const ASKED: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What the clients see.
pub(crate) struct Front {
    balancer: Balancer,
    nodes: Mutex<Vec<String>>,
}

impl Front {
    /// Where the balancer answers.
    pub(crate) fn url(&self) -> String {
        self.balancer.url()
    }

    pub(crate) fn balancer(&self) -> &Balancer {
        &self.balancer
    }

    /// Where each node answers, or has lastly answered.
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

/// What can fail.
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
    /// What earlier runs have printed.
    printed: String,
}

/// Starts everything, with the accounts [`ADMIN`] and [`USER`].
pub(crate) fn set_up(random: &mut Random) -> (Machines, Front) {
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
    let urls: Vec<String> = nodes.iter_mut().map(Node::start).collect();
    let balancer = Balancer::start(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let front = Front { balancer, nodes: Mutex::new(urls) };
    (Machines { postgres, nodes, _folder: folder }, front)
}

impl Machines {
    /// Waits until every node is well and nothing that was asked for is still on its way.
    pub(crate) fn come_to_rest(&self, front: &Front) {
        for node in &self.nodes {
            node.link.pass();
        }
        front.wait_until_all_are_ready();
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

    /// Ends the nodes, each of which must end in order.
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
        // Without optimisation and beside all that a test starts, a handshake with the database may take a second.
        command.env("SLUICEGATE_DATABASE_POOL__WAIT_MILLIS", "5000");
        // A lost answer is asked for again when the fault is over, which takes longer than the usual grace.
        command.env("SLUICEGATE_TOKENS__REFRESH_GRACE_SECS", "3600");
        command
    }

    /// Runs a command of the command line to its end.
    pub(crate) fn run(&self, arguments: &[&str]) {
        let mut command = self.command(arguments);
        command.env("SLUICEGATE_ADMIN_PASSWORD", ADMIN.password);
        let output =
            command.env("SLUICEGATE_USER_PASSWORD", USER.password).output().expect("the binary runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
    }

    /// Starts the node, and answers where it is.
    fn start(&mut self) -> String {
        let served = Served::start(self.command(&["serve", "--listen", "127.0.0.1:0"]));
        self.served.insert(served).url().to_owned()
    }

    /// Starts the node again, and waits until it has its share of the requests.
    pub(crate) fn start_again(&mut self, front: &Front) {
        let url = self.start();
        front.replace(self.place, &url);
        let place = self.place;
        front.balancer.wait_until(|ready| ready[place]);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let printed = self.served.take().expect("it runs").kill();
        self.keep(&printed);
    }

    /// SIGTERM, which must end it in order.
    pub(crate) fn terminate(&mut self) {
        let (status, printed) = self.served.take().expect("it runs").terminate();
        self.keep(&printed);
        assert!(status.success(), "{status}");
    }

    fn keep(&mut self, printed: &str) {
        self.printed.push_str(printed);
        assert!(!printed.contains("panic"), "{printed}");
    }

    /// What it has warned of, in this run and earlier ones.
    fn warnings(&self) -> Vec<String> {
        let now = self.served.as_ref().map(Served::printed).unwrap_or_default();
        let lines = self.printed.lines().chain(now.lines());
        let told = lines.filter(|line| line.contains("WARN") || line.contains("ERROR"));
        // Rate limits are off on purpose.
        told.filter(|line| !line.contains("rate_limit.enabled")).map(str::to_owned).collect()
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
