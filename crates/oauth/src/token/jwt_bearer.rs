//! Presenting an assertion of a trusted issuer: [RFC 7523 §2.1](https://www.rfc-editor.org/rfc/rfc7523#section-2.1). What the
//! assertion says is judged in [`crate::trusted_issuer`].

use super::{GrantDecision, access_token_lifetime_secs};
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{GrantDetails, GrantOrigin};
use crate::parameters::{ASSERTION, Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};
use crate::trusted_issuer::{AcceptedAssertion, IssuerSettings, resource_is_allowed};
use domain::account::User;
use domain::secret::AssertionText;

/// The parameters of the request.
#[derive(Debug, Clone)]
pub struct JwtBearer {
    /// The assertion, which is not verified.
    pub assertion: AssertionText,
    /// The requested scopes; `None` for those of the assertion.
    pub scopes: Option<ScopeSet>,
}

impl JwtBearer {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let scopes = parameters.one(SCOPE)?.map(|text| registry.parse(text));
        Ok(Self {
            assertion: AssertionText::new(parameters.required(ASSERTION)?),
            scopes: scopes.transpose().map_err(|_| Refusal::ScopeUnknown)?,
        })
    }
}

/// The facts for the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The client that sends the request.
    pub client: &'a AuthenticatedClient,
    /// What the assertion says.
    pub accepted: &'a AcceptedAssertion,
    /// What is accepted of its issuer.
    pub issuer: &'a IssuerSettings,
    /// The stored user whom it names.
    pub user: Option<&'a User>,
    /// The scopes that exist.
    pub scopes: &'a ScopeRegistry,
    /// Limit 100, in seconds.
    pub lifetime_limit_secs: i64,
}

/// Decides what the application gets: a grant without a refresh token, so that the issuer decides each time whether the
/// access goes on. The grant is not a consent.
///
/// # Errors
/// `invalid_grant`; `invalid_scope` if nothing is left.
pub fn decide(request: &JwtBearer, facts: Facts<'_>) -> Result<GrantDecision, Refusal> {
    let user = facts.user.filter(|user| user.active).ok_or(Refusal::GrantAssertionOfUnknownUser)?;
    let settings = &facts.client.application().settings;
    Ok(GrantDecision {
        user: user.id,
        user_epoch: user.epoch,
        origin: GrantOrigin::Assertion,
        consent: None,
        session: None,
        scopes: scopes_that_all_allow(request, facts)?,
        details: GrantDetails::default(),
        refreshable: false,
        lifetime_secs: access_token_lifetime_secs(settings, facts.lifetime_limit_secs),
    })
}

/// The intersection of what the assertion, its issuer, the request and the registration allow. Names that do not exist here are
/// ignored. If neither the assertion nor the request names scopes, they are about data.
fn scopes_that_all_allow(request: &JwtBearer, facts: Facts<'_>) -> Result<ScopeSet, Refusal> {
    let known = |names: &[String]| -> ScopeSet {
        names.iter().filter_map(|name| facts.scopes.named(name).ok()).map(|scope| scope.id).collect()
    };
    let mut left = facts.client.application().settings.scopes.clone();
    if !facts.issuer.scopes.is_empty() {
        left = facts.scopes.limited(&left, &known(&facts.issuer.scopes));
    }
    if let Some(given) = &facts.accepted.scopes {
        left = facts.scopes.limited(&known(given), &left);
    }
    left = match &request.scopes {
        Some(wanted) => facts.scopes.limited(wanted, &left),
        None if facts.accepted.scopes.is_some() => left,
        None => left.intersection(&ScopeSet::from(BuiltInScope::OData)),
    };
    // There is no refresh token.
    left = left.difference(&BuiltInScope::OfflineAccess.into());
    if left.is_empty() { Err(Refusal::GrantAssertionWithoutScope) } else { Ok(left) }
}

/// The resources of the grant, out of the canonical forms of those that the assertion names: all of them must be ones that its
/// issuer may name.
///
/// # Errors
/// `invalid_grant`.
pub fn resources_are_allowed(
    named: &[String],
    issuer: &IssuerSettings,
    public_url: &str,
) -> Result<(), Refusal> {
    let allowed = named.iter().all(|resource| resource_is_allowed(resource, issuer, public_url));
    if allowed { Ok(()) } else { Err(Refusal::GrantAssertionForAnotherResource) }
}

#[cfg(test)]
mod tests;
