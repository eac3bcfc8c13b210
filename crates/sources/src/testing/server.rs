//! A database server for tests: a SQLite file. It counts what drivers do, and can answer a statement with prepared
//! rows and errors.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use odata::cell::Value;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{AllowedHosts, Limits, Resources, Source, SourceError, SourceSpec};

/// A row of a prepared answer, or the error that ends it.
pub(super) type CannedRow = Result<Vec<Value>, SourceError>;

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
    prepared: Mutex<HashMap<String, Vec<CannedRow>>>,
    passwords: Mutex<Vec<String>>,
    connections: AtomicUsize,
    cancelled: AtomicUsize,
    descriptions: AtomicUsize,
    describing: Arc<Semaphore>,
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
            descriptions: AtomicUsize::new(0),
            describing: Arc::new(Semaphore::new(1)),
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

    /// How often its structure was asked for.
    pub fn descriptions(&self) -> usize {
        self.0.descriptions.load(Ordering::Relaxed)
    }

    /// Makes it wait with descriptions of its structure until the result is dropped.
    ///
    /// # Panics
    /// If somebody else holds them, or one is being made.
    pub fn hold_descriptions(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0.describing).try_acquire_owned().expect("nobody else holds it")
    }

    /// Counts a description, and waits until it may be made.
    pub(super) async fn begin_description(&self) {
        self.0.descriptions.fetch_add(1, Ordering::Relaxed);
        drop(self.0.describing.acquire().await);
    }

    /// Makes connections wait with closing until the result is dropped.
    ///
    /// # Panics
    /// If they already wait.
    pub fn hold_closing(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0.closing).try_acquire_owned().expect("nobody else holds it")
    }

    /// Whether the password is right; it is noted.
    pub(super) fn signs_in(&self, password: &str) -> bool {
        lock(&self.0.passwords).push(password.to_owned());
        password == PASSWORD
    }

    /// Opens the file for a new connection.
    pub(super) fn open(&self) -> Result<Source, SourceError> {
        let limits = Limits { inline_connections: 1, workers: 1, ..Limits::default() };
        let source =
            SourceSpec::sqlite(&self.0.path)?.open(&Resources::new(limits, 4, AllowedHosts::default()))?;
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        Ok(source)
    }

    pub(super) fn note_cancelled(&self) {
        self.0.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) async fn may_close(&self) {
        drop(self.0.closing.acquire().await);
    }

    /// The prepared answer to a statement.
    pub(super) fn answer(&self, sql: &str) -> Option<Vec<CannedRow>> {
        lock(&self.0.prepared).get(sql).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
