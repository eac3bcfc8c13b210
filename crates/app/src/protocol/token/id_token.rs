//! ID tokens in responses of the token endpoint.

use domain::account::User;
use oauth::client_authentication::AuthenticatedClient;
use oauth::grant::GrantDetails;
use oauth::oidc::id_token::{self, HashFunction, IdToken};
use oauth::signing::JwtType;
use oauth::token::TokenResponse;

use super::TokenService;
use crate::node::signing_keys::JwtKeys;
use crate::protocol::refusal::ProtocolRefusal;

impl TokenService {
    /// Adds an ID token to a response that has one. `details` are those of the grant, and `nonce` is that of the request
    /// whose code is exchanged.
    pub(super) async fn with_id_token(
        &self,
        client: &AuthenticatedClient,
        mut response: TokenResponse,
        user: Option<&User>,
        details: &GrantDetails,
        nonce: Option<&str>,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let (Some(sign_in), Some(user)) = (&details.sign_in, user) else { return Ok(response) };
        if !id_token::is_issued(&response.scopes, Some(sign_in)) {
            return Ok(response);
        }
        let application = client.application();
        let registered = application.settings.client_metadata.openid.id_token_algorithm();
        let algorithm = application.settings.allowed_algorithm(registered);
        let access_token = response.access_token.expose().as_bytes();
        let at_hash = match id_token::hash_function(algorithm) {
            HashFunction::Sha256 => id_token::access_token_hash(&vault::sha256(access_token)),
            HashFunction::Sha512 => id_token::access_token_hash(&vault::sha512(access_token)),
        };
        let token = IdToken {
            issuer: &self.context.settings.public_url,
            subject: &crate::subject::subject_of(user, application),
            client_id: application.client_id.as_str(),
            user,
            sign_in,
            nonce,
            at_hash: &at_hash,
            request: &details.claims,
            registered: &application.settings.scopes,
            now: self.context.now(),
            lifetime_secs: response.expires_in,
        };
        response.id_token =
            Some(JwtKeys::of(&self.context).sign(JwtType::Plain, algorithm, &token.claims()).await?);
        Ok(response)
    }
}
