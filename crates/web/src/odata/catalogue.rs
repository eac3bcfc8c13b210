//! The list of readable sources.

use app::data::{DataRefusal, DataService};
use app::identity::caller::{Caller, RequestOrigin};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use oauth::resource::DataEndpoint;
use odata::format::Format;
use odata::service_document;
use odata::url::Url;
use serde::Serialize;

use super::headers;
use crate::respond::odata::ODataProblem;

/// The service document of service documents
/// ([JSON §5](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ServiceDocument)).
#[derive(Serialize)]
struct Catalogue {
    value: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    url: String,
}

/// Lists the sources that the caller may read.
pub(super) async fn list(
    data: &DataService,
    caller: &Caller,
    origin: &RequestOrigin,
    parts: &Parts,
) -> Result<Response, ODataProblem> {
    let url = Url::read(&format!("?{}", parts.uri.query().unwrap_or_default())).map_err(DataRefusal::from)?;
    let accept = headers::accept(&parts.headers)?;
    let format = service_document::format(&url, Format::accept(&accept)).map_err(DataRefusal::from)?;
    let records = data.readable_sources(caller, DataEndpoint::OData, origin).await?;
    let format = format.ok_or(DataRefusal::NotAcceptable)?;
    let value = records.into_iter().map(|record| {
        let url = data.service_root(&record, caller);
        Entry { name: record.name, kind: "ServiceDocument", url }
    });
    let catalogue = Catalogue { value: value.collect() };
    let mut response =
        Response::new(Body::from(serde_json::to_vec(&catalogue).unwrap_or_else(|_| b"{}".to_vec())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
