//! The response to the client, with what it says about the state of the browser.

use oauth::authorize::{Approval, AuthorizationResponse, Deliverable, Delivery, issue_code};
use oauth::oidc::session_state::{BrowserState, SessionState};
use oauth::signing::JwtType;

use super::{AuthorizationService, AuthorizeAnswer, Checked, RequestingBrowser};
use crate::Fault;
use crate::node::signing_keys::JwtKeys;

/// A response to the client, and what the browser keeps of it.
#[derive(Debug)]
pub struct ClientResponse {
    /// The response.
    pub delivery: Delivery,
    /// The state that the response is about, if the browser had none and is to keep this one.
    pub new_state: Option<BrowserState>,
}

impl AuthorizationService {
    /// Sends the code.
    pub(super) async fn send_code(
        &self,
        checked: &Checked,
        approval: Approval,
        browser: RequestingBrowser<'_>,
    ) -> Result<AuthorizeAnswer, Fault> {
        self.note_session(checked, browser.session).await?;
        let valid = &checked.valid;
        let redirect_digest = valid.redirect_uri().map(|uri| vault::sha256(uri.as_bytes()));
        let id = self.context.vault.new_code_id(self.context.now());
        let lifetime_secs = self.context.settings.code_lifetime_secs;
        let code = issue_code(valid, approval, id, redirect_digest, lifetime_secs);
        let code = self.context.vault.seal_code(&code).map_err(|cause| Fault::Broken(Box::new(cause)))?;
        let response = valid.route().with_code(&code, &self.context.settings.public_url);
        let answer = AuthorizeAnswer::Respond(self.respond(response, browser).await?);
        self.answer_once(checked.pushed.as_ref(), answer).await
    }

    /// The response, with the session state if it is one of OpenID Connect.
    pub(super) async fn respond(
        &self,
        response: AuthorizationResponse,
        browser: RequestingBrowser<'_>,
    ) -> Result<ClientResponse, Fault> {
        let Some(observer) = response.observer() else {
            return Ok(ClientResponse { delivery: self.deliver(response).await?, new_state: None });
        };
        let state = browser.state.cloned().unwrap_or_else(|| self.context.vault.new_browser_state());
        let salt = self.context.vault.new_salt();
        let digest = vault::sha256(observer.content(&state, &salt).as_bytes());
        let response = response.with_session_state(SessionState::new(digest, &salt));
        let new_state = browser.state.is_none().then_some(state);
        Ok(ClientResponse { delivery: self.deliver(response).await?, new_state })
    }

    /// How the browser carries the response, signed if the client asked for that.
    async fn deliver(&self, response: AuthorizationResponse) -> Result<Delivery, Fault> {
        let unsigned = match response.deliver(self.context.now()) {
            Deliverable::Ready(delivery) => return Ok(delivery),
            Deliverable::Unsigned(unsigned) => unsigned,
        };
        let keys = JwtKeys::of(&self.context);
        let jwt = keys.sign(JwtType::Plain, unsigned.algorithm(), unsigned.claims()).await?;
        Ok(unsigned.signed(jwt))
    }
}
