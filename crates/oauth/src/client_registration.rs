//! Dynamic client registration: clients register themselves ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)) and
//! manage their registration ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)).
//!
//! The settings follow the rules of every registration ([`crate::registration`]); only the names of the members differ.
//! What a client asks for beyond what the policy allows is left out, and the answer says what it got. What would make
//! it unsafe or useless is refused.

use crate::application::{
    AcceptedCertificates, ApplicationSettings, AuthenticationMethod, ClientType, GrantType, Profile,
    SelfRegistered,
};
use crate::client_members::{Members, further, without_own_members};
use crate::jwt::Object;
use crate::oidc::sector;
use crate::reachable::Reachable;
use crate::redirect::{AllowedSchemes, PrivateUseScheme};
use crate::registration::{self, ApplicationPayload, RegistrationContext};
use crate::scope::ScopeRegistry;
use client_statement::ClientStatement;
use redirect_uris::Wanted;

mod client_statement;
mod fault;
mod information;
mod initial_access_token;
mod policy;
mod redirect_uris;
mod software_statement;
mod words;

pub use fault::MetadataFault;
pub use information::client_information;
pub use initial_access_token::{
    DEFAULT_TOKEN_LIFETIME_SECS, InitialAccessToken, InitialAccessTokenDraft, InitialAccessTokenFault,
    InitialAccessTokenTerms, LONGEST_TOKEN_DESCRIPTION, LONGEST_TOKEN_LIFETIME_SECS, MOST_TOKEN_USES,
    initial_access_token,
};
pub use policy::{ClientPolicy, may_register};
pub use software_statement::{STATEMENT_TYPES, SoftwareStatement, StatementFacts, software_statement};

/// What the rules must know besides the members.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The scopes that exist.
    pub scopes: &'a ScopeRegistry,
    /// What clients that register themselves may have.
    pub policy: &'a ClientPolicy,
    /// The most permissive profile that the server accepts.
    pub minimum_profile: Profile,
    /// The software statement among the members, which somebody has verified.
    pub statement: Option<&'a SoftwareStatement>,
    /// The addresses to which the server connects.
    pub reachable: Reachable,
    /// The private-use schemes without a dot that redirect URIs of public clients may have.
    pub private_use_schemes: &'a [PrivateUseScheme],
    /// The certificates of clients that the server accepts.
    pub certificates: AcceptedCertificates,
    /// Whether a trusted attester may attest the instances of the client.
    pub attestable: bool,
    /// The current settings, if the client replaces them.
    pub existing: Option<&'a ApplicationSettings>,
}

/// The settings of a client that registers itself, or that replaces its registration. Members that the server does not
/// understand, and those that are `null`, count as absent ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)).
///
/// # Errors
/// [`MetadataFault`].
pub fn decide(members: &Object, facts: Facts<'_>) -> Result<ApplicationSettings, MetadataFault> {
    statement_is_there_if_needed(facts)?;
    let merged = facts.statement.map(|statement| statement.merged(members));
    let members = Members::of(merged.as_ref().unwrap_or(members));
    let method = method(&members, facts)?;
    bound_tokens_can_be_obtained(&members, facts.certificates)?;
    let base = facts.existing.map(without_own_members);
    let client_type = client_type(method);
    way_to_authenticate_is_kept(method, facts)?;
    let profile = profile(facts);
    let grant_types = grant_types(&members, facts, profile, client_type)?;
    let uses_browser = grant_types.contains(&GrantType::AuthorizationCode);
    response_types_fit(&members, uses_browser)?;
    let statement = ClientStatement::by(&members)?;
    let wanted = Wanted {
        application_type: statement.application_type,
        is_required: uses_browser,
        profile,
        schemes: AllowedSchemes { listed: facts.private_use_schemes, client_type },
    };
    let (redirect_urls, application_type) = redirect_uris::decide(&members, wanted, facts.policy)?;
    let name = members.text("client_name")?.map(str::to_owned);
    let payload = ApplicationPayload {
        name: Some(name.unwrap_or_else(|| redirect_uris::host_of_first(&redirect_urls))),
        // Omitted, it would be deleted.
        description: base.as_ref().map(|base| base.description.clone()),
        redirect_urls: Some(redirect_urls),
        profile: Some(profile.as_str().to_owned()),
        grant_types: Some(grant_types.iter().map(|grant| grant.as_str().to_owned()).collect()),
        scopes: scopes(&members, facts)?,
        client_type: Some(client_type.as_str().to_owned()),
        token_endpoint_auth_method: Some(method.as_str().to_owned()),
        ..further(&members)?
    };
    let context = RegistrationContext {
        permissions: &[],
        scopes: facts.scopes,
        default_profile: profile,
        minimum_profile: facts.minimum_profile,
        reachable: facts.reachable,
        private_use_schemes: facts.private_use_schemes,
        certificates: facts.certificates,
        attestable: facts.attestable,
        existing: base.as_ref(),
    };
    let (mut settings, _) =
        registration::decide(&payload, context).map_err(|faults| MetadataFault::of(&faults))?;
    sector_can_be_proved(&settings)?;
    let software_statement = facts.statement.map(|statement| statement.text().to_owned());
    settings.client_metadata.self_registered =
        Some(SelfRegistered { application_type, software_statement, ..statement.about });
    Ok(settings)
}

