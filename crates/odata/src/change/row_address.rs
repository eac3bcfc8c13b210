//! The address of the entity in a row of a change.

use crate::cell::Row;
use crate::encode::id::KeyPredicate;
use crate::encode::text;
use crate::model::EntityType;

/// The path of the entity in a row, from its key.
#[derive(Debug)]
pub(super) struct RowAddress {
    set: String,
    key: KeyPredicate,
    columns: Vec<usize>,
}

impl RowAddress {
    /// The address of the entities of a type whose keys are in these columns.
    pub(super) fn of(entity_type: &EntityType, columns: Vec<usize>) -> Self {
        let key = KeyPredicate::new(entity_type, columns.clone());
        Self { set: text::in_url(&entity_type.name), key, columns }
    }

    /// The path of the entity in a row, relative to the service document.
    pub(super) fn path(&self, row: &impl Row) -> String {
        let mut path = format!("{}(", self.set).into_bytes();
        self.key.write(&mut path, row, &self.columns);
        path.push(b')');
        String::from_utf8(path).unwrap_or_default()
    }
}
