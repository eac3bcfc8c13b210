//! The arguments of `sluicegate application`.

use clap::{ArgGroup, Args};
use domain::id::ApplicationId;
use oauth::application::{OpenIdMetadata, TokenExchangePolicy};
use oauth::jwt::{Object, parse_object};
use oauth::registration::{ApplicationPayload, CertificateNamePayload};

use crate::arguments::ShowArgs;
use crate::arguments::{InstallationArgs, whole_number};

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only applications of this user
    #[arg(long, value_name = "USER")]
    pub(super) owner: Option<String>,
    #[command(flatten)]
    pub(super) shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    pub(super) id: ApplicationId,
    #[command(flatten)]
    pub(super) shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Ended {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    pub(super) id: ApplicationId,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

pub(crate) fn parse_id(text: &str) -> Result<ApplicationId, String> {
    text.parse().map_err(|_| "an id is a whole number, which `application list` shows".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The application's name, 1 to 128 characters
    pub(super) name: String,
    /// A description for people, at most 256 characters
    #[arg(long, default_value = "")]
    pub(super) description: String,
    #[command(flatten)]
    pub(super) details: Details,
    /// The application runs on its user's device and cannot keep a secret
    #[arg(long)]
    pub(super) public: bool,
    /// The user who owns the application
    #[arg(long, value_name = "USER")]
    pub(super) owner: Option<String>,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

/// The arguments of [`Update`] that change something, besides those of [`super::requests`].
const CHANGES: [&str; 23] = [
    "name",
    "description",
    "redirect_urls",
    "grant_types",
    "scopes",
    "profile",
    "access_token_lifetime",
    "contacts",
    "logo_url",
    "cors_origins",
    "token_format",
    "access_token_signing_alg",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "introspection_signed_response_alg",
    "introspection_audiences",
    "dpop_bound_access_tokens",
    "tls_client_auth",
    "tls_client_certificate_bound_access_tokens",
    "openid",
    "token_exchange",
];

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(CHANGES).args(super::requests::CHANGES).required(true).multiple(true)),
    override_usage = "sluicegate application update [OPTIONS] <ID>"
)]
pub(crate) struct Update {
    /// The application's id, as `application list` shows it
    #[arg(value_parser = parse_id)]
    pub(super) id: ApplicationId,
    /// The new name, 1 to 128 characters
    #[arg(long)]
    pub(super) name: Option<String>,
    /// A description for people, at most 256 characters
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) details: Details,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

/// The arguments for both new and existing applications. A list replaces the previous one.
#[derive(Debug, Args)]
pub(crate) struct Details {
    /// A URL to which a user's browser may be redirected; may be given several times
    #[arg(long = "redirect-url", value_name = "URL")]
    pub(super) redirect_urls: Vec<String>,
    /// A way to obtain tokens; may be given several times: `authorization_code`, `refresh_token`, `password`,
    /// `client_credentials`, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange,
    /// urn:ietf:params:oauth:grant-type:jwt-bearer or urn:openid:params:grant-type:ciba [default: the first three, except
    /// that public applications and stricter profiles have no `password`]
    #[arg(long = "grant-type", value_name = "TYPE")]
    pub(super) grant_types: Vec<String>,
    /// A scope that tokens may have; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
    /// The profile: compatible, oauth21 or fapi2
    #[arg(long)]
    pub(super) profile: Option<String>,
    /// The lifetime of its access tokens in seconds
    #[arg(long, value_name = "SECONDS", value_parser = whole_number)]
    pub(super) access_token_lifetime: Option<i64>,
    /// A contact for questions about it; may be given several times, and an empty one removes all
    #[arg(long = "contact", value_name = "ADDRESS")]
    pub(super) contacts: Vec<String>,
    /// The URL of its logo; an empty one removes the logo
    #[arg(long, value_name = "URL")]
    pub(super) logo_url: Option<String>,
    /// The origin of its web pages, besides those of its redirect URLs; may be given several times, and an empty one
    /// removes all
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub(super) cors_origins: Vec<String>,
    /// The form of its access tokens: opaque or jwt
    #[arg(long, value_name = "FORMAT")]
    pub(super) token_format: Option<String>,
    /// The algorithm that signs its access tokens: EdDSA, ES256, RS256 or PS256
    #[arg(long, value_name = "ALG")]
    pub(super) access_token_signing_alg: Option<String>,
    /// How it authenticates: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `private_key_jwt`,
    /// `tls_client_auth`, `self_signed_tls_client_auth`, `attest_jwt_client_auth` or none
    #[arg(long, value_name = "METHOD")]
    pub(super) token_endpoint_auth_method: Option<String>,
    /// The only algorithm of its assertions: EdDSA, ES256, RS256, PS256, ES384, ES512, RS384, RS512, PS384 or PS512;
    /// HS256 with `client_secret_jwt`
    #[arg(long, value_name = "ALG")]
    pub(super) token_endpoint_auth_signing_alg: Option<String>,
    /// Its public keys as a JSON Web Key Set, which replace the previous ones
    #[arg(long, value_name = "JSON", value_parser = object)]
    pub(super) jwks: Option<Object>,
    /// The https address of its public keys, which the server fetches; it replaces `--jwks`
    #[arg(long, value_name = "URL")]
    pub(super) jwks_uri: Option<String>,
    /// The algorithm that signs what the server says about tokens to it: EdDSA, ES256, RS256 or PS256
    #[arg(long, value_name = "ALG")]
    pub(super) introspection_signed_response_alg: Option<String>,
    /// The identifier of a resource server for which it introspects, so that it learns of access tokens for these only; may be
    /// given several times, and an empty one removes all
    #[arg(long = "introspection-audience", value_name = "IDENTIFIER")]
    pub(super) introspection_audiences: Vec<String>,
    /// Whether its token requests need a `DPoP` proof: true or false
    #[arg(long, value_name = "BOOL")]
    pub(super) dpop_bound_access_tokens: Option<bool>,
    /// The name in its certificate as a JSON object with `subjectDn`, `sanDns`, `sanUri`, `sanIp` or `sanEmail`; an empty one
    /// removes the name
    #[arg(long, value_name = "JSON", value_parser = certificate_name)]
    pub(super) tls_client_auth: Option<CertificateNamePayload>,
    /// Whether its tokens are bound to its certificate: true or false
    #[arg(long, value_name = "BOOL")]
    pub(super) tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Its members of OpenID Connect as a JSON object with the names of the management API, such as
    /// {"subjectType":"pairwise"}; they replace the previous ones
    #[arg(long, value_name = "JSON", value_parser = openid)]
    pub(super) openid: Option<OpenIdMetadata>,
    /// Which tokens it may exchange, as a JSON object with clients, impersonation, delegation, scopes and resources
    #[arg(long, value_name = "JSON", value_parser = token_exchange)]
    pub(super) token_exchange: Option<TokenExchangePolicy>,
    #[command(flatten)]
    pub(super) requests: super::requests::RequestArgs,
}

