//! The members by which a client describes itself, in a registration or in a document ([RFC 7591
//! §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)), with their types.

use serde_json::Value;

use crate::application::{ApplicationSettings, ClientMetadata, ClientPages, OpenIdMetadata};
use crate::authorization_details::TYPES;
use crate::jwt::Object;
use crate::registration::{ApplicationPayload, CertificateNamePayload, RequestPayload};

/// The members of OpenID Connect, which are read together.
pub(crate) const OPENID: [&str; 14] = [
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "post_logout_redirect_uris",
    "initiate_login_uri",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "backchannel_token_delivery_mode",
];

/// The names that a certificate can have, of which a client has one ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
pub(crate) const CERTIFICATE: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// The same, as words.
pub(crate) const ONE_CERTIFICATE_NAME: &str = "exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, \
                                               tls_client_auth_san_uri, tls_client_auth_san_ip and \
                                               tls_client_auth_san_email";

/// Reads members. `null` counts as absent, a wrong type is a fault.
pub(crate) struct Members<'a>(&'a Object);

impl<'a> Members<'a> {
    pub(crate) fn of(object: &'a Object) -> Self {
        Self(object)
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, WrongType> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| wrong(name, "a string"))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, WrongType> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| wrong(name, "an array of strings"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, WrongType> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(name, "true or false"))
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<&'a Object>, WrongType> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| wrong(name, "an object"))
    }

    pub(crate) fn openid(&self) -> Result<OpenIdMetadata, WrongType> {
        let mut found = Object::new();
        for name in OPENID {
            if let Some(value) = self.value(name) {
                found.insert(name.to_owned(), value.clone());
                // One by one, so that the message names the member.
                serde_json::from_value::<OpenIdMetadata>(Value::Object(found.clone()))
                    .map_err(|_| wrong(name, "of the type in its specification"))?;
            }
        }
        serde_json::from_value(Value::Object(found)).map_err(|_| wrong("a member", "well-formed"))
    }
}

/// A member has a wrong type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {expected}")]
pub(crate) struct WrongType {
    pub(crate) name: String,
    expected: &'static str,
}

fn wrong(name: &str, expected: &'static str) -> WrongType {
    WrongType { name: name.to_owned(), expected }
}

/// The members that need no decision of their own.
pub(crate) fn further(members: &Members<'_>) -> Result<ApplicationPayload, WrongType> {
    let text = |name| members.text(name).map(|text| text.map(str::to_owned));
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    Ok(ApplicationPayload {
        contacts: Some(members.texts("contacts")?.map(owned).unwrap_or_default()),
        logo_url: Some(text("logo_uri")?.unwrap_or_default()),
        jwks: members.object("jwks")?.cloned(),
        jwks_uri: text("jwks_uri")?,
        token_endpoint_auth_signing_alg: text("token_endpoint_auth_signing_alg")?,
        introspection_signed_response_alg: text("introspection_signed_response_alg")?,
        dpop_bound_access_tokens: members.boolean("dpop_bound_access_tokens")?,
        tls_client_certificate_bound_access_tokens: members
            .boolean("tls_client_certificate_bound_access_tokens")?,
        tls_client_auth: certificate_name(members)?,
        requests: RequestPayload {
            require_pushed_authorization_requests: members
                .boolean("require_pushed_authorization_requests")?,
            require_second_factor: None,
            require_signed_request_object: members.boolean("require_signed_request_object")?,
            request_object_signing_alg: text("request_object_signing_alg")?,
            request_uris: members.texts("request_uris")?.map(owned),
            authorization_signed_response_alg: text("authorization_signed_response_alg")?,
            authorization_details_types: authorization_details_types(members)?,
        },
        openid: Some(members.openid()?),
        pages: Some(pages(members)?),
        ..ApplicationPayload::default()
    })
}

