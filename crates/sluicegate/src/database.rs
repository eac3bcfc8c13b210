//! The system database that the settings name: embedded, or shared by many nodes. This is the only module
//! that distinguishes the two.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use store::Store;
use store_postgres::{DatabaseUrl, PostgresStore};
use store_sqlite::SqliteStore;
use vault::MasterKey;

use crate::config::{Environment, Settings};
use crate::data_directory::DataDirectory;
use crate::numbers::number;

/// The location of the system database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A file in the data directory.
    Embedded(PathBuf),
    /// A server that other nodes share.
    Shared(DatabaseUrl, store_postgres::Options),
}

/// A migration of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MigrationStep {
    /// The number, from 1.
    pub(crate) number: i64,
    /// The subject of the migration.
    pub(crate) name: &'static str,
}

impl Database {
    /// The database that the settings name.
    pub(crate) fn of(settings: &Settings) -> Self {
        match &settings.general.database {
            None => Self::Embedded(DataDirectory::at(&settings.general.data_dir).database()),
            Some(url) => Self::Shared(url.clone(), options(settings)),
        }
    }

    /// Whether other nodes may share it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(..))
    }

    /// Its name in a sentence; never contains credentials.
    pub(crate) fn location(&self) -> String {
        match self {
            Self::Embedded(path) => path.display().to_string(),
            Self::Shared(url, _) => format!("the database {}", url.location()),
        }
    }

    /// The master key with which the database was sealed, from the environment or the data directory.
    ///
    /// # Errors
    /// A sentence that says what is missing and what to do.
    pub(crate) fn master_key(
        &self,
        data_directory: &DataDirectory,
        environment: &Environment,
    ) -> anyhow::Result<MasterKey> {
        match self {
            Self::Embedded(_) => data_directory.key_of_installation(environment),
            Self::Shared(..) => data_directory.key_of_node(environment),
        }
    }

    /// Opens the database and runs pending migrations.
    ///
    /// # Errors
    /// If it does not exist or cannot be opened.
    pub(crate) async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        let message = || format!("{} cannot be opened", self.location());
        Ok(match self {
            Self::Embedded(path) => {
                Arc::new(SqliteStore::open(path, store_sqlite::Options::default()).with_context(message)?)
            }
            Self::Shared(url, options) => {
                Arc::new(PostgresStore::open(url, *options).await.with_context(message)?)
            }
        })
    }

    /// Creates the database, empty.
    ///
    /// # Errors
    /// If it exists, or cannot be created.
    pub(crate) async fn create(&self) -> anyhow::Result<Arc<dyn Store>> {
        let message = || format!("{} cannot be made", self.location());
        Ok(match self {
            Self::Embedded(path) => {
                Arc::new(SqliteStore::create(path, store_sqlite::Options::default()).with_context(message)?)
            }
            Self::Shared(url, options) => {
                Arc::new(PostgresStore::create(url, *options).await.with_context(message)?)
            }
        })
    }

    /// The migrations that the database lacks. Changes nothing.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) async fn pending(&self) -> anyhow::Result<Vec<MigrationStep>> {
        let message = || format!("{} cannot be opened", self.location());
        Ok(match self {
            Self::Embedded(path) => {
                store_sqlite::pending(path).with_context(message)?.iter().map(MigrationStep::from).collect()
            }
            Self::Shared(url, _) => store_postgres::pending(url)
                .await
                .with_context(message)?
                .iter()
                .map(MigrationStep::from)
                .collect(),
        })
    }

    /// Runs the migrations that the database lacks, and returns them.
    ///
    /// # Errors
    /// If it cannot be migrated.
    pub(crate) async fn migrate(&self) -> anyhow::Result<Vec<MigrationStep>> {
        let message = || format!("{} cannot be migrated", self.location());
        Ok(match self {
            Self::Embedded(path) => {
                store_sqlite::migrate(path).with_context(message)?.iter().map(MigrationStep::from).collect()
            }
            Self::Shared(url, _) => store_postgres::migrate(url)
                .await
                .with_context(message)?
                .into_iter()
                .map(MigrationStep::from)
                .collect(),
        })
    }
}

impl From<&store_sqlite::Migration> for MigrationStep {
    fn from(step: &store_sqlite::Migration) -> Self {
        Self { number: step.number, name: step.name }
    }
}

impl From<&store_postgres::Migration> for MigrationStep {
    fn from(step: &store_postgres::Migration) -> Self {
        Self { number: step.number, name: step.name }
    }
}

fn options(settings: &Settings) -> store_postgres::Options {
    let pool = &settings.database_pool;
    let millis = |number: u32| Duration::from_millis(u64::from(number));
    store_postgres::Options {
        connections: number(pool.max_connections),
        wait: millis(pool.wait_millis),
        patience: millis(pool.patience_millis),
        ..store_postgres::Options::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::InstallationArgs;

    #[test]
    fn the_pool_uses_the_database_settings() {
        let environment = Environment::sample(&[
            ("SLUICEGATE_DATABASE", "postgres://a:b@127.0.0.1:1/c"),
            ("SLUICEGATE_DATABASE_POOL__MAX_CONNECTIONS", "7"),
            ("SLUICEGATE_DATABASE_POOL__WAIT_MILLIS", "70"),
            ("SLUICEGATE_DATABASE_POOL__PATIENCE_MILLIS", "700"),
        ]);
        let settings = InstallationArgs::default().settings(&environment).expect("good settings");
        let Database::Shared(url, options) = Database::of(&settings) else { panic!("it is shared") };
        assert!(url.location().contains("127.0.0.1"));
        let times = [options.wait, options.patience];
        assert_eq!((options.connections, times), (7, [70, 700].map(Duration::from_millis)));
    }
}
