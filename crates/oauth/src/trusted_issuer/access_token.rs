//! Access tokens of an issuer, presented for data ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).

use domain::time::Timestamp;

use super::claims::{is_constrained, is_of, scopes};
use super::{IssuerSettings, Purpose, Subject, TrustedIssuer, subject_of};
use crate::jwt::{Claims, TimeRules};
use crate::resource::{self, ServerUrls};
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};

/// A token is valid for a day at most; `iat` is required ([RFC 9068
/// §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)).
const TIMES: TimeRules =
    TimeRules { expiry_required: true, most_lifetime_secs: 86_400, most_age_secs: Some(86_400) };

const TYPED: &[Option<&str>] = &[Some("at+jwt")];
const UNTYPED: &[Option<&str>] = &[Some("at+jwt"), Some("jwt"), None];

/// The accepted values of `typ`.
pub fn token_types(settings: &IssuerSettings) -> &'static [Option<&'static str>] {
    if settings.untyped_access_tokens { UNTYPED } else { TYPED }
}

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct TokenFacts<'a> {
    /// The issuer whose key has signed the token.
    pub trusted: &'a TrustedIssuer,
    /// The URLs of this server.
    pub urls: ServerUrls<'a>,
    /// The scopes that exist here.
    pub scopes: &'a ScopeRegistry,
    /// The current time.
    pub now: Timestamp,
}

/// What an access token gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedToken {
    /// The user on whose behalf it acts.
    pub subject: Subject,
    /// The scopes, without those that are not about data.
    pub scopes: ScopeSet,
    /// The resources of this server to which it is limited.
    pub resources: Vec<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// `auth_time`: when the user signed in at the issuer, if the token says so. Malformed and future times are
    /// ignored.
    pub signed_in_at: Option<Timestamp>,
}

/// Judges the claims of an access token whose signature a key of the issuer verifies; `None` if it is not accepted.
pub fn accept_access_token(claims: &Claims, facts: TokenFacts<'_>) -> Option<AcceptedToken> {
    let settings = &facts.trusted.settings;
    let trusted = is_of(claims, facts.trusted) && settings.has(Purpose::AccessToken);
    if !trusted || is_constrained(claims) || claims.times_hold(facts.now, TIMES).is_err() {
        return None;
    }
    if !client_is_accepted(claims, settings) {
        return None;
    }
    Some(AcceptedToken {
        subject: subject_of(claims, settings)?,
        scopes: data_scopes(claims, facts)?,
        resources: audience_is_here(claims, facts)?,
        issued_at: claims.time("iat").ok()??,
        signed_in_at: claims.past_time("auth_time", facts.now),
    })
}

/// The client of the token: `client_id` ([RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)), or `azp`, as
/// other issuers write it.
fn client_is_accepted(claims: &Claims, settings: &IssuerSettings) -> bool {
    let client = ["client_id", "azp"].into_iter().find_map(|name| claims.get(name)?.as_str());
    settings.accepts_client(client.unwrap_or_default())
}

/// "The resource server MUST validate that the `aud` claim contains a resource indicator value corresponding to an identifier
/// the resource server expects for itself" ([RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)). The issuer may
/// name fewer resources than there are.
fn audience_is_here(claims: &Claims, facts: TokenFacts<'_>) -> Option<Vec<String>> {
    let audiences = claims.audiences().ok()?;
    let ours = |audience: &str| {
        let rest = audience.strip_prefix(facts.urls.public);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && resource_is_allowed(audience, &facts.trusted.settings, facts.urls.public)
    };
    // The normal form is compared, because dot segments and escapes would lead out of what is allowed.
    let normal = audiences.into_iter().filter_map(resource::normal_form);
    let normal = normal.map(|audience| facts.urls.at_public_url(&audience).into_owned());
    let normal = normal.filter(|audience| ours(audience));
    let normal: Vec<String> = normal.take(resource::MOST_RESOURCES).collect();
    (!normal.is_empty()).then_some(normal)
}

/// Whether the issuer may name the resource: it is one of its list, or lies below one. Without a list, all of this server
/// are.
pub(crate) fn resource_is_allowed(resource: &str, settings: &IssuerSettings, public_url: &str) -> bool {
    let below = |whole: &str| {
        let rest = resource.strip_prefix(whole.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if settings.resources.is_empty() {
        return below(public_url);
    }
    settings.resources.iter().any(|allowed| below(allowed))
}

/// Only what concerns data: an issuer administers nothing here. The token must name its scopes.
fn data_scopes(claims: &Claims, facts: TokenFacts<'_>) -> Option<ScopeSet> {
    let settings = &facts.trusted.settings;
    let named = scopes(claims, settings).ok()??;
    let allowed = |name: &&String| settings.scopes.is_empty() || settings.scopes.contains(name);
    let known = named.iter().filter(allowed).filter_map(|name| facts.scopes.named(name).ok());
    let given: ScopeSet = known.map(|scope| scope.id).collect();
    let data = BuiltInScope::OF_ODATA.into_iter().collect();
    Some(given.intersection(&data))
}
