//! Compiled statements; long ones are not cached.

use std::ops::{Deref, DerefMut};

use rusqlite::{CachedStatement, Connection, Statement};

/// A longer statement, in bytes, is compiled for one run: in the cache, each would take several times its
/// length on each connection.
const LONGEST_KEPT: usize = 8 * 1024;

/// A compiled statement.
pub(super) enum Compiled<'connection> {
    Kept(CachedStatement<'connection>),
    Passing(Statement<'connection>),
}

/// Compiles a statement, or finds it in the cache.
pub(super) fn prepare<'connection>(
    connection: &'connection Connection,
    sql: &str,
) -> rusqlite::Result<Compiled<'connection>> {
    if sql.len() <= LONGEST_KEPT {
        connection.prepare_cached(sql).map(Compiled::Kept)
    } else {
        connection.prepare(sql).map(Compiled::Passing)
    }
}

impl<'connection> Deref for Compiled<'connection> {
    type Target = Statement<'connection>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Kept(statement) => statement,
            Self::Passing(statement) => statement,
        }
    }
}

impl DerefMut for Compiled<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Kept(statement) => statement,
            Self::Passing(statement) => statement,
        }
    }
}
