//! The driver: its futures wait, so its work runs as tasks.

use std::sync::Arc;
use std::time::Duration;

use odata::sql::Dialect;

use super::connection::MysqlConnection;
use super::{describe, version};
use crate::driver::{Driver, Intent, Placement, Stop};
use crate::server::{DeclaredKeys, ServerOptions, ServerTarget};
use crate::{Described, Limits, Login, Resources, SchemaVersion, SourceError, UserLogins};

/// The time to connect and to sign in.
const SIGN_IN_WITHIN: Duration = Duration::from_secs(5);

/// The driver of a database of a MySQL or MariaDB server.
#[derive(Debug)]
pub struct MysqlDriver {
    target: Arc<ServerTarget>,
    keys: DeclaredKeys,
    logins: UserLogins,
    limits: Limits,
}

impl MysqlDriver {
    /// A driver for these options; connects to nothing yet.
    ///
    /// # Errors
    /// [`SourceError::NotEncrypted`] if the certificates of authorities cannot be used.
    pub fn new(options: ServerOptions, resources: &Resources) -> Result<Self, SourceError> {
        let (keys, logins) = (options.keys.clone(), options.logins);
        let target = ServerTarget::new(options, resources.connector.clone())?;
        Ok(Self { target: Arc::new(target), keys, logins, limits: resources.limits.clone() })
    }
}

impl Driver for MysqlDriver {
    type Connection = MysqlConnection;

    const PLACEMENT: Placement = Placement::Task;

    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn needs_user(&self) -> bool {
        self.logins.is_demanded()
    }

    fn user_logins(&self) -> UserLogins {
        self.logins
    }

    async fn connect(
        &self,
        intent: Intent,
        login: Option<&Login>,
        _stop: &Stop,
    ) -> Result<MysqlConnection, SourceError> {
        let late = |_| SourceError::NoAnswer { detail: "connecting and signing in took too long".to_owned() };
        let target = login.map_or_else(|| Arc::clone(&self.target), |login| Arc::new(self.target.of(login)));
        let opening = MysqlConnection::open(&target, intent, &self.limits);
        tokio::time::timeout(SIGN_IN_WITHIN, opening).await.map_err(late)?
    }

    fn is_current(&self, connection: &MysqlConnection) -> Result<bool, SourceError> {
        Ok(connection.is_current())
    }

    async fn product(&self, connection: &mut MysqlConnection) -> Result<String, SourceError> {
        version::product(connection).await
    }

    async fn describe(&self, connection: &mut MysqlConnection) -> Result<Described, SourceError> {
        describe::describe(connection, &self.keys).await
    }

    async fn version(&self, connection: &mut MysqlConnection) -> Result<SchemaVersion, SourceError> {
        version::version(connection).await
    }
}
