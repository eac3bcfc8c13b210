//! Attack: our own files as a data source.

use super::*;

/// The tables by which a system database is recognised.
const SYSTEM: &str = "CREATE TABLE users(name, password); INSERT INTO users VALUES ('root', '$argon2id$');
    CREATE TABLE audit_events(a); CREATE TABLE data_source_shares(a); CREATE TABLE grants(a);
    CREATE TABLE revocations(a); CREATE TABLE ring_keys(a); CREATE TABLE user_roles(a);";
const MARKED: &str = "PRAGMA application_id = 0x534c4743;";
const MOVED: &str = "PRAGMA application_id = 0x534c474d;";

fn file(folder: &TempDir, name: &str, sql: &str) -> PathBuf {
    let path = folder.path().join(name);
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

fn refused(path: &std::path::Path) -> SourceError {
    let opened = open(path).and_then(|source| source.read_schema(run().deadline));
    opened.expect_err("a file of ours must not be served")
}

#[test]
fn a_file_of_ours_is_refused_under_every_name_and_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let backup = file(&folder, "backup.db", &format!("{SYSTEM} {MARKED}"));
    let moved = file(&folder, "moved.db", &format!("{SYSTEM} {MOVED}"));
    let begun = file(&folder, "new.unfinished", &format!("{MARKED} CREATE TABLE t(a)"));
    let log = file(&folder, "wal.db", &format!("PRAGMA journal_mode = wal; {SYSTEM} {MARKED}"));
    let hard = folder.path().join("hard.db");
    std::fs::hard_link(&backup, &hard).unwrap();
    let soft = folder.path().join("soft.db");
    std::os::unix::fs::symlink(&backup, &soft).unwrap();
    for path in [&backup, &moved, &begun, &log, &hard, &soft] {
        assert_eq!(refused(path), SourceError::OwnFile, "{}", path.display());
    }
}

#[test]
fn a_copy_whose_application_id_was_changed_is_known_by_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mark) in [("none.db", ""), ("other.db", "PRAGMA application_id = 7;")] {
        let path = file(&folder, name, &format!("{SYSTEM} {mark}"));
        assert_eq!(refused(&path), SourceError::OwnFile, "{name}");
    }
    let shop = "CREATE TABLE users(id); CREATE TABLE grants(id); CREATE TABLE user_roles(id);";
    assert!(open(&file(&folder, "shop.db", shop)).unwrap().read_schema(run().deadline).is_ok());
}

#[test]
fn a_file_of_ours_that_takes_the_place_of_a_source_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let backup = file(&folder, "backup.db", &format!("{SYSTEM} {MARKED}"));
    let innocent = "CREATE TABLE users(name, password); INSERT INTO users VALUES ('a', 'b')";
    let replaced = fixture(innocent);
    assert_eq!(one_integer(&replaced.source, "SELECT count(*) FROM users"), Ok(1));
    std::fs::remove_file(&replaced.path).unwrap();
    std::fs::hard_link(&backup, &replaced.path).unwrap();
    sqlite_of(&replaced.source).expect_changed_structure();
    assert_eq!(one_integer(&replaced.source, "SELECT count(*) FROM users"), Err(SourceError::OwnFile));

    let overwritten = fixture(innocent);
    assert_eq!(one_integer(&overwritten.source, "SELECT count(*) FROM users"), Ok(1));
    std::fs::copy(&backup, &overwritten.path).unwrap();
    assert_eq!(overwritten.source.schema_version(), Err(SourceError::OwnFile));
    assert_eq!(overwritten.source.read_schema(run().deadline), Err(SourceError::OwnFile));
}
