use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::testing::conformance::{Fixture, Wording, limits};
use crate::{AllowedHosts, Resources, Source, SourceSpec};

struct Sqlite {
    _folder: TempDir,
    path: PathBuf,
    resources: Resources,
    source: Source,
}

impl Fixture for Sqlite {
    const WORDING: Wording = Wording::SQLITE;

    fn open(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let resources = Resources::new(limits(), 4, AllowedHosts::default());
        let source = SourceSpec::sqlite(&path).unwrap().open(&resources).unwrap();
        Self { _folder: folder, path, resources, source }
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn execute(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    fn open_connections(&self) -> usize {
        self.resources.budget.open()
    }
}

crate::driver_conformance!(Sqlite);
