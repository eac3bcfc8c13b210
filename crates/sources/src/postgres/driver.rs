//! The driver: its futures wait, so its work runs as tasks.

use std::sync::Arc;
use std::time::Duration;

use odata::sql::Dialect;

use super::connection::{ConnectionOptions, PostgresConnection};
use super::interrupt::Interrupt;
use super::options::PostgresOptions;
use super::sign_in::{SignedIn, sign_in};
use super::user_roles::UserRoles;
use super::wire::Wire;
use super::{describe, startup, version};
use crate::driver::{Driver, Intent, Placement, Stop};
use crate::server::{DeclaredKeys, ServerTarget};
use crate::{Described, Limits, Login, Resources, SchemaVersion, SourceError, UserLogins};

/// The time to connect and to sign in.
const SIGN_IN_WITHIN: Duration = Duration::from_secs(5);

/// The driver of a database of a PostgreSQL server.
#[derive(Debug)]
pub struct PostgresDriver {
    target: Arc<ServerTarget>,
    schemas: Vec<String>,
    keys: DeclaredKeys,
    roles: Option<Arc<UserRoles>>,
    logins: UserLogins,
    limits: Limits,
}

impl PostgresDriver {
    /// A driver for these options; connects to nothing yet.
    ///
    /// # Errors
    /// [`SourceError::NotEncrypted`] if the certificates of authorities cannot be used.
    pub fn new(options: PostgresOptions, resources: &Resources) -> Result<Self, SourceError> {
        let PostgresOptions { server, schemas, roles } = options;
        let (keys, logins) = (server.keys.clone(), server.logins);
        let target = ServerTarget::new(server, resources.connector.clone())?;
        Ok(Self {
            target: Arc::new(target),
            schemas,
            keys,
            roles: roles.map(Arc::new),
            logins,
            limits: resources.limits.clone(),
        })
    }

    async fn open(&self, intent: Intent, login: Option<&Login>) -> Result<PostgresConnection, SourceError> {
        let stream = startup::stream(&self.target).await?;
        let mut wire = Wire::new(stream, self.limits.max_row_bytes);
        let signed_in = match login {
            None => sign_in(&mut wire, &self.target).await?,
            Some(login) => sign_in(&mut wire, &self.target.of(login)).await?,
        };
        let SignedIn { process, key } = signed_in;
        let interrupt = Interrupt { target: Arc::clone(&self.target), process, key };
        let options = ConnectionOptions {
            lock_wait: self.limits.lock_wait,
            roles: self.roles.clone(),
            intent,
            search_path: self.search_path(intent),
            is_personal: login.is_some(),
        };
        Ok(PostgresConnection::new(wire, interrupt, options))
    }

    /// Where names without a schema are looked for: nowhere but in the system's own schema, and for a change also in the schemas that
    /// the owner names. Others may be able to create functions in a schema that nobody has named.
    fn search_path(&self, intent: Intent) -> String {
        match intent {
            Intent::Read => String::new(),
            Intent::Change if self.schemas.is_empty() => String::new(),
            Intent::Change => {
                let quoted =
                    self.schemas.iter().map(|schema| format!(", \"{}\"", schema.replace('"', "\"\"")));
                std::iter::once("pg_catalog".to_owned()).chain(quoted).collect()
            }
        }
    }
}

impl Driver for PostgresDriver {
    type Connection = PostgresConnection;

    const PLACEMENT: Placement = Placement::Task;

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn connect(
        &self,
        intent: Intent,
        login: Option<&Login>,
        _stop: &Stop,
    ) -> Result<PostgresConnection, SourceError> {
        let late = |_| SourceError::NoAnswer { detail: "connecting and signing in took too long".to_owned() };
        tokio::time::timeout(SIGN_IN_WITHIN, self.open(intent, login)).await.map_err(late)?
    }

    fn is_current(&self, connection: &PostgresConnection) -> Result<bool, SourceError> {
        Ok(connection.is_current())
    }

    fn needs_user(&self) -> bool {
        self.roles.is_some() || self.logins.is_demanded()
    }

    fn user_logins(&self) -> UserLogins {
        self.logins
    }

    async fn product(&self, connection: &mut PostgresConnection) -> Result<String, SourceError> {
        version::product(connection).await
    }

    async fn describe(&self, connection: &mut PostgresConnection) -> Result<Described, SourceError> {
        describe::describe(connection, &self.schemas, &self.keys).await
    }

    async fn version(&self, connection: &mut PostgresConnection) -> Result<SchemaVersion, SourceError> {
        version::version(connection, &self.schemas).await
    }
}
