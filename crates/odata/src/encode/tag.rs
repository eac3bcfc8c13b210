//! The entity tag as control information of an entity ([OData JSON 4.01
//! §4.6.10](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControlInformationetagodataetag)).

use super::text;
use crate::cell::Row;
use crate::entity_tag::EntityTag;

/// Where the values are of which the tag is a digest, and whether it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TagWriting {
    /// The columns of all properties, in the order of the model.
    columns: Vec<usize>,
    /// Whether it is part of the body.
    pub(super) is_shown: bool,
}

impl TagWriting {
    /// `None` if entities of this type have no tag, so that there are no columns.
    pub(super) fn new(columns: Vec<usize>, is_shown: bool) -> Option<Self> {
        (!columns.is_empty()).then_some(Self { columns, is_shown })
    }

    pub(super) fn of(&self, row: &impl Row) -> EntityTag {
        EntityTag::of(row, self.columns.iter().copied())
    }

    /// Writes it, without a comma at either end.
    pub(super) fn write(&self, out: &mut Vec<u8>, row: &impl Row) {
        out.extend_from_slice(b"\"@odata.etag\":");
        text::string(out, self.of(row).as_str().as_bytes());
    }
}