/// A client that registered with a statement must keep one; otherwise the client could replace what the issuer
/// certified.
fn statement_is_there_if_needed(facts: Facts<'_>) -> Result<(), MetadataFault> {
    let existing = facts.existing.and_then(|existing| existing.client_metadata.self_registered.as_ref());
    let has_one = existing.is_some_and(|registered| registered.software_statement.is_some());
    if facts.statement.is_none() && (facts.policy.requires_software_statement || has_one) {
        return Err(MetadataFault::metadata("software_statement is required"));
    }
    Ok(())
}

/// A client must not learn the subjects of a sector to which it does not belong. The caller reads the document of the sector.
/// With a grant type that an administrator has added, the client is a sector of its own all the same.
fn sector_can_be_proved(settings: &ApplicationSettings) -> Result<(), MetadataFault> {
    let is_named = settings.client_metadata.openid.sector_identifier_uri.is_some();
    let registered = |grant: &&GrantType| may_register(**grant, settings.profile);
    let grant_types = settings.grant_types.iter().filter(registered);
    if is_named && !sector::tokens_come_by_redirects_to_sites(grant_types, &settings.redirect_urls) {
        return Err(MetadataFault::metadata(
            "sector_identifier_uri needs redirect_uris that are all https, and no grant_types but authorization_code and \
             refresh_token",
        ));
    }
    Ok(())
}

/// "If unspecified or omitted, the default is `client_secret_basic`" ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2)). A method that is unknown, or that does not work at this server, is
/// refused, not replaced by a weaker one.
fn method(members: &Members<'_>, facts: Facts<'_>) -> Result<AuthenticationMethod, MetadataFault> {
    let Some(name) = members.text("token_endpoint_auth_method")? else {
        return Ok(AuthenticationMethod::ClientSecretBasic);
    };
    let works = |method: &AuthenticationMethod| method.works_with(facts.certificates, facts.attestable);
    let mut working = AuthenticationMethod::ALL.into_iter().filter(works);
    working.clone().find(|method| method.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = working.by_ref().map(AuthenticationMethod::as_str).collect();
        MetadataFault::metadata(format!("token_endpoint_auth_method must be one of {}", names.join(", ")))
    })
}

/// Without a certificate no such token is issued.
fn bound_tokens_can_be_obtained(
    members: &Members<'_>,
    certificates: AcceptedCertificates,
) -> Result<(), MetadataFault> {
    let asked = members.boolean("tls_client_certificate_bound_access_tokens")?;
    if asked == Some(true) && certificates == AcceptedCertificates::None {
        let description = "tls_client_certificate_bound_access_tokens cannot be true: this server does not ask for \
                           certificates";
        return Err(MetadataFault::metadata(description));
    }
    Ok(())
}

