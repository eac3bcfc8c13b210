use super::*;

#[test]
fn what_is_no_database_file_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("empty"), "").unwrap();
    std::fs::write(at("secret"), "root:x:0:0:the contents of another file".repeat(50)).unwrap();
    std::fs::write(at("short"), "SQLite format 3\0").unwrap();
    std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    assert_eq!(open(&at("none")).unwrap_err(), SourceError::Missing);
    assert_eq!(open(&at("secret/below")).unwrap_err(), SourceError::Missing);
    assert_eq!(open(folder.path()).unwrap_err(), SourceError::NotAFile);
    assert_eq!(open(&at("socket")).unwrap_err(), SourceError::NotAFile);
    assert_eq!(open(&at("empty")).unwrap_err(), SourceError::NotADatabase);
    assert_eq!(open(&at("short")).unwrap_err(), SourceError::NotADatabase);
    let secret = open(&at("secret")).unwrap_err();
    assert_eq!(secret, SourceError::NotADatabase);
    assert!(!format!("{secret} {secret:?}").contains("root"));
}

#[test]
fn opening_never_creates_a_file() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder.path().join("new.db")).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_database_in_write_ahead_mode_is_read_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wal.db");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    let source = open(&path).unwrap();
    assert_eq!(one_integer(&source, "SELECT count(*) FROM t"), Ok(1));
    writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(one_integer(&source, "SELECT count(*) FROM t"), Ok(2));
}
