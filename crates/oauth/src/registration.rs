//! Registering and updating an application: all faults of a payload at once, in words on which the sender can
//! act.

use std::fmt;

use crate::application::{AcceptedCertificates, ApplicationSettings, ClientMetadata, ClientType, Profile};
use crate::reachable::Reachable;
use crate::redirect::{AllowedSchemes, PrivateUseScheme};
use crate::scope::ScopeRegistry;
use domain::account::Permission;
use domain::limit::Limit;

mod access_tokens;
mod authentication;
mod certificate;
mod cors_origins;
mod grant_types;
mod introspection_audiences;
mod openid;
mod outbound_addresses;
mod payload;
mod profile_demands;
mod redirect_urls;
mod requests;
mod scopes;
mod texts;
mod token_exchange;

pub use payload::{ApplicationPayload, CertificateNamePayload};
pub use requests::RequestPayload;

/// A fault of a member in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// The member, such as `redirectUrls[1]`.
    pub field: String,
    /// What is wrong and what would be right, to follow the name of the member.
    pub message: String,
    /// Whether the value is well-formed, and the sender lacks the right to it.
    pub lacks_right: bool,
}

impl InvalidField {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), lacks_right: false }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// A warning about a member in a payload that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The member, such as `redirectUrls[1]`.
    pub field: String,
    /// The warning, to follow the name of the member.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// What the rules must know besides the payload.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationContext<'a> {
    /// The permissions of the sender.
    pub permissions: &'a [Permission],
    /// The scopes that exist.
    pub scopes: &'a ScopeRegistry,
    /// The profile of applications that do not set one.
    pub default_profile: Profile,
    /// The most permissive profile that the server accepts.
    pub minimum_profile: Profile,
    /// The private-use schemes without a dot that redirect URLs of public applications may have.
    pub private_use_schemes: &'a [PrivateUseScheme],
    /// The certificates of clients that the server accepts.
    pub certificates: AcceptedCertificates,
    /// Whether a trusted attester may attest the instances of the application.
    pub attestable: bool,
    /// The addresses to which the server connects.
    pub reachable: Reachable,
    /// The current settings, if this is an update.
    pub existing: Option<&'a ApplicationSettings>,
}

/// Settings that may be stored, with warnings about them; or all faults.
pub type JudgedRegistration = Result<(ApplicationSettings, Vec<Warning>), Vec<InvalidField>>;

/// Checks a payload against every rule. `name`, `description` and `redirectUrls` are replaced; every other
/// omitted member keeps its value or gets its default.
///
/// # Errors
/// All faults.
pub fn decide(payload: &ApplicationPayload, context: RegistrationContext<'_>) -> JudgedRegistration {
    let mut findings = Findings::default();
    let profile = profile(payload, context, &mut findings);
    let client_type = client_type(payload, context, &mut findings);
    let grant_types = grant_types::decide(payload, context, profile, client_type, &mut findings);
    let schemes = AllowedSchemes { listed: context.private_use_schemes, client_type };
    let mut settings = ApplicationSettings {
        name: texts::name(payload, context, &mut findings),
        description: texts::description(payload, context, &mut findings),
        redirect_urls: redirect_urls::decide(payload, (profile, schemes), &grant_types, &mut findings),
        profile,
        client_type,
        grant_types,
        scopes: scopes::decide(payload, context, &mut findings),
        token_format: access_tokens::format(payload, context, &mut findings),
        access_token_lifetime_secs: lifetime(payload, context, &mut findings),
        contacts: texts::contacts(payload, context, &mut findings),
        logo_url: texts::logo_url(payload, context, &mut findings),
        cors_origins: cors_origins::decide(payload, context, profile, &mut findings),
        client_metadata: client_metadata(payload, context, client_type, &mut findings),
    };
    settings.client_metadata.openid = openid::decide(payload, context, &settings, &mut findings);
    profile_demands::check(&settings, &mut findings);
    outbound_addresses::check(&settings, context, &mut findings);
    if findings.faults.is_empty() { Ok((settings, findings.warnings)) } else { Err(findings.faults) }
}

