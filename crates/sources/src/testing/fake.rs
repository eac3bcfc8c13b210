//! A database server for tests, and the kind of database that it serves.
//!
//! The server is a SQLite file whose rows arrive one by one over a channel, from a thread for each transaction.
//! It counts what drivers do, and can answer a statement with prepared rows and errors.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use odata::cell::Value;
use odata::sql::Dialect;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{FakeConnection, blocking};
use crate::driver::{Driver, Placement, Stop};
use crate::options::{DataStore, OptionSchema, OptionValues, ValueKind};
use crate::{
    AllowedHosts, Connector, Described, Executor, Kind, Limits, Places, Resources, SchemaVersion, Source,
    SourceError, SourceSpec,
};

/// A row of a prepared answer, or the error that ends it.
pub(super) type Prepared = Result<Vec<Value>, SourceError>;

/// The password that the server accepts.
const PASSWORD: &str = "correct horse battery staple";

/// A database server for tests.
#[derive(Clone)]
pub struct FakeDatabase(Arc<Server>);

/// Without the passwords that it has seen.
impl fmt::Debug for FakeDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FakeDatabase")
    }
}

struct Server {
    _folder: TempDir,
    path: PathBuf,
    /// The operating system accepts connections for it.
    listener: TcpListener,
    prepared: Mutex<HashMap<String, Vec<Prepared>>>,
    passwords: Mutex<Vec<String>>,
    connections: AtomicUsize,
    cancelled: AtomicUsize,
    closing: Arc<Semaphore>,
}

