//! Recognises a system database of this server by its tables. It contains everybody's password hashes and grants, so it is
//! never served.

use crate::SourceError;

/// Tables that only a system database has together. They also reveal a copy of a file whose application id was lost, for
/// example by a dump that was imported again.
const TABLES: [&str; 6] =
    ["audit_events", "data_source_shares", "grants", "revocations", "ring_keys", "user_roles"];

/// Refuses a database with the tables of a system database; names of tables are compared without case.
pub(crate) fn refuse_by_tables<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), SourceError> {
    let mut found = [false; TABLES.len()];
    for name in names {
        if let Some(at) = TABLES.iter().position(|table| name.eq_ignore_ascii_case(table)) {
            found[at] = true;
        }
    }
    if found == [true; TABLES.len()] { Err(SourceError::OwnFile) } else { Ok(()) }
}
