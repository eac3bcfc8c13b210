//! The service document: the list of entity sets.

use jiff::Timestamp;

use crate::bind;
use crate::encode::text;
use crate::error::Error;
use crate::format::{Format, MetadataLevel};
use crate::model::Model;
use crate::plan::root;
use crate::syntax::Request;
use crate::url::Url;

/// The format in which a request for a service document is answered: that of `$format`, or else the accepted one, which may
/// be none.
///
/// # Errors
/// If the request has a path or options that a service document does not have, or names another format.
pub fn format(url: &Url, accepted: Option<Format>) -> Result<Option<Format>, Error> {
    let request = Request::parse(url)?;
    let model = Model::default();
    let bound = bind::bind(&model, &request, Timestamp::UNIX_EPOCH, accepted.unwrap_or_default(), None)?;
    Ok(if url.names_format() { Some(bound.format) } else { accepted })
}

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
