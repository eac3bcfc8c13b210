use super::*;

#[test]
fn a_file_that_was_replaced_is_read_anew() {
    let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    let version = fixture.source.schema_version().unwrap();
    assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
    let next = fixture.path.with_extension("next");
    Connection::open(&next).unwrap().execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (2)").unwrap();
    std::fs::rename(&next, &fixture.path).unwrap();
    sqlite_of(&fixture.source).expect_changed_structure();
    assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(2));
    assert_ne!(fixture.source.schema_version().unwrap(), version);
}

#[test]
fn a_file_that_vanished_is_missing_until_it_is_back() {
    let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    let away = fixture.path.with_extension("away");
    std::fs::rename(&fixture.path, &away).unwrap();
    sqlite_of(&fixture.source).expect_changed_structure();
    assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Err(SourceError::Missing));
    std::fs::rename(&away, &fixture.path).unwrap();
    assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
}

#[test]
fn a_file_that_was_overwritten_in_place_is_read_anew() {
    let fixture = fixture("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    assert_eq!(one_integer(&fixture.source, "SELECT a FROM t"), Ok(1));
    let next = fixture.path.with_extension("next");
    Connection::open(&next)
        .unwrap()
        .execute_batch(
            "CREATE TABLE other(x); CREATE TABLE t(a); INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)",
        )
        .unwrap();
    std::fs::copy(&next, &fixture.path).unwrap();
    assert_eq!(one_integer(&fixture.source, "SELECT max(a) FROM t"), Ok(3));
    std::fs::write(&fixture.path, "no database any more ".repeat(500)).unwrap();
    one_integer(&fixture.source, "SELECT max(a) FROM t").unwrap_err();
    std::fs::copy(&next, &fixture.path).unwrap();
    assert_eq!(one_integer(&fixture.source, "SELECT max(a) FROM t"), Ok(3));
}

#[test]
fn a_file_that_became_a_link_is_not_followed() {
    let fixture = fixture("CREATE TABLE t(a)");
    let elsewhere = fixture.path.with_extension("elsewhere");
    Connection::open(&elsewhere).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    std::fs::remove_file(&fixture.path).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &fixture.path).unwrap();
    sqlite_of(&fixture.source).expect_changed_structure();
    let refused = one_integer(&fixture.source, "SELECT count(*) FROM t").unwrap_err();
    assert!(matches!(refused, SourceError::Unreadable { .. }), "{refused:?}");
}