/// The members beyond those of Hybrid Data Pipeline.
fn client_metadata(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    client_type: ClientType,
    findings: &mut Findings,
) -> ClientMetadata {
    let existing = context.existing.map(|existing| existing.client_metadata.clone()).unwrap_or_default();
    let decided = ClientMetadata {
        access_token_signing_alg: access_tokens::signing_alg(payload, &existing, findings),
        introspection_signed_response_alg: access_tokens::introspection_signing_alg(
            payload, &existing, findings,
        ),
        introspection_audiences: introspection_audiences::decide(payload, context, findings),
        token_exchange: token_exchange::decide(payload, context, findings),
        authentication: authentication::decide(payload, client_type, &existing.authentication, findings),
        dpop_bound_access_tokens: payload
            .dpop_bound_access_tokens
            .unwrap_or(existing.dpop_bound_access_tokens),
        require_pushed_authorization_requests: payload
            .requests
            .require_pushed_authorization_requests
            .unwrap_or(existing.require_pushed_authorization_requests),
        require_second_factor: payload
            .requests
            .require_second_factor
            .unwrap_or(existing.require_second_factor),
        requests: requests::decide(&payload.requests, &existing, findings),
        tls_client_certificate_bound_access_tokens: payload
            .tls_client_certificate_bound_access_tokens
            .unwrap_or(existing.tls_client_certificate_bound_access_tokens),
        pages: texts::pages(payload, &existing, findings),
        ..existing
    };
    certificate::tokens_have_one_binding(&decided, findings);
    certificate::warn_if_not_accepted(payload, &decided, context, findings);
    authentication::warn_if_nobody_attests(payload, &decided.authentication, context, findings);
    decided
}

/// The faults and warnings found so far.
#[derive(Debug, Default)]
struct Findings {
    faults: Vec<InvalidField>,
    warnings: Vec<Warning>,
}

impl Findings {
    fn fault(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(InvalidField::new(field, message));
    }

    fn forbid(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(InvalidField { lacks_right: true, ..InvalidField::new(field, message) });
    }

    fn warn(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Warning { field: field.into(), message: message.into() });
    }
}

fn profile(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> Profile {
    let unchanged = context.existing.map_or(context.default_profile, |existing| existing.profile);
    let asked = match payload.profile.as_deref() {
        None => unchanged,
        Some(name) => {
            let Some(profile) = Profile::find(name) else {
                findings.fault("profile", "must be compatible, oauth21 or fapi2");
                return unchanged;
            };
            profile
        }
    };
    if asked < context.minimum_profile {
        let least = context.minimum_profile.as_str();
        findings.fault("profile", format!("is {}; this server accepts {least} or stricter", asked.as_str()));
    }
    asked
}

fn client_type(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> ClientType {
    let existing = context.existing.map(|existing| existing.client_type);
    let asked = match payload.client_type.as_deref() {
        None => return existing.unwrap_or(ClientType::Confidential),
        Some("confidential") => ClientType::Confidential,
        Some("public") => ClientType::Public,
        Some(_) => {
            findings.fault("clientType", "must be confidential or public");
            return existing.unwrap_or(ClientType::Confidential);
        }
    };
    if existing.is_some_and(|existing| existing != asked) {
        findings.fault("clientType", "cannot change; register another application");
    }
    asked
}

fn lifetime(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) -> Option<u32> {
    let Some(asked) = payload.access_token_lifetime else {
        return context.existing.and_then(|existing| existing.access_token_lifetime_secs);
    };
    let range = Limit::OAuthAccessTokenLifetime.range();
    let seconds = u32::try_from(asked).ok().filter(|seconds| range.contains(&i64::from(*seconds)));
    if seconds.is_none() {
        let (least, most) = range.into_inner();
        findings.fault("accessTokenLifetime", format!("is {asked}; it must be {least} to {most} seconds"));
    }
    seconds
}

#[cfg(test)]
mod tests;
