//! The kinds of database that can be a data source.

mod mysql;
mod postgres;
mod sqlite;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::driver::Placement;
use crate::kind::{Locations, SourceKind};
use crate::options::{DataStore, OptionValues};
use crate::resources::Resources;
use crate::sqlite::SqliteOptions;
use crate::{Source, SourceError};

pub use mysql::MysqlKind;
pub use postgres::PostgresKind;
pub use sqlite::SqliteKind;

/// The kinds of database that a server offers.
#[derive(Debug, Clone)]
pub struct SourceKinds(Arc<[Arc<dyn SourceKind>]>);

impl SourceKinds {
    /// Every kind that this program knows.
    pub fn standard() -> Self {
        Self::new(vec![Arc::new(SqliteKind), Arc::new(PostgresKind), Arc::new(MysqlKind)])
    }

    /// These kinds, each with a number and a name of its own.
    pub fn new(kinds: Vec<Arc<dyn SourceKind>>) -> Self {
        Self(kinds.into())
    }

    /// The kind with that number.
    pub fn get(&self, id: i64) -> Option<&Arc<dyn SourceKind>> {
        self.0.iter().find(|kind| kind.store().id == id)
    }

    /// The options of the kind with that number.
    pub fn store(&self, id: i64) -> Option<&'static DataStore> {
        self.get(id).map(|kind| kind.store())
    }

    /// All kinds, in the order in which they are listed.
    pub fn stores(&self) -> Vec<&'static DataStore> {
        self.0.iter().map(|kind| kind.store()).collect()
    }
}

/// What is needed to open a source: its kind and its options.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    kind: Arc<dyn SourceKind>,
    options: OptionValues,
}

impl PartialEq for SourceSpec {
    fn eq(&self, other: &Self) -> bool {
        self.kind.store().id == other.kind.store().id && self.options == other.options
    }
}

impl SourceSpec {
    /// A source of this kind with options that follow its schema.
    pub fn new(kind: Arc<dyn SourceKind>, options: OptionValues) -> Self {
        Self { kind, options }
    }

    /// A SQLite file without declarations.
    ///
    /// # Errors
    /// [`SourceError::NotAllowed`] for a path that is not UTF-8, which no option can contain.
    pub fn sqlite(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        Ok(Self::new(Arc::new(SqliteKind), SqliteOptions::at(path).values()?))
    }

    /// Where the work on the source runs.
    pub fn placement(&self) -> Placement {
        self.kind.placement()
    }

    /// The same source with its options in the form to store, if it is in an allowed place. It
    /// [may block](SourceSpec::placement).
    ///
    /// # Errors
    /// Why the database may not be a data source.
    pub fn allowed(self, locations: &Locations) -> Result<Self, SourceError> {
        let options = self.kind.allowed(self.options, locations)?;
        Ok(Self { kind: self.kind, options })
    }

    /// Opens the source. It [may block](SourceSpec::placement).
    ///
    /// # Errors
    /// Why the database cannot be read.
    pub fn open(&self, resources: &Resources) -> Result<Source, SourceError> {
        self.kind.open(&self.options, resources)
    }

    /// The kind of database.
    pub(crate) fn store(&self) -> &'static DataStore {
        self.kind.store()
    }

    /// The same source with other options that may be shown.
    #[must_use]
    pub(crate) fn with_options(self, plain: BTreeMap<String, String>) -> Self {
        Self { kind: self.kind, options: OptionValues { plain, secrets: self.options.secrets } }
    }

    /// The options that may be shown.
    pub fn options(&self) -> &BTreeMap<String, String> {
        &self.options.plain
    }

    /// The options with the secret ones.
    pub fn into_options(self) -> OptionValues {
        self.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        let kinds = SourceKinds::standard();
        let stores = kinds.stores();
        for store in &stores {
            assert_eq!(kinds.store(store.id).map(|found| found.name), Some(store.name));
            assert_eq!(stores.iter().filter(|other| other.name == store.name).count(), 1);
            for option in store.options {
                assert!(option.description.ends_with('.'), "{}", option.name);
                assert!(option.default.is_none_or(|value| option.check(value).is_ok()), "{}", option.name);
                assert!(!(option.required && option.default.is_some()), "{}", option.name);
            }
        }
        assert!(kinds.get(0).is_none());
    }
}
