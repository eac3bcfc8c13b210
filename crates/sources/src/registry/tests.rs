use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use odata::statement::Statement;
use rusqlite::Connection;

use super::*;
use crate::{Deadline, Limits, Run, SourceRow};

fn database(folder: &Path, name: &str) -> SourceSpec {
    let path = folder.join(name);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    SourceSpec::sqlite(path).unwrap()
}

fn sources(connections: usize) -> Sources {
    let resources = Resources::new(Limits::default(), connections, AllowedHosts::default());
    Sources::new(SourceKinds::standard(), resources)
}

fn touch(source: &Source) -> Result<(), SourceError> {
    let select = Statement { sql: "SELECT 1".to_owned(), parameters: Vec::new(), columns: 1, quicker: None };
    let run = Run { deadline: Deadline::after(Duration::from_mins(1)), max_rows: 1 };
    source.inline().unwrap().query(&select, run, &mut |_: &SourceRow<'_>| ControlFlow::Continue(())).map(drop)
}

#[test]
fn a_source_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let spec = database(folder.path(), "a.db");
    let sources = sources(8);
    assert!(sources.get(1).is_none());
    let first = sources.open_or_get(1, &spec).unwrap();
    assert!(Arc::ptr_eq(&first, &sources.open_or_get(1, &spec).unwrap()));
    assert!(Arc::ptr_eq(&first, &sources.get(1).unwrap()));
}

#[test]
fn a_source_that_moved_is_opened_anew_and_the_old_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(8);
    let old = sources.open_or_get(1, &database(folder.path(), "a.db")).unwrap();
    let new = sources.open_or_get(1, &database(folder.path(), "b.db")).unwrap();
    assert_eq!(touch(&old), Err(SourceError::Closed));
    assert_eq!(touch(&new), Ok(()));
}

#[test]
fn a_closed_source_leaves_no_connection_behind_even_while_somebody_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(8);
    let held = sources.open_or_get(1, &database(folder.path(), "a.db")).unwrap();
    touch(&held).unwrap();
    assert_eq!(sources.open_connections(), 1);
    sources.close(1);
    assert_eq!(sources.open_connections(), 0);
    assert!(sources.get(1).is_none());
    assert_eq!(touch(&held), Err(SourceError::Closed));
}

#[test]
fn a_file_that_cannot_be_opened_leaves_the_id_closed() {
    let sources = sources(8);
    let spec = SourceSpec::sqlite("/nonexistent/a.db").unwrap();
    assert_eq!(sources.open_or_get(1, &spec).unwrap_err(), SourceError::Missing);
    assert!(sources.get(1).is_none());
}

#[test]
fn more_sources_than_connections_share_them() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(2);
    for round in 0..3 {
        for id in 0..5 {
            let spec = database(folder.path(), &format!("{id}-{round}.db"));
            touch(&sources.open_or_get(id, &spec).unwrap()).unwrap();
            assert!(sources.open_connections() <= 2);
        }
    }
    for id in 0..5 {
        assert_eq!(touch(&sources.get(id).unwrap()), Ok(()));
    }
}

#[test]
fn a_connection_in_use_is_never_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(1);
    let first = sources.open_or_get(1, &database(folder.path(), "a.db")).unwrap();
    let spec = database(folder.path(), "b.db");
    let run = Run { deadline: Deadline::after(Duration::from_mins(1)), max_rows: 1 };
    let refused = first.inline().unwrap().read(run, |_| Ok(sources.open_or_get(2, &spec).map(drop))).unwrap();
    assert_eq!(refused, Err(SourceError::Busy));
    assert!(sources.open_or_get(2, &spec).is_ok());
}