/// The pages for people; an empty address is none.
fn pages(members: &Members<'_>) -> Result<ClientPages, WrongType> {
    let given = |name| members.text(name).map(|uri| uri.filter(|uri| !uri.is_empty()).map(str::to_owned));
    Ok(ClientPages {
        client_uri: given("client_uri")?,
        tos_uri: given("tos_uri")?,
        policy_uri: given("policy_uri")?,
    })
}

/// The types that the client announces ([RFC 9396 §10](https://www.rfc-editor.org/rfc/rfc9396#section-10)); those that the
/// server does not know are left out.
fn authorization_details_types(members: &Members<'_>) -> Result<Option<Vec<String>>, WrongType> {
    let named = members.texts("authorization_details_types")?;
    let known = |names: Vec<&str>| {
        TYPES.iter().filter(|known| names.contains(*known)).map(|&known| known.to_owned()).collect()
    };
    Ok(named.map(known))
}

/// The name in the certificate of the client, if it gives one: "exactly one" of the five members ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
fn certificate_name(members: &Members<'_>) -> Result<Option<CertificateNamePayload>, WrongType> {
    let mut given = [None, None, None, None, None];
    for (name, given) in CERTIFICATE.into_iter().zip(&mut given) {
        *given = members.text(name)?.map(str::to_owned);
    }
    if given.iter().flatten().count() > 1 {
        return Err(wrong(ONE_CERTIFICATE_NAME, "given"));
    }
    let [subject_dn, san_dns, san_uri, san_ip, san_email] = given;
    let payload = CertificateNamePayload { subject_dn, san_dns, san_uri, san_ip, san_email };
    Ok((payload != CertificateNamePayload::default()).then_some(payload))
}

/// The settings without what the client itself has set: "Omitted fields MUST be treated as null or empty values by the
/// server, indicating the client's request to delete them" ([RFC 7592
/// §2.2](https://www.rfc-editor.org/rfc/rfc7592#section-2.2)). What administrators have set stays.
pub(crate) fn without_own_members(existing: &ApplicationSettings) -> ApplicationSettings {
    let mut base = existing.clone();
    base.contacts = Vec::new();
    base.logo_url = None;
    // Without `..`, so that a new member is considered here.
    let ClientMetadata {
        access_token_signing_alg,
        introspection_audiences,
        token_exchange,
        require_second_factor,
        self_registered,
        described_at,
        deputies,
        later,
        openid,
        authentication: _,
        requests: _,
        pages: _,
        require_pushed_authorization_requests: _,
        introspection_signed_response_alg: _,
        dpop_bound_access_tokens: _,
        tls_client_certificate_bound_access_tokens: _,
    } = base.client_metadata;
    base.client_metadata = ClientMetadata {
        access_token_signing_alg,
        introspection_audiences,
        token_exchange,
        require_second_factor,
        self_registered,
        described_at,
        deputies,
        later,
        openid: OpenIdMetadata {
            sector_identifier_uri: openid.sector_identifier_uri,
            ..OpenIdMetadata::default()
        },
        ..ClientMetadata::default()
    };
    base
}

/// The name of a member of the management API in RFC 7591.
pub(crate) fn member(field: &str) -> String {
    let field = field.strip_prefix("openid.").unwrap_or(field);
    let field = field.replace("tlsClientAuth.", "tlsClientAuth_");
    let field = field.as_str();
    let (name, index) = field.find('[').map_or((field, ""), |at| field.split_at(at));
    let name = match name {
        "name" => "client_name".to_owned(),
        "redirectUrls" => "redirect_uris".to_owned(),
        "logoUrl" => "logo_uri".to_owned(),
        "scopes" => "scope".to_owned(),
        "clientType" => "token_endpoint_auth_method".to_owned(),
        "tlsClientAuth" => ONE_CERTIFICATE_NAME.to_owned(),
        other => other.chars().fold(String::new(), |mut snake, character| {
            if character.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(character.to_ascii_lowercase());
            snake
        }),
    };
    format!("{name}{index}")
}
