//! Attack: a data source over a file of the server itself, through every command that creates data sources.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use sources::{AllowedHosts, Limits, Resources, SourceError, SourceSpec};
use testkit::Installation;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

fn good(installation: &Installation, arguments: &[&str]) {
    let output = installation.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Every file below the folder that SQLite wrote.
fn databases(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            databases(&path, found);
        } else if std::fs::read(&path).unwrap().starts_with(b"SQLite format 3\0") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_of_the_server_can_be_a_data_source() {
    let installation = Installation::new(BINARY);
    let backup = installation.folder().join("backup.db");
    let backup = backup.to_str().unwrap();
    good(&installation, &["backup", "--to", backup]);
    good(&installation, &["restore", "--from", backup]);
    let mut found = Vec::new();
    databases(installation.folder(), &mut found);
    let names: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
    assert!(names.iter().any(|name| name.contains("before-restore")), "{names:?}");
    assert!(found.len() >= 3, "{names:?}");
    for path in found {
        let spec = SourceSpec::sqlite(&path).unwrap();
        let resources = Resources::new(Limits::default(), 4, AllowedHosts::default());
        let refused = spec.open(&resources);
        assert_eq!(refused.unwrap_err(), SourceError::OwnFile, "{}", path.display());
    }
    let linked = installation.folder().join("linked.sqlite");
    std::fs::hard_link(backup, &linked).unwrap();
    let message =
        installation.command(&["data-source", "add", "stolen", linked.to_str().unwrap()]).output().unwrap();
    let said = String::from_utf8_lossy(&message.stderr).into_owned();
    assert!(!message.status.success() && said.contains("never served"), "{said}");
}
