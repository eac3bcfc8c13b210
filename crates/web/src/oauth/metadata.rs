//! `GET /.well-known/oauth-authorization-server`, and the same document at `/.well-known/openid-configuration` ([RFC 8414
//! §5](https://www.rfc-editor.org/rfc/rfc8414#section-5)).

use app::management::scopes::ScopeService;
use app::node::NodeService;
use app::protocol::attesters::AttesterService;
use app::protocol::client_registration::RegistrationMode;
use axum::response::Response;
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use oauth::metadata::{CertificateSupport, Metadata};

use crate::extract::Use;
use crate::respond::oauth as respond;

/// The metadata of the server; public, so any origin may read it.
pub async fn show(
    Use(node): Use<NodeService>,
    Use(scopes): Use<ScopeService>,
    Use(attesters): Use<AttesterService>,
) -> Response {
    let (scopes, attested) = match (scopes.registry().await, attesters.are_trusted().await) {
        (Ok(scopes), Ok(attested)) => (scopes, attested),
        (Err(fault), _) | (_, Err(fault)) => return super::faulty(&fault),
    };
    let settings = node.settings();
    let certificates = &settings.client_certificates;
    let registers = settings.client_registration.mode != RegistrationMode::Off;
    let pushes_all = settings.require_pushed_requests || settings.minimum_profile.rules().pushed_requests;
    let metadata = Metadata::new(&settings.public_url, settings.minimum_profile, &scopes);
    let metadata = if settings.signs_all_messages() { metadata.with_signed_responses() } else { metadata };
    let metadata = Metadata {
        registration_endpoint: registers.then(|| format!("{}/oauth2/register", settings.public_url)),
        client_id_metadata_document_supported: settings.client_documents,
        require_pushed_authorization_requests: pushes_all,
        require_signed_request_object: settings.request_objects.required || settings.signs_all_messages(),
        // An object at an address of the client is not pushed.
        request_uri_parameter_supported: settings.request_objects.by_reference && !pushes_all,
        require_request_uri_registration: !settings.request_objects.unregistered_addresses,
        ..metadata
    }
    .with_certificates(CertificateSupport {
        accepted: certificates.kinds(),
        url: certificates.public_url.as_deref(),
    });
    let metadata = if attested { metadata.with_attestations() } else { metadata };
    let mut response = respond::json(StatusCode::OK, &metadata.document(settings.minimum_profile));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.remove("pragma");
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
