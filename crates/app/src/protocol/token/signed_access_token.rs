//! Issues access tokens that others can read ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).

use domain::secret::AccessTokenText;
use oauth::application::Application;
use oauth::authorization_details::GrantedElement;
use oauth::data_access::MOST_SOURCES;
use oauth::jwt_access_token::{AccessTokenClaims, audience_in};
use oauth::oidc::subject::names_the_user;
use oauth::signing::JwtType;
use oauth::token::token_exchange::subject_of;
use oauth::token_payload::AccessToken;

use super::TokenService;
use crate::Fault;
use crate::node::entity_cache::{Entities, StoredGrants};
use crate::node::signing_keys::JwtKeys;

impl TokenService {
    /// Signs an access token with the algorithm of its application.
    ///
    /// # Errors
    /// If the algorithm has no key yet, or if the database cannot be read.
    pub(super) async fn sign_access_token(
        &self,
        application: &Application,
        token: &AccessToken,
        authorization_details: Option<&[GrantedElement]>,
    ) -> Result<AccessTokenText, Fault> {
        let registry = Entities::of(&self.context).scopes_for(&token.scopes, None).await?;
        let public_url = &self.context.settings.public_url;
        let client_id = application.client_id.as_str();
        let sealed = self
            .context
            .vault
            .seal_signed_access_token(token)
            .map_err(|error| Fault::Broken(error.into()))?;
        let audience = audience_in(token, &registry, public_url);
        let subject = self.subject_in(token, application).await?;
        let sign_in = StoredGrants::of(&self.context).sign_in_of(token.grant).await?;
        let claims = AccessTokenClaims {
            issuer: public_url,
            audience: &audience,
            subject: &subject,
            client_id,
            id: token.id,
            expires_at: token.expires_at,
            // Whoever verifies the token does not know which scopes imply others.
            scope: &registry.text(&registry.effective(&token.scopes)),
            auth_time: sign_in.map(|sign_in| sign_in.at),
            acr: sign_in.map(|sign_in| sign_in.acr),
            authorization_details: in_a_token(authorization_details),
            act: token.details.exchanged.as_ref().and_then(|exchanged| exchanged.act.as_deref()),
            binding: token.binding,
            sealed: &sealed,
        };
        let registered = application.settings.client_metadata.access_token_signing_alg();
        let algorithm = application.settings.allowed_algorithm(registered);
        let keys = JwtKeys::of(&self.context);
        let signed = keys.sign(JwtType::AccessToken, algorithm, &claims.to_json()).await;
        signed.map(AccessTokenText::new)
    }

    /// `sub` of an access token. The user is cached.
    async fn subject_in(&self, token: &AccessToken, application: &Application) -> Result<String, Fault> {
        if names_the_user(&token.scopes, token.grant, application)
            && let Some(account) = Entities::of(&self.context).account(token.user).await?
        {
            return Ok(crate::subject::subject_of(&account.user, application));
        }
        Ok(subject_of(token, application))
    }
}

/// The elements that a signed token lists: the first of them if they are many, because it travels with every request. The
/// token response and introspection list all.
fn in_a_token(elements: Option<&[GrantedElement]>) -> Option<&[GrantedElement]> {
    let all = elements?;
    // The element for all others is the first. Without each of its exceptions it would claim too much.
    let others_are_too_long = all.first().is_some_and(|first| first.exceptions() > MOST_SOURCES);
    let listed = if others_are_too_long { &all[1..] } else { all };
    Some(&listed[..listed.len().min(MOST_SOURCES)])
}
