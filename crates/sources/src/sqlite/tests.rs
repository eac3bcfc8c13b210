mod changing;
mod conforms;
mod opening;
mod own;
mod reading;
mod replacing;
mod schema;
mod streaming;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use odata::cell::{Cell, Row, Value};
use odata::edm_type::EdmType;
use odata::model::Table;
use odata::statement::Statement;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::driver::ready;
use crate::{
    AllowedHosts, Deadline, Described, Ended, Limits, Ran, Resources, Run, SchemaVersion, Source,
    SourceError, SourceRow, SourceSpec,
};

const ENDLESS: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
const COUNTING: &str =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'row' FROM c";

struct Fixture {
    _folder: TempDir,
    path: PathBuf,
    source: Arc<Source>,
}

fn limits() -> Limits {
    Limits { inline_connections: 2, workers: 1, queued: 1, lock_wait: Duration::ZERO, ..Limits::default() }
}

fn fixture(sql: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let source = Arc::new(open(&path).unwrap());
    Fixture { _folder: folder, path, source }
}

fn open(path: &std::path::Path) -> Result<Source, SourceError> {
    SourceSpec::sqlite(path)?.open(&resources())
}

fn resources() -> Resources {
    Resources::new(limits(), 8, AllowedHosts::default())
}

fn run() -> Run {
    Run { deadline: Deadline::after(Duration::from_mins(1)), max_rows: usize::MAX }
}

fn statement(sql: &str, columns: usize) -> Statement {
    Statement { sql: sql.to_owned(), parameters: Vec::new(), columns, quicker: None }
}

/// All rows, each as text.
fn rows(source: &Source, statement: &Statement) -> Result<Vec<String>, SourceError> {
    let mut found = Vec::new();
    source.query(statement, run(), |row| {
        let cells: Vec<String> = (0..statement.columns).map(|at| format!("{:?}", row.cell(at))).collect();
        found.push(cells.join("|"));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn one_integer(source: &Source, sql: &str) -> Result<i64, SourceError> {
    let mut found = 0;
    source.query(&statement(sql, 1), run(), |row| {
        if let Cell::Integer(integer) = row.cell(0) {
            found = integer;
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn sqlite_of(source: &Source) -> &super::SqliteSource {
    source.inline().unwrap().sqlite()
}

/// What the executor does, without a runtime: the futures of this driver never wait.
impl Source {
    fn query(
        &self,
        statement: &Statement,
        run: Run,
        mut each: impl FnMut(&SourceRow<'_>) -> ControlFlow<()> + Send,
    ) -> Result<Ran, SourceError> {
        sqlite_of(self).query(statement, run, &mut each)
    }

    fn read_schema(&self, deadline: Deadline) -> Result<Described, SourceError> {
        ready(self.describe(deadline))
    }

    fn schema_version(&self) -> Result<SchemaVersion, SourceError> {
        ready(self.version(run().deadline))
    }
}
