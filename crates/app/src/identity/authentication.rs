//! Authenticates the caller of a request by a bearer token or a session cookie, and checks later whether the
//! authentication still holds.

use std::sync::Arc;

use domain::secret::{CsrfToken, SessionCookie};
use oauth::error::ErrorCode;
use oauth::oidc::session_state::BrowserState;
use oauth::proof::{KeyBinding, PresentedToken, RequestFacts, TokenType, may_be_a_bearer_token};
use oauth::refusal::Refusal;
use oauth::resource;
use oauth::scope::BuiltInScope;
use oauth::step_up::KnownSignIn;
use oauth::token_payload::AccessToken;

use crate::identity::access_tokens::AccessTokens;
use crate::identity::caller::{Caller, IssuedAccess, LiveSession, PersonalAccess, RequestOrigin, Via};
use crate::identity::refusals::{InvalidAccessToken, Refusals};
use crate::node::dpop_proofs::{DpopProofs, ProofFailure, Prover};
use crate::node::entity_cache::{Account, Entities, SignIn, StoredGrants};
use crate::node::feed::ChangeFeed;
use crate::node::metrics::{OutcomeLabels, Word};
use crate::{Context, Fault};
use oauth::trusted_issuer::Purpose;

/// Why a bearer token does not authenticate a caller.
#[derive(Debug, thiserror::Error)]
pub enum BearerRefusal {
    /// It was not issued by this server, has expired or was revoked; the response does not say which.
    #[error("the access token is invalid, has expired or was revoked")]
    Dead,
    /// It was presented with the scheme `DPoP` and is invalid, or it is bound to no key.
    #[error("the access token is invalid, has expired or was revoked, or is bound to no key")]
    DeadBound,
    /// The `DPoP` proof is missing or invalid.
    #[error("{}", .0.description())]
    Unproved(Refusal),
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Callers by bearer token and by session cookie.
#[derive(Clone)]
pub struct AuthenticationService {
    context: Arc<Context>,
}

service!(AuthenticationService);

impl AuthenticationService {
    /// Opens an access token and checks its expiry and the revocation index, up to a position in the feed that it returns.
    async fn check_access_token(
        &self,
        presented: PresentedToken<'_>,
        facts: &RequestFacts<'_>,
    ) -> Result<Result<(AccessToken, i64), InvalidAccessToken>, Fault> {
        let now = self.context.now();
        let Ok(token) = AccessTokens::of(&self.context).open_for_us(presented.text) else {
            return Ok(Err(InvalidAccessToken::Unknown));
        };
        if token.expires_at.is_past(now) {
            return Ok(Err(InvalidAccessToken::Expired(token)));
        }
        if !resource::include_this_server(&token.details.resources, &self.context.settings.public_url) {
            return Ok(Err(InvalidAccessToken::Elsewhere(token)));
        }
        if let Err(failure) = self.sender_holds_the_key(presented, token.binding, facts) {
            return match failure {
                ProofFailure::Refused(refusal) => Ok(Err(InvalidAccessToken::Unproved(token, refusal))),
                ProofFailure::Fault(fault) => Err(fault),
            };
        }
        ChangeFeed::of(&self.context).ensure_fresh().await?;
        Ok(match self.context.revocations.holds_up_to(&token) {
            Some(checked_up_to) => Ok((token, checked_up_to)),
            None => Err(InvalidAccessToken::Revoked(token)),
        })
    }

    /// Whether the sender of the token holds the key to which it is bound. A token that is bound to a key is accepted
    /// only with the scheme `DPoP`, and no other token is ([RFC 9449
    /// §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)). The minimum profile may demand that it is bound at all, also
    /// if it was issued before.
    fn sender_holds_the_key(
        &self,
        presented: PresentedToken<'_>,
        binding: Option<KeyBinding>,
        facts: &RequestFacts<'_>,
    ) -> Result<(), ProofFailure> {
        let refused = |refusal| Err(ProofFailure::Refused(refusal));
        if binding.is_none() && self.context.settings.minimum_profile.rules().bound_tokens {
            return refused(Refusal::TokenUnbound);
        }
        match (presented.scheme, binding) {
            (TokenType::Bearer, binding) if may_be_a_bearer_token(binding, facts) => Ok(()),
            (TokenType::Dpop, Some(KeyBinding::Key(bound))) => {
                match DpopProofs::of(&self.context)
                    .proved_key(facts, Prover::Token { text: presented.text, bound })?
                {
                    Some(_) => Ok(()),
                    None => refused(Refusal::DpopRequired),
                }
            }
            (TokenType::Bearer | TokenType::Dpop, _) => refused(Refusal::TokenOfAnotherScheme),
        }
    }

