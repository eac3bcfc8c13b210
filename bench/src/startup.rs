//! The time from exec to the first response, and the memory of an idle server, with a million grants in the
//! database.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::Connection as Database;

use crate::Options;
use crate::call::{self, Connection};
use crate::fixture::{self, Fixture};
use crate::machine::Usage;
use crate::report::Report;
use crate::workloads::database_in;

const NAME: &str = "startup";
const STARTS: usize = 5;

/// Fills a database, then starts the server on it several times.
pub(crate) async fn run(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    if !options.wants(NAME) {
        return Ok(());
    }
    let grants: u32 = if options.quick { 100_000 } else { 1_000_000 };
    let program = options.programs.join("sluicegate");
    let folder = folder.join(NAME);
    std::fs::create_dir_all(&folder)?;
    let fixture = Fixture::set_up(&program, &folder, None).await?;
    fixture.refresh_tokens(1).await?;
    let installation = fixture.installation.clone();
    drop(fixture);
    add_grants(&database_in(&installation.data_folder)?, grants)
        .context("cannot fill the table of grants")?;
    let mut times = Vec::new();
    let mut resident_kib = 0;
    for _ in 0..STARTS {
        let begun = Instant::now();
        let server = fixture::serve(&program, &installation)?;
        let answer = Connection::open(server.address).await?.send(call::get("/readyz")?).await?;
        answer.expect_success()?;
        times.push(begun.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
        resident_kib = Usage::of(server.pid())?.resident_kib;
    }
    times.sort();
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let (median, worst) = (times[STARTS / 2], times[STARTS - 1]);
    let text = format!("{} (the slowest of {STARTS}: {})", shown(median), shown(worst));
    report.fact(&format!("ready after exec, {grants} grants"), &text);
    report.fact("resident when idle", &format!("{:.1} MB", f64::from(u32::try_from(resident_kib)?) / 1024.0));
    Ok(())
}

/// Copies the newest grant many times. Columns that must be unique and do not refer to another table are
/// varied.
fn add_grants(path: &Path, count: u32) -> Result<()> {
    let database = Database::open(path)?;
    let list = |sql: &str| -> Result<Vec<String>> {
        let mut statement = database.prepare(sql)?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(names)
    };
    let columns = list("SELECT name FROM pragma_table_info('grants')")?;
    let references = list("SELECT \"from\" FROM pragma_foreign_key_list('grants')")?;
    let mut unique = list("SELECT name FROM pragma_table_info('grants') WHERE pk > 0")?;
    unique.extend(list(
        "SELECT c.name FROM pragma_index_list('grants') AS i, pragma_index_info(i.name) AS c WHERE i.\"unique\" = 1",
    )?);
    let quoted = |column: &String| format!("\"{column}\"");
    let value = |column: &String| {
        let name = quoted(column);
        if !unique.contains(column) || references.contains(column) {
            return name;
        }
        format!(
            "CASE typeof({name}) WHEN 'integer' THEN {name} + n WHEN 'text' THEN {name} || '-' || n \
             WHEN 'blob' THEN randomblob(length({name})) ELSE {name} END"
        )
    };
    let names: Vec<String> = columns.iter().map(quoted).collect();
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count})
         INSERT INTO grants ({}) SELECT {} FROM (SELECT * FROM grants ORDER BY rowid DESC LIMIT 1), counted",
        names.join(", "),
        values.join(", "),
    );
    database.execute(&sql, [])?;
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}
