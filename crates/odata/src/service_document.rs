//! The service document: the list of entity sets.

use crate::encode::text;
use crate::format::{Format, MetadataLevel};
use crate::model::Model;
use crate::plan::root;

/// Writes the service document of a model
/// ([OData JSON 4.01 §5](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ServiceDocument)).
pub fn json(model: &Model, service_root: &str, format: Format) -> Vec<u8> {
    let mut out = vec![b'{'];
    if format.metadata != MetadataLevel::None {
        out.extend_from_slice(b"\"@odata.context\":");
        text::string(&mut out, format!("{}$metadata", root(service_root)).as_bytes());
        out.push(b',');
    }
    out.extend_from_slice(b"\"value\":[");
    for (index, entity_type) in model.entity_types.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"{\"name\":".as_slice() } else { b",{\"name\":" });
        text::string(&mut out, entity_type.name.as_bytes());
        out.extend_from_slice(b",\"kind\":\"EntitySet\",\"url\":");
        text::string(&mut out, text::in_url(&entity_type.name).as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