impl FakeDatabase {
    /// Starts a server with the tables that these statements create.
    ///
    /// # Panics
    /// If the statements fail.
    pub fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let path = folder.path().join("server.db");
        let server = Server {
            _folder: folder,
            path,
            listener: TcpListener::bind("127.0.0.1:0").expect("a free port"),
            prepared: Mutex::default(),
            passwords: Mutex::default(),
            connections: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            closing: Arc::new(Semaphore::new(1)),
        };
        let database = Self(Arc::new(server));
        database.execute(sql);
        database
    }

    /// Changes the database, as another program does.
    ///
    /// # Panics
    /// If the statements fail.
    pub fn execute(&self, sql: &str) {
        let connection = Connection::open(&self.0.path).expect("a database");
        connection.execute_batch(sql).expect("valid statements");
    }

    /// Answers a statement with this text with these rows, until one is an error.
    pub fn prepare(&self, sql: &str, rows: Vec<Result<Vec<Value>, SourceError>>) {
        lock(&self.0.prepared).insert(sql.to_owned(), rows);
    }

    /// The options of a source that is this database.
    ///
    /// # Panics
    /// If the server has no port.
    pub fn options(&self) -> BTreeMap<String, String> {
        let address = self.0.listener.local_addr().expect("a port");
        let options = [
            ("host", address.ip().to_string()),
            ("port", address.port().to_string()),
            ("password", PASSWORD.to_owned()),
        ];
        options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// How to open it.
    pub fn spec(&self) -> SourceSpec {
        SourceSpec::new(Arc::new(FakeKind(self.clone())), OptionValues::of(&FAKE, self.options()))
    }

    /// The passwords with which connections have signed in, in order.
    pub fn passwords(&self) -> Vec<String> {
        lock(&self.0.passwords).clone()
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    /// How many statements were cancelled.
    pub fn cancelled(&self) -> usize {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Makes connections wait with closing until the result is dropped.
    ///
    /// # Panics
    /// If they already wait.
    pub fn hold_closing(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0.closing).try_acquire_owned().expect("nobody else holds it")
    }

    pub(super) fn note_cancelled(&self) {
        self.0.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) async fn may_close(&self) {
        drop(self.0.closing.acquire().await);
    }

    /// The prepared answer to a statement.
    pub(super) fn answer(&self, sql: &str) -> Option<Vec<Prepared>> {
        lock(&self.0.prepared).get(sql).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kind of database that [`FakeDatabase`] serves.
#[derive(Debug)]
pub struct FakeKind(pub FakeDatabase);

const fn option(name: &'static str, value: ValueKind, description: &'static str) -> OptionSchema {
    OptionSchema { name, required: true, secret: false, default: None, value, description }
}

/// Its options: one of each sort.
pub static FAKE: DataStore = DataStore {
    id: 99,
    name: "Test server",
    options: &[
        option("host", ValueKind::Host, "The host of the server."),
        OptionSchema {
            required: false,
            default: Some("5432"),
            ..option("port", ValueKind::Port, "The port of the server.")
        },
        OptionSchema {
            secret: true,
            ..option("password", ValueKind::Text { longest: 256 }, "The password.")
        },
        OptionSchema {
            required: false,
            secret: true,
            ..option("token", ValueKind::Text { longest: 256 }, "Another secret.")
        },
        OptionSchema {
            required: false,
            default: Some("plain"),
            ..option("mode", ValueKind::Choice(&["plain", "careful"]), "How to read.")
        },
        OptionSchema {
            required: false,
            ..option("patience", ValueKind::Integer { min: 1, max: 60 }, "How long to wait, in seconds.")
        },
    ],
};

/// The host and the port in valid options.
fn address(options: &OptionValues) -> (&str, u16) {
    let port = options.get("port").and_then(|port| port.parse().ok()).unwrap_or(5432);
    (options.get("host").unwrap_or_default(), port)
}

impl Kind for FakeKind {
    fn store(&self) -> &'static DataStore {
        &FAKE
    }

    fn placement(&self) -> Placement {
        Placement::Task
    }

    fn allowed(&self, options: OptionValues, places: &Places) -> Result<OptionValues, SourceError> {
        let (host, port) = address(&options);
        places.hosts.check(host, port)?;
        Ok(options)
    }

    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError> {
        let driver = FakeDriver {
            database: self.0.clone(),
            options: options.clone(),
            connector: resources.connector.clone(),
        };
        Ok(Source::of(Executor::new(driver, resources)))
    }
}

/// The driver of a [`FakeDatabase`].
#[derive(Debug)]
struct FakeDriver {
    database: FakeDatabase,
    options: OptionValues,
    connector: Connector,
}

impl FakeDriver {
    fn sign_in(&self) -> Result<(), SourceError> {
        let given = self.options.secret("password").map(|password| password.expose().to_owned());
        let given = given.unwrap_or_default();
        let is_right = given == PASSWORD;
        lock(&self.database.0.passwords).push(given);
        let refused = || SourceError::SignInRefused { detail: "another password".to_owned() };
        is_right.then_some(()).ok_or_else(refused)
    }
}

impl Driver for FakeDriver {
    type Connection = FakeConnection;

    const PLACEMENT: Placement = Placement::Task;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn connect(&self, _stop: &Stop) -> Result<FakeConnection, SourceError> {
        let (host, port) = address(&self.options);
        let stream = self.connector.connect(host, port).await?;
        self.sign_in()?;
        let path = self.database.0.path.clone();
        let inner = blocking(move || {
            let limits = Limits { inline_connections: 1, workers: 1, ..Limits::default() };
            SourceSpec::sqlite(path)?.open(&Resources::new(limits, 4, AllowedHosts::default()))
        });
        let connection = FakeConnection::new(self.database.clone(), inner.await?, stream);
        self.database.0.connections.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    fn is_current(&self, connection: &FakeConnection) -> Result<bool, SourceError> {
        Ok(connection.is_usable())
    }

    async fn describe(&self, connection: &mut FakeConnection) -> Result<Described, SourceError> {
        connection.describe().await
    }

    async fn version(&self, connection: &mut FakeConnection) -> Result<SchemaVersion, SourceError> {
        connection.version().await
    }
}
