//! `GET /.well-known/oauth-protected-resource` and the addresses below it ([RFC 9728
//! §3](https://www.rfc-editor.org/rfc/rfc9728#section-3)).

use app::data::DataService;
use app::node::NodeService;
use axum::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode, Uri};
use oauth::protected_resource::{ProtectedResource, ResourceFacts, WELL_KNOWN};

use crate::extract::Use;
use crate::http::host;
use crate::respond::oauth as respond;

/// The metadata of the resource whose path follows; public, so any origin may read it. A query would be part of the
/// identifier of the resource, and no resource has one.
pub async fn show(
    Use(node): Use<NodeService>,
    Use(data): Use<DataService>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().strip_prefix(WELL_KNOWN).filter(|_| uri.query().is_none());
    let found = match path {
        Some(path) => data.resource_at(path).await,
        None => Ok(None),
    };
    let resource = match found {
        Ok(Some(resource)) => resource,
        Ok(None) => {
            return respond::refuse(StatusCode::NOT_FOUND, "there is no protected resource at this address");
        }
        Err(fault) => return super::faulty(&fault),
    };
    let settings = node.settings();
    let address = settings.address_asked(host::named(&uri, &headers));
    let document = ProtectedResource::new(ResourceFacts {
        issuer: &settings.public_url,
        address,
        path: resource.as_str(),
        endpoint: resource.endpoint(),
        name: &resource.name(),
        minimum: settings.minimum_profile,
        takes_certificates: settings.takes_certificates_at(address),
    });
    let mut response = respond::json(StatusCode::OK, &document);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.remove("pragma");
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
