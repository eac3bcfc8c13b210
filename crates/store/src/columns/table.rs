//! What is known about a table of the system database, and its rows in a form that every backend can read and write.

use std::fmt;

use super::Impossible;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// A 64-bit integer; also a time or a set.
    Number,
    /// A boolean.
    Flag,
    /// Unicode text.
    Text,
    /// A byte string.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredColumn {
    /// The name, the same in every backend.
    pub name: &'static str,
    /// The type of its values.
    pub kind: StoredKind,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// Where the values of the first key column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// The database assigns each value once, and never again, even after the row was deleted.
    GivenOnce,
    /// The writer of the row chooses the value.
    Chosen,
}

/// What happens to the rows of a table after a backup was restored ([`crate::Restoring`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRestore {
    /// All are deleted: nothing that was issued before stays valid.
    Emptied,
    /// They are compared with the previous database, so that what was withdrawn since the backup stays withdrawn.
    /// Without a previous database, the credentials among them are revoked.
    Compared,
    /// They stay, and the credentials in them end.
    Disarmed,
    /// They stay as they are in the backup.
    Kept,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTable {
    /// The name, the same in every backend.
    pub name: &'static str,
    /// The columns. Those of the primary key come first, in its order, and contain numbers.
    pub columns: &'static [StoredColumn],
    /// The number of columns of the primary key.
    pub key_columns: usize,
    /// Where the ids come from.
    pub ids: Ids,
    /// What a restore does with the rows.
    pub on_restore: OnRestore,
}

/// The value of one column in one row. `Debug` prints only the kind, because the value may be part of a
/// credential.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredCell {
    /// NULL.
    Null,
    /// A value of [`StoredKind::Number`].
    Number(i64),
    /// A value of [`StoredKind::Flag`].
    Flag(bool),
    /// A value of [`StoredKind::Text`].
    Text(String),
    /// A value of [`StoredKind::Bytes`].
    Bytes(Vec<u8>),
}

impl fmt::Debug for StoredCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Number(_) => "Number(…)",
            Self::Flag(_) => "Flag(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
        })
    }
}

/// The cells of one row, in the order of [`StoredTable::columns`].
pub type StoredRow = Vec<StoredCell>;

/// The primary key of a row; its length is [`StoredTable::key_columns`].
pub type Key = Vec<i64>;

impl StoredTable {
    /// The columns of the primary key.
    pub fn key(&self) -> &'static [StoredColumn] {
        &self.columns[..self.key_columns]
    }

    /// A key that sorts before the keys of all rows.
    pub fn before_all(&self) -> Key {
        vec![i64::MIN; self.key_columns]
    }

    /// The key of a row.
    ///
    /// # Errors
    /// If the row has none.
    pub fn key_of(&self, row: &StoredRow) -> Result<Key, Impossible> {
        let number = |column: usize| match row.get(column) {
            Some(StoredCell::Number(number)) => Ok(*number),
            _ => Err(Impossible(format!("a row of {} without a key", self.name))),
        };
        (0..self.key_columns).map(number).collect()
    }
}

impl StoredColumn {
    /// The same column, which may be NULL.
    pub(super) const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}
