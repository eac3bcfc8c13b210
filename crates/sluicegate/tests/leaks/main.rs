//! The leak test: after a run through every flow, with the most verbose log, nobody who has the database, the
//! logs, the metrics, the audit log and every error has a secret, or anything that can be used as one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod busy;
mod needles;
mod use_it;

use std::path::Path;

use rusqlite::types::ValueRef;
use testkit::{ADMIN, Installation, Served, Wire};

use busy::Busy;
use needles::Needles;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

fn serve(installation: &Installation, format: &str) -> Served {
    installation.serve_with(&[], &[("SLUICEGATE_LOG__LEVEL", "trace"), ("SLUICEGATE_LOG__FORMAT", format)])
}

#[test]
fn no_secret_is_found_in_database_logs_metrics_audit_or_errors() {
    for format in ["json", "human"] {
        let installation = Installation::new(BINARY);
        let server = serve(&installation, format);
        let busy = Busy::run(&installation, &server);
        let watcher = Wire::new(server.url());
        let metrics = Wire::new(&server.observed_url()).get("/metrics", None).unwrap().body;
        assert!(metrics.contains("sluicegate_requests_total"), "{metrics}");
        let audit = watcher.get("/api/admin/audit?limit=1000", Some(&ADMIN)).unwrap();
        assert_eq!(audit.status, 200, "{audit:?}");
        // The files as they are while the server is running, then as it leaves them.
        let mut files = files_below(&installation.data_dir());
        let (ended, log) = server.terminate();
        assert!(ended.success(), "{log}");
        files.extend(files_below(&installation.data_dir()));

        let needles = Needles::of(&busy.secrets);
        needles.must_find_themselves(&busy.secrets);
        for (name, bytes) in &files {
            needles.search(name, bytes);
        }
        needles.search("database", &cells(&installation.database()).concat());
        needles.search("log", log.as_bytes());
        needles.search("metrics", metrics.as_bytes());
        needles.search("audit", audit.body.as_bytes());
        // A page that is shown again contains a working form, so values that bind forms to browsers are
        // expected there.
        let unbound = Needles::of(busy.secrets.iter().filter(|secret| secret.what != "csrf"));
        for error in &busy.errors {
            unbound.search("an error", error.as_bytes());
        }
        assert!(busy.errors.len() > 15 && log.len() > 10_000, "the run was not busy");
    }
}

#[test]
fn no_value_in_the_database_is_accepted_as_a_credential() {
    let installation = Installation::new(BINARY);
    let server = serve(&installation, "json");
    let busy = Busy::run(&installation, &server);
    let cells = cells(&installation.database());
    assert!(cells.len() > 50, "{} cells", cells.len());
    use_it::present_everywhere(&Wire::new(server.url()), &busy, &cells);
}

#[test]
fn a_database_without_its_master_key_does_not_start() {
    let installation = Installation::new(BINARY);
    assert!(installation.serve().terminate().0.success());
    let thief = Installation::new(BINARY);
    std::fs::copy(installation.database(), thief.database()).unwrap();
    let output = thief.command(&["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("the master key is not the one of this database"), "{message}");
}

/// Every file below a folder, except for the master key, which is kept apart from the database.
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if !path.ends_with("master.key") {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(!files.is_empty() || folder.ends_with("sources"), "{}", folder.display());
    files
}

/// Every text and blob in the database, however it is laid out in the file.
fn cells(database: &Path) -> Vec<Vec<u8>> {
    let db = rusqlite::Connection::open(database).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut cells = Vec::new();
    for table in tables {
        let mut rows = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column).unwrap() {
                    cells.push(bytes.to_vec());
                }
            }
        }
    }
    cells
}