    /// The caller behind an access token. An invalid token is recorded in the audit log.
    ///
    /// # Errors
    /// [`BearerRefusal::Dead`] for anything that is not a valid token of an active user; a fault if this node
    /// cannot decide.
    pub async fn caller_by_token(
        &self,
        presented: PresentedToken<'_>,
        facts: &RequestFacts<'_>,
        origin: &RequestOrigin,
    ) -> Result<Caller, BearerRefusal> {
        let checked = self.live_bearer(presented, facts).await;
        let outcome = Word(match checked {
            Ok(Ok(_)) => "live",
            Ok(Err(_)) => "dead",
            Err(_) => "fault",
        });
        self.context.metrics.bearer_checks.inc(OutcomeLabels { outcome });
        match checked? {
            Ok(caller) => {
                caller.note_access();
                Ok(caller)
            }
            Err(dead) => {
                // Boxed, so that valid tokens do not pay for the state that only this path needs.
                Box::pin(Refusals::of(&self.context).note_invalid_token(&dead, origin)).await;
                Err(refusal_of(presented.scheme, &dead))
            }
        }
    }

    async fn live_bearer(
        &self,
        presented: PresentedToken<'_>,
        facts: &RequestFacts<'_>,
    ) -> Result<Result<Caller, InvalidAccessToken>, Fault> {
        let (token, checked_up_to) = match self.check_access_token(presented, facts).await? {
            Ok(checked) => checked,
            Err(dead) => return Ok(Err(dead)),
        };
        let account = Entities::of(&self.context).account(token.user).await?;
        let Some(account) = account.filter(|account| account.user.active) else {
            return Ok(Err(InvalidAccessToken::Revoked(token)));
        };
        if let Some(grant) = token.grant {
            self.context.usage.grant(grant, self.context.now());
        }
        let Some(now) = Entities::of(&self.context).current_scopes(token.application).await? else {
            return Ok(Err(InvalidAccessToken::Revoked(token)));
        };
        let mut scopes = token.scopes.limited_to(&now);
        if !resource::include_more_than_data(&token.details.resources, &self.context.settings.public_url) {
            let beyond = [BuiltInScope::Management, BuiltInScope::Introspect];
            scopes = scopes.difference(&beyond.into_iter().collect());
        }
        Ok(Ok(Caller::of_token(account, token, scopes, checked_up_to)))
    }

    /// The CSRF token that a form or script of the browser with this cookie must send with a change.
    pub fn csrf_token(&self, cookie: &str) -> CsrfToken {
        self.context.vault.csrf_token(cookie)
    }

    /// Creates a random value for a browser that is not signed in, to which its forms are bound.
    pub fn new_visitor(&self) -> String {
        self.context.vault.new_visitor()
    }

    /// Creates the state of a browser in which somebody has just signed in or out.
    pub fn new_browser_state(&self) -> BrowserState {
        self.context.vault.new_browser_state()
    }

    /// Whether this is the CSRF token of the browser with this cookie; in constant time.
    pub fn csrf_is_valid(&self, cookie: &str, given: &CsrfToken) -> bool {
        self.context.vault.csrf_is_valid(cookie, given)
    }

    /// The caller behind a session cookie; `None` if there is no valid session.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn caller_by_session(&self, cookie: &SessionCookie) -> Result<Option<LiveSession>, Fault> {
        let Ok((id, digest)) = self.context.vault.parse_session_cookie(cookie) else {
            return Ok(None);
        };
        ChangeFeed::of(&self.context).ensure_fresh().await?;
        let checked_up_to = self.context.revocations.last_seq();
        let Some(session) = self.context.store.find_session(id).await? else {
            return Ok(None);
        };
        if session.expires_at.is_past(self.context.now())
            || !self.context.vault.same_digest(&session.digest, &digest)
            || self.context.revocations.ends_all_of(session.auth_time)
        {
            return Ok(None);
        }
        let Some(user) = self.context.store.find_user(session.user).await? else {
            return Ok(None);
        };
        // A session without a second factor is older than the second factor of its user.
        let is_complete = session.second_factor || !user.has_second_factor;
        if !user.active || user.epoch != session.user_epoch || !is_complete {
            return Ok(None);
        }
        self.context.usage.session(&session, self.context.now());
        let account = Arc::new(Entities::of(&self.context).with_permissions(user).await?);
        let caller = Caller::of_session(account, &session, checked_up_to);
        caller.note_access();
        Ok(Some(LiveSession { session, caller }))
    }
}