fn client_type(method: AuthenticationMethod) -> ClientType {
    if method == AuthenticationMethod::None { ClientType::Public } else { ClientType::Confidential }
}

/// A client that would need a secret, or none any more, registers again: what users allowed rests on the way in which it
/// authenticates.
fn way_to_authenticate_is_kept(method: AuthenticationMethod, facts: Facts<'_>) -> Result<(), MetadataFault> {
    use AuthenticationMethod::{ClientSecretBasic, ClientSecretPost};

    let Some(existing) = facts.existing else { return Ok(()) };
    let is_secret = |method| matches!(method, ClientSecretBasic | ClientSecretPost);
    let before = existing.client_metadata.authentication.token_endpoint_auth_method;
    let before = before.unwrap_or(ClientSecretBasic);
    let is_kept = before == method || is_secret(before) && is_secret(method);
    if is_kept {
        Ok(())
    } else {
        Err(MetadataFault::metadata(
            "token_endpoint_auth_method cannot change between a secret, client_secret_jwt, a key, an attestation and none; register \
             again",
        ))
    }
}

/// Clients that register themselves are strict, like those with a document.
fn profile(facts: Facts<'_>) -> Profile {
    let strict = facts.minimum_profile.max(Profile::OAuth21);
    facts.existing.map_or(strict, |existing| existing.profile.max(strict))
}

/// The grant types that the policy allows, and among them only those of public clients, even for a client with a
/// secret: the others act for the owner of the application or on trust of an administrator, and it has neither. Those
/// that an administrator has given stay.
fn grant_types(
    members: &Members<'_>,
    facts: Facts<'_>,
    profile: Profile,
    client_type: ClientType,
) -> Result<Vec<GrantType>, MetadataFault> {
    let asked = members.texts("grant_types")?;
    let asked = asked.unwrap_or_else(|| vec![GrantType::AuthorizationCode.as_str()]);
    let mut usable: Vec<GrantType> = asked.into_iter().filter_map(GrantType::find).collect();
    usable.retain(|grant| facts.policy.grant_types.contains(grant) && policy::may_register(*grant, profile));
    let before = facts.existing.map_or(&[][..], |existing| &existing.grant_types);
    let is_given = |grant: &&GrantType| {
        !policy::may_register(**grant, profile) && grant.barriers(profile, client_type).next().is_none()
    };
    usable.extend(before.iter().filter(is_given));
    usable.sort_unstable();
    usable.dedup();
    if usable.is_empty() {
        return Err(MetadataFault::metadata("grant_types names none that this server allows such a client"));
    }
    Ok(usable)
}

/// `code` belongs to `authorization_code` ([RFC 7591 §2.1](https://www.rfc-editor.org/rfc/rfc7591#section-2.1)); other
/// response types are left out.
fn response_types_fit(members: &Members<'_>, uses_browser: bool) -> Result<(), MetadataFault> {
    let asked = members.texts("response_types")?;
    let has_code = asked.is_none_or(|types| types.contains(&"code"));
    if has_code || !uses_browser {
        Ok(())
    } else {
        Err(MetadataFault::metadata("response_types must contain code for the grant type authorization_code"))
    }
}

/// The scopes that the policy allows, and of these the ones that the client names if it names any. Without `scope`, a
/// replaced registration keeps its scopes.
fn scopes(members: &Members<'_>, facts: Facts<'_>) -> Result<Option<Vec<String>>, MetadataFault> {
    let asked = members.text("scope")?;
    if asked.is_none() && facts.existing.is_some() {
        return Ok(None);
    }
    let asked: Option<Vec<&str>> =
        asked.map(|scope| scope.split(' ').filter(|name| !name.is_empty()).collect());
    Ok(Some(facts.policy.scopes(facts.scopes, asked.as_deref(), facts.existing)))
}

#[cfg(test)]
mod tests;
