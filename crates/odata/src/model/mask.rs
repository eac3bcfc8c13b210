//! Masks: what a caller sees in place of the values of a column.

use super::Property;
use super::document::ColumnMask;
use crate::edm_type::EdmType;
use crate::form::Form;

/// What a caller sees in place of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Nothing.
    Null,
    /// Always this text.
    Text(String),
    /// The end of a text, as an expression about the row, and a condition that there is more of the text.
    End { end: String, is_longer: String },
}

impl Mask {
    /// The mask that a rule names for a property; `None` if it does not fit the type of the property.
    pub(crate) fn of(mask: &ColumnMask, property: &Property) -> Option<Self> {
        let is_text =
            matches!(property.ty, EdmType::String { .. }) && property.storage.form == Form::Canonical;
        match (&mask.text, mask.last_characters) {
            (None, None) => Some(Self::Null),
            _ if !is_text => None,
            (Some(text), _) => Some(Self::Text(text.clone())),
            (None, Some(characters)) => {
                // A property may have the name of a literal.
                let name = format!("$it/{}", property.name);
                Some(Self::End {
                    end: format!("substring({name},length({name}) sub {characters})"),
                    is_longer: format!("length({name}) gt {characters}"),
                })
            }
        }
    }
}