/// What the sender learns about an invalid token.
fn refusal_of(scheme: TokenType, dead: &InvalidAccessToken) -> BearerRefusal {
    match (scheme, dead) {
        (TokenType::Dpop, InvalidAccessToken::Unproved(_, refusal))
            if refusal.code() != ErrorCode::InvalidToken =>
        {
            BearerRefusal::Unproved(*refusal)
        }
        (TokenType::Dpop, _) => BearerRefusal::DeadBound,
        (TokenType::Bearer, _) => BearerRefusal::Dead,
    }
}

/// Whether what is known of a caller still holds.
#[derive(Clone, Copy)]
pub(crate) struct Callers<'a> {
    context: &'a Context,
}

component!(Callers);

impl Callers<'_> {
    /// The sign-in of the user of the caller: just now, if a password came with the request; `None` if nobody signed in for the
    /// token.
    pub(crate) async fn sign_in_of(self, caller: &Caller) -> Result<Option<KnownSignIn>, Fault> {
        let by_password = |at| KnownSignIn { at, second_factor: false };
        match caller.via() {
            Via::Basic => Ok(Some(by_password(self.context.now()))),
            // Whoever runs commands has the database.
            Via::CommandLine => Ok(Some(KnownSignIn { at: self.context.now(), second_factor: true })),
            // Nobody is there who could sign in again.
            Via::Session | Via::Personal(_) => Ok(None),
            Via::Issuer(access) => Ok(access.signed_in_at.map(by_password)),
            Via::Bearer { .. } => Ok(StoredGrants::of(self.context)
                .sign_in_of(caller.token().and_then(|token| token.grant))
                .await?
                .map(SignIn::known)),
        }
    }

    /// The caller's current user, while the credential is still valid. A token that expires meanwhile counts
    /// as valid, because it was valid when the request started.
    pub(crate) async fn still_authenticated(self, caller: &Caller) -> Result<Option<Arc<Account>>, Fault> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        if caller.token().is_some_and(|token| self.context.revocations.ends(token)) {
            return Ok(None);
        }
        if let Via::Issuer(access) = caller.via()
            && !self.issued_access_holds(access).await?
        {
            return Ok(None);
        }
        if let Via::Personal(access) = caller.via()
            && !self.personal_access_holds(access).await?
        {
            return Ok(None);
        }
        let then = &caller.account().user;
        let account = Entities::of(self.context).account(then.id).await?;
        Ok(account.filter(|account| account.user.active && account.user.epoch == then.epoch))
    }

    /// Whether the caller's authentication still covers the scope.
    pub(crate) async fn still_covers(self, caller: &Caller, scope: BuiltInScope) -> Result<bool, Fault> {
        let Some(token) = caller.token() else { return Ok(caller.covers(scope)) };
        let now = Entities::of(self.context).current_scopes(token.application).await?;
        Ok(now.is_some_and(|now| token.scopes.limited_to(&now).contains(scope)))
    }

    /// Whether a personal access token still holds, apart from its user.
    async fn personal_access_holds(self, access: &PersonalAccess) -> Result<bool, Fault> {
        let found = Entities::of(self.context).personal_access_token(&access.digest).await?;
        let is_accepted = self.context.settings.accepts_personal_access_tokens();
        Ok(is_accepted && found.is_some_and(|token| !self.context.revocations.ends_all_of(token.created_at)))
    }

    /// Whether the access of a token of an issuer still holds, apart from its user.
    async fn issued_access_holds(self, access: &IssuedAccess) -> Result<bool, Fault> {
        let all = Entities::of(self.context).trusted_issuers().await?;
        let trusted = all.iter().find(|trusted| trusted.id == access.issuer);
        let is_trusted = trusted.is_some_and(|trusted| trusted.settings.has(Purpose::AccessToken));
        Ok(is_trusted && !self.context.revocations.ends_all_of(access.issued_at))
    }
}
