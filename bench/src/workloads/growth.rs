//! The number of rows: issuing access tokens adds none.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};

use crate::Options;
use crate::call::Call;
use crate::fixture::Fixture;
use crate::load::{self, Script};
use crate::report::Report;

pub(super) const NAME: &str = "growth";
const CONNECTIONS: u64 = 64;

pub(super) async fn run(options: &Options, fixture: &Fixture, report: &mut Report) -> Result<()> {
    let tokens: u64 = if options.quick { 64_000 } else { 1_000_000 };
    let database = database_in(&fixture.installation.data_folder)?;
    let before = rows(&database)?;
    let call = fixture.client_credentials()?;
    let scripts = (0..CONNECTIONS).map(|_| {
        let script = Counted { call: call.clone(), left: tokens / CONNECTIONS };
        Box::new(script) as Box<dyn Script>
    });
    load::drive(&fixture.server, scripts.collect(), Duration::from_mins(10)).await?;
    let added = rows(&database)? - before;
    report.fact(&format!("rows added by {tokens} access tokens"), &added.to_string());
    if added != 0 {
        bail!("{tokens} access tokens added {added} rows");
    }
    Ok(())
}

struct Counted {
    call: Call,
    left: u64,
}

impl Script for Counted {
    fn next(&mut self) -> Option<Call> {
        self.left = self.left.checked_sub(1)?;
        Some(self.call.clone())
    }
}

/// The only SQLite file of a data directory.
pub(crate) fn database_in(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let is_database = |path: &PathBuf| {
        let mut begins = [0; 16];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut begins));
        read.is_ok() && begins == *b"SQLite format 3\0"
    };
    paths.filter(|path| path.is_file()).find(is_database).context("the data directory holds no database")
}

/// The total number of rows in all tables.
fn rows(path: &Path) -> Result<i64> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut listed = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
    let tables: Vec<String> = listed.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut total = 0;
    for table in tables {
        total += database
            .query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get::<_, i64>(0))?;
    }
    Ok(total)
}
