//! The kind of database that a [`FakeDatabase`] serves, and its driver: rows arrive one by one over a channel, from a
//! thread for each transaction.

use std::sync::Arc;

use odata::sql::Dialect;

use super::connection::{FakeConnection, blocking};
use super::server::FakeDatabase;
use crate::driver::{Driver, Intent, Placement, Stop};
use crate::options::{DataStore, OptionSchema, OptionValues, ValueKind};
use crate::{
    Connector, Described, Executor, Locations, Login, Resources, SchemaVersion, Source, SourceError,
    SourceKind, SourceSpec,
};

/// The kind of database that [`FakeDatabase`] serves.
#[derive(Debug, Clone)]
pub struct FakeKind(pub FakeDatabase);

impl FakeKind {
    /// How to open the database.
    pub fn spec(&self) -> SourceSpec {
        SourceSpec::new(Arc::new(self.clone()), OptionValues::of(&FAKE, self.0.options()))
    }
}

const fn option(name: &'static str, value: ValueKind, description: &'static str) -> OptionSchema {
    OptionSchema { name, required: true, secret: false, default: None, value, description }
}

/// Its options: one of each sort.
pub static FAKE: DataStore = DataStore {
    id: 99,
    name: "Test server",
    url_schemes: &[],
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

impl SourceKind for FakeKind {
    fn store(&self) -> &'static DataStore {
        &FAKE
    }

    fn placement(&self) -> Placement {
        Placement::Task
    }

    fn allowed(&self, options: OptionValues, locations: &Locations) -> Result<OptionValues, SourceError> {
        let (host, port) = address(&options);
        locations.hosts.check(host, port)?;
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
        let given = self.options.secret("password").map_or("", |password| password.expose());
        let refused = || SourceError::SignInRefused { detail: "another password".to_owned() };
        self.database.signs_in(given).then_some(()).ok_or_else(refused)
    }
}

impl Driver for FakeDriver {
    type Connection = FakeConnection;

    const PLACEMENT: Placement = Placement::Task;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn connect(
        &self,
        intent: Intent,
        _login: Option<&Login>,
        _stop: &Stop,
    ) -> Result<FakeConnection, SourceError> {
        if intent == Intent::Change {
            return Err(SourceError::ReadOnly);
        }
        let (host, port) = address(&self.options);
        let stream = self.connector.connect(host, port).await?;
        self.sign_in()?;
        let database = self.database.clone();
        let inner = blocking(move || database.open()).await?;
        Ok(FakeConnection::new(self.database.clone(), inner, stream))
    }

    fn is_current(&self, connection: &FakeConnection) -> Result<bool, SourceError> {
        Ok(connection.is_usable())
    }

    async fn product(&self, _connection: &mut FakeConnection) -> Result<String, SourceError> {
        Ok("Test server 1.0".to_owned())
    }

    async fn describe(&self, connection: &mut FakeConnection) -> Result<Described, SourceError> {
        connection.describe().await
    }

    async fn version(&self, connection: &mut FakeConnection) -> Result<SchemaVersion, SourceError> {
        connection.version().await
    }
}
