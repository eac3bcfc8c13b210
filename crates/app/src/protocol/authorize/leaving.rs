//! Errors that leave the server: when the browser carries them to the client, and what is asked before.

use oauth::authorize::{AtBrowser, AuthorizeRefusal, AuthorizeRequest, Leaving, RefusedRedirect};
use oauth::destination::Destination;
use oauth::error::ErrorCode;
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;

use super::{AuthorizationService, AuthorizeAnswer, Checked, ClientResponse, Refused, RequestingBrowser};
use crate::Fault;
use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::node::refusal_reason::RefusalReason;

/// An error for a client that nobody here registered.
#[derive(Debug)]
pub struct LeavingError {
    /// The error.
    pub refusal: Refusal,
    /// Where it would go.
    pub destination: Destination,
    /// The response that goes there if the user agrees.
    pub response: ClientResponse,
}

impl AuthorizationService {
    /// Answers a refused request: by a page, or by an error to the client, which needs a sign-in first. After the sign-in the
    /// browser brings the same `parameters` again.
    pub(super) async fn refused(
        &self,
        refused: &Refused,
        parameters: &Parameters,
        browser: RequestingBrowser<'_>,
        origin: &RequestOrigin,
    ) -> Result<AuthorizeAnswer, Fault> {
        self.note_refusal(refused.refusal.refusal(), browser.session, origin).await;
        let redirect = match &refused.refusal {
            AuthorizeRefusal::Page(refusal) => return Ok(AuthorizeAnswer::Page(*refusal)),
            AuthorizeRefusal::Redirect(redirect) => redirect,
        };
        if let Some(answer) = self.leave(redirect, browser).await? {
            return self.answer_once(refused.pushed.as_ref(), answer).await;
        }
        // What is no text cannot be repeated.
        let query = parameters.encoded(AuthorizeRequest::KNOWN);
        Ok(query.map_or(AuthorizeAnswer::Page(redirect.refusal), |query| AuthorizeAnswer::SignIn { query }))
    }

    /// The same for a request that could have been answered with a code.
    pub(super) async fn leave_checked(
        &self,
        checked: &Checked,
        refused: &AuthorizeRefusal,
        browser: RequestingBrowser<'_>,
    ) -> Result<AuthorizeAnswer, Fault> {
        let answer = match refused {
            AuthorizeRefusal::Page(refusal) => AuthorizeAnswer::Page(*refusal),
            AuthorizeRefusal::Redirect(redirect) => match self.leave(redirect, browser).await? {
                Some(answer) => answer,
                None => return Ok(AuthorizeAnswer::SignIn { query: checked.query_after_sign_in() }),
            },
        };
        self.answer_once(checked.pushed.as_ref(), answer).await
    }

    /// The error after the user has pressed Deny, on a page that names the destination.
    pub(super) async fn deny(
        &self,
        checked: &Checked,
        browser: RequestingBrowser<'_>,
    ) -> Result<AuthorizeAnswer, Fault> {
        let answer = match checked.valid.deny() {
            AuthorizeRefusal::Page(refusal) => AuthorizeAnswer::Page(refusal),
            AuthorizeRefusal::Redirect(redirect) => {
                let response = redirect.response(&self.context.settings.public_url);
                AuthorizeAnswer::Respond(self.respond(response, browser).await?)
            }
        };
        self.answer_once(checked.pushed.as_ref(), answer).await
    }

    /// The answer that carries the error to the client, or asks the user about that; `None` if somebody must sign in first.
    async fn leave(
        &self,
        redirect: &RefusedRedirect,
        browser: RequestingBrowser<'_>,
    ) -> Result<Option<AuthorizeAnswer>, Fault> {
        let user = match (browser.session, redirect.stranger()) {
            (None, _) => AtBrowser::Nobody,
            (Some(_), None) => AtBrowser::User { allows_client: false },
            (Some(session), Some(application)) => {
                let consent = self.context.store.find_consent(session.session.user, application).await?;
                AtBrowser::User { allows_client: consent.is_some() }
            }
        };
        let leaving = redirect.leaving(user);
        if leaving == Leaving::AfterSignIn {
            return Ok(None);
        }
        let response = redirect.response(&self.context.settings.public_url);
        let response = self.respond(response, browser).await?;
        if leaving == Leaving::AtOnce {
            return Ok(Some(AuthorizeAnswer::Respond(response)));
        }
        let (refusal, destination) = (redirect.refusal, redirect.destination());
        Ok(Some(AuthorizeAnswer::Leave(Box::new(LeavingError { refusal, destination, response }))))
    }

    /// A malformed request is not a refusal of access, and neither is `prompt=none` without a signed-in user.
    async fn note_refusal(&self, refusal: Refusal, session: Option<&LiveSession>, origin: &RequestOrigin) {
        let reason = match refusal {
            Refusal::UnknownClientId | Refusal::RedirectUrlUnknown | Refusal::RedirectUrlAmbiguous => {
                RefusalReason::AuthorizationUnanswerable
            }
            Refusal::ScopeUnknown => return,
            _ if matches!(refusal.code(), ErrorCode::UnauthorizedClient | ErrorCode::InvalidScope) => {
                RefusalReason::AuthorizationBeyond
            }
            _ => return,
        };
        let caller = session.map(|session| &session.caller);
        Refusals::of(&self.context).note_request(reason, caller, origin).await;
    }
}