impl Details {
    pub(super) fn payload(&self, name: String, description: String) -> ApplicationPayload {
        let listed = |values: &Vec<String>| match values.as_slice() {
            [] => None,
            [only] if only.is_empty() => Some(Vec::new()),
            _ => Some(values.clone()),
        };
        ApplicationPayload {
            name: Some(name),
            description: Some(description),
            redirect_urls: listed(&self.redirect_urls),
            profile: self.profile.clone(),
            grant_types: listed(&self.grant_types),
            scopes: listed(&self.scopes),
            access_token_lifetime: self.access_token_lifetime,
            contacts: listed(&self.contacts),
            logo_url: self.logo_url.clone(),
            cors_origins: listed(&self.cors_origins),
            token_format: self.token_format.clone(),
            access_token_signing_alg: self.access_token_signing_alg.clone(),
            token_endpoint_auth_method: self.token_endpoint_auth_method.clone(),
            token_endpoint_auth_signing_alg: self.token_endpoint_auth_signing_alg.clone(),
            jwks: self.jwks.clone(),
            jwks_uri: self.jwks_uri.clone(),
            introspection_signed_response_alg: self.introspection_signed_response_alg.clone(),
            introspection_audiences: listed(&self.introspection_audiences),
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            tls_client_auth: self.tls_client_auth.clone(),
            tls_client_certificate_bound_access_tokens: self.tls_client_certificate_bound_access_tokens,
            openid: self.openid.clone(),
            token_exchange: self.token_exchange.clone(),
            requests: self.requests.payload(),
            ..ApplicationPayload::default()
        }
    }
}

impl Register {
    pub(super) fn payload(&self) -> ApplicationPayload {
        let payload = self.details.payload(self.name.clone(), self.description.clone());
        ApplicationPayload {
            redirect_urls: Some(self.details.redirect_urls.clone()),
            client_type: self.public.then(|| "public".to_owned()),
            ..payload
        }
    }
}

fn object(text: &str) -> Result<Object, &'static str> {
    parse_object(text.as_bytes()).ok_or("is not a JSON object with distinct members")
}

/// Members with the names of the specifications, such as `subject_type`, are accepted too.
fn openid(text: &str) -> Result<OpenIdMetadata, String> {
    let given = object(text)?;
    let named: Object = given.into_iter().map(|(name, value)| (camel_case(&name), value)).collect();
    web::parse_openid_members(&serde_json::Value::from(named).to_string())
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut text, part| {
        let mut characters = part.chars();
        text.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(characters.as_str());
        text
    })
}

fn certificate_name(text: &str) -> Result<CertificateNamePayload, String> {
    serde_json::from_value(object(text)?.into()).map_err(|error| error.to_string())
}

fn token_exchange(text: &str) -> Result<TokenExchangePolicy, String> {
    serde_json::from_value(object(text)?.into()).map_err(|error| error.to_string())
}
