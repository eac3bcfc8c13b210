//! Recognises files of this server itself: the embedded system database and every copy of it. They contain
//! everybody's password hashes and grants, so none is ever served, wherever it is and whatever its name.
//!
//! A file is checked through the connection that will read it, never by its path, so that no other file can
//! replace it between the check and the read.

use rusqlite::Connection;

use crate::SourceError;

/// The application ids in the headers of such files: of a system database and its copies (`SLGC`), and of one
/// that was migrated to another database (`SLGM`).
const MARKS: [i32; 2] = [0x534c_4743, 0x534c_474d];

/// Refuses a file whose header contains one of our application ids.
pub(super) fn refuse_marked(sqlite: &Connection) -> Result<(), SourceError> {
    let mark = sqlite.prepare_cached("PRAGMA application_id");
    let mark = mark.and_then(|mut mark| mark.query_row([], |row| row.get::<_, i32>(0)));
    match mark {
        Ok(mark) if MARKS.contains(&mark) => Err(SourceError::OwnFile),
        Ok(_) => Ok(()),
        Err(error) => Err(super::failure::failure(&error)),
    }
}
