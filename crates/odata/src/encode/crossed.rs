//! Encodes combinations of entities: a member for each set ([OData URL Conventions 4.01
//! §4.15](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_AddressingtheCrossJoinofEntitySets)).

use super::id::KeyPredicate;
use super::{Encoder, InvalidValues, name_of, separate, text};
use crate::cell::Row;
use crate::model::EntityType;

/// The member for the entity of a set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Combined {
    /// A link to it.
    Link {
        /// The name with its colon, and the address up to the opening parenthesis of the key.
        before: Vec<u8>,
        key: KeyPredicate,
        columns: Vec<usize>,
    },
    /// The entity or its id, after the name with its colon.
    Entity { name: Vec<u8>, encoder: Box<Encoder> },
}

impl Combined {
    /// A link to an entity whose key is in these columns.
    pub(crate) fn link(entity_type: &EntityType, columns: Vec<usize>) -> Self {
        let mut before = Vec::new();
        name_of(&mut before, &format!("{}@odata.navigationLink", entity_type.name));
        before.extend(format!("\"{}(", text::in_url(&entity_type.name)).bytes());
        Self::Link { before, key: KeyPredicate::new(entity_type, Vec::new()), columns }
    }

    /// An entity of a set.
    pub(crate) fn entity(set: &str, encoder: Encoder) -> Self {
        let mut name = Vec::new();
        name_of(&mut name, set);
        Self::Entity { name, encoder: Box::new(encoder) }
    }

    fn write(&self, out: &mut Vec<u8>, row: &impl Row) -> InvalidValues {
        separate(out);
        match self {
            Self::Link { before, key, columns } => {
                out.extend_from_slice(before);
                key.write(out, row, columns);
                out.extend_from_slice(b")\"");
                InvalidValues::default()
            }
            Self::Entity { name, encoder } => {
                out.extend_from_slice(name);
                encoder.entity_with_gaps(out, row, &mut Vec::new())
            }
        }
    }
}

/// Writes a row with these members.
#[inline(never)]
pub(super) fn row(out: &mut Vec<u8>, members: &[Combined], row: &impl Row) -> InvalidValues {
    let mut invalid_values = InvalidValues::default();
    out.push(b'{');
    for member in members {
        invalid_values.add(member.write(out, row));
    }
    out.push(b'}');
    invalid_values
}
