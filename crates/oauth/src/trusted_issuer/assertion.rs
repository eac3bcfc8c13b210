//! Assertions about users, for the grant `jwt-bearer`: identity assertions
//! ([ID-JAG](https://datatracker.ietf.org/doc/draft-ietf-oauth-identity-assertion-authz-grant/)) and those of [RFC 7523
//! §2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1).

use domain::time::Timestamp;

use super::claims::{is_constrained, is_of, only_audience, resources, scopes};
use super::{Audience, Purpose, Subject, TrustedIssuer, subject_of};
use crate::jwt::{Claims, JwtFault, TimeRules};
use crate::refusal::Refusal;

/// The longest lifetime and age, which bound how long used assertions are remembered.
pub(super) const TIMES: TimeRules =
    TimeRules { expiry_required: true, most_lifetime_secs: 3_600, most_age_secs: Some(3_600) };

/// How long an assertion is remembered after its expiry: the clock of another node may be behind.
pub(super) const REMEMBERED_SECS: i64 = 300;

/// The kind of an assertion, according to its `typ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// `oauth-id-jag+jwt`.
    Identity,
    /// Any other, as in RFC 7523.
    Plain,
}

impl GrantKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Identity, Self::Plain];

    /// The accepted values of `typ`. One kind is never taken for another ([RFC 8725
    /// §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)).
    pub const fn types(self) -> &'static [Option<&'static str>] {
        match self {
            Self::Identity => &[Some("oauth-id-jag+jwt")],
            Self::Plain => &[None, Some("jwt")],
        }
    }

    /// For what its issuer must be trusted.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Identity => Purpose::IdentityAssertion,
            Self::Plain => Purpose::JwtBearer,
        }
    }
}

/// The facts that are compared with the claims.
#[derive(Debug, Clone, Copy)]
pub struct AssertionFacts<'a> {
    /// The issuer whose key has signed the assertion.
    pub trusted: &'a TrustedIssuer,
    /// What it is, by its `typ`.
    pub kind: GrantKind,
    /// The issuer of this server.
    pub issuer: &'a str,
    /// The client id of the authenticated client that sends it.
    pub client: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// An assertion that says something about a user, unless it was used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedAssertion {
    /// The user.
    pub subject: Subject,
    /// `jti`, which the issuer must not repeat; `None` if the assertion is known by its content only.
    pub id: Option<String>,
    /// Until when its use must be remembered.
    pub remembered_until: Timestamp,
    /// The resources that it names.
    pub resources: Vec<String>,
    /// The names of the scopes that it gives at most; `None` if it names none.
    pub scopes: Option<Vec<String>>,
}

/// Judges the claims of an assertion whose signature a key of the issuer verifies.
///
/// # Errors
/// `invalid_grant` ([RFC 7523 §3.1](https://www.rfc-editor.org/rfc/rfc7523#section-3.1)).
pub fn accept_assertion(claims: &Claims, facts: AssertionFacts<'_>) -> Result<AcceptedAssertion, Refusal> {
    issuer_is_trusted_for_the_kind(claims, facts)?;
    audience_is_this_server_alone(claims, facts)?;
    claims.times_hold(facts.now, TIMES).map_err(of_times)?;
    client_is_the_one_that_is_named(claims, facts)?;
    client_is_accepted(facts)?;
    if is_constrained(claims) {
        return Err(Refusal::GrantAssertionConstrained);
    }
    let id = id(claims, facts.kind)?;
    let resources = named_resources(claims, facts.kind)?;
    let scopes = scopes(claims, &facts.trusted.settings).map_err(|()| Refusal::GrantAssertionUnverified)?;
    let expiry = claims.time("exp").map_err(of_times)?.ok_or(Refusal::GrantAssertionExpired)?;
    claims.required_text("sub").map_err(|_| Refusal::GrantAssertionOfUnknownUser)?;
    let subject = subject_of(claims, &facts.trusted.settings).ok_or(Refusal::GrantAssertionOfUnknownUser)?;
    Ok(AcceptedAssertion {
        subject,
        id,
        remembered_until: expiry.plus_secs(REMEMBERED_SECS),
        resources,
        scopes,
    })
}

/// `iss` "contains a unique identifier for the entity that issued the JWT" ([RFC 7523
/// §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 1).
fn issuer_is_trusted_for_the_kind(claims: &Claims, facts: AssertionFacts<'_>) -> Result<(), Refusal> {
    let trusted = is_of(claims, facts.trusted) && facts.trusted.settings.has(facts.kind.purpose());
    if trusted { Ok(()) } else { Err(Refusal::GrantAssertionUntrusted) }
}

/// "The authorization server MUST reject any JWT that does not contain its own identity as the intended audience" ([RFC 7523
/// §3](https://www.rfc-editor.org/rfc/rfc7523#section-3), item 3). An assertion for several servers could be presented by
/// one of them to another.
fn audience_is_this_server_alone(claims: &Claims, facts: AssertionFacts<'_>) -> Result<(), Refusal> {
    let given = only_audience(claims);
    let agreed = match (facts.kind, facts.trusted.settings.audience) {
        (GrantKind::Identity, _) | (GrantKind::Plain, Audience::Issuer) => given == Some(facts.issuer),
        (GrantKind::Plain, Audience::TokenEndpoint) => is_token_endpoint(given, facts.issuer),
    };
    if agreed { Ok(()) } else { Err(Refusal::GrantAssertionForAnotherServer) }
}

/// Whether the audience is the token endpoint of the server with this issuer.
pub(super) fn is_token_endpoint(audience: Option<&str>, issuer: &str) -> bool {
    audience.and_then(|audience| audience.strip_prefix(issuer)) == Some("/oauth2/token")
}

/// The `client_id` of an identity assertion is that of the client that presents it; another assertion need not have one.
fn client_is_the_one_that_is_named(claims: &Claims, facts: AssertionFacts<'_>) -> Result<(), Refusal> {
    let named = claims.text("client_id").map_err(|_| Refusal::GrantAssertionForAnotherClient)?;
    match (facts.kind, named) {
        (_, Some(named)) if named == facts.client => Ok(()),
        (GrantKind::Plain, None) => Ok(()),
        _ => Err(Refusal::GrantAssertionForAnotherClient),
    }
}

fn client_is_accepted(facts: AssertionFacts<'_>) -> Result<(), Refusal> {
    let accepted = facts.trusted.settings.accepts_client(facts.client);
    if accepted { Ok(()) } else { Err(Refusal::GrantAssertionOfUnknownClient) }
}

fn id(claims: &Claims, kind: GrantKind) -> Result<Option<String>, Refusal> {
    match (kind, claims.get("jti")) {
        (GrantKind::Plain, None) => Ok(None),
        _ => claims
            .required_text("jti")
            .map(|id| Some(id.to_owned()))
            .map_err(|_| Refusal::GrantAssertionWithoutId),
    }
}

fn named_resources(claims: &Claims, kind: GrantKind) -> Result<Vec<String>, Refusal> {
    match (kind, resources(claims)) {
        (GrantKind::Identity, Ok(none)) if none.is_empty() => Err(Refusal::GrantAssertionWithoutResource),
        (_, named) => named.map_err(|()| Refusal::GrantAssertionWithoutResource),
    }
}

fn of_times(fault: JwtFault) -> Refusal {
    match fault {
        JwtFault::LivesTooLong | JwtFault::TooOld => Refusal::GrantAssertionLivesTooLong,
        JwtFault::NotYet => Refusal::GrantAssertionNotYetValid,
        _ => Refusal::GrantAssertionExpired,
    }
}
