//! The addresses of an entity: its id and the links from it.

use super::{BodyKind, Shape, name_of, text, value};
use crate::cell::Row;
use crate::form::Reading;
use crate::model::EntityType;

/// How to write the control information of an entity that contains its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Id {
    /// Each address up to the opening parenthesis of the key, with what precedes it, and what follows the key.
    addresses: Vec<(Vec<u8>, Vec<u8>)>,
    key: KeyPredicate,
}

/// How to write the key of an entity in its address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyPredicate {
    /// For each value, the bytes before it and its reading.
    parts: Vec<(Vec<u8>, Reading)>,
    /// The columns of the values.
    columns: Vec<usize>,
}

impl Id {
    pub(super) fn new(shape: &Shape<'_>) -> Self {
        let entity_type = shape.entity_type;
        let name = text::in_url(&entity_type.name);
        let is_reference = matches!(shape.subject, BodyKind::References | BodyKind::Reference);
        let mut addresses = Vec::new();
        let mut before = Vec::new();
        let mut address = |before: &mut Vec<u8>, label: &str, root: &str, after: &str| {
            if !before.is_empty() || !addresses.is_empty() {
                before.push(b',');
            }
            name_of(before, label);
            before.extend(format!("\"{root}{name}(").bytes());
            addresses.push((std::mem::take(before), format!("){after}\"").into_bytes()));
        };
        if is_reference {
            // The response may have no context to which it could be relative.
            address(&mut before, "@odata.id", shape.service_root, "");
        } else {
            name_of(&mut before, "@odata.type");
            text::string(
                &mut before,
                format!("#{}.{}", shape.model.namespace, entity_type.type_name).as_bytes(),
            );
            address(&mut before, "@odata.id", "", "");
            address(&mut before, "@odata.editLink", "", "");
            for link in shape.links {
                let path = text::in_url(link);
                address(&mut before, &format!("{link}@odata.associationLink"), "", &format!("/{path}/$ref"));
                address(&mut before, &format!("{link}@odata.navigationLink"), "", &format!("/{path}"));
            }
        }
        let columns = shape.key.iter().map(|slot| slot.column).collect();
        Self { addresses, key: KeyPredicate::new(entity_type, columns) }
    }

    /// Writes the addresses, without a comma at either end.
    pub(super) fn write(&self, out: &mut Vec<u8>, row: &impl Row) {
        for (before, after) in &self.addresses {
            out.extend_from_slice(before);
            self.key.write(out, row, &self.key.columns);
            out.extend_from_slice(after);
        }
    }
}

impl KeyPredicate {
    /// The key of a type, whose values are in these columns.
    pub(crate) fn new(entity_type: &EntityType, columns: Vec<usize>) -> Self {
        let single = entity_type.key.len() == 1;
        let parts = entity_type.key.iter().enumerate().map(|(index, property)| {
            let property = &entity_type.properties[*property];
            let comma = if index == 0 { "" } else { "," };
            let label =
                if single { String::new() } else { format!("{comma}{}=", text::in_url(&property.name)) };
            (label.into_bytes(), property.reading())
        });
        Self { parts: parts.collect(), columns }
    }

    /// Writes the values in these columns of a row.
    pub(crate) fn write(&self, out: &mut Vec<u8>, row: &impl Row, columns: &[usize]) {
        for ((label, reading), column) in self.parts.iter().zip(columns) {
            out.extend_from_slice(label);
            value::in_url(out, row.cell(*column), *reading);
        }
    }
}
