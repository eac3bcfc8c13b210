//! Polling: once the user has allowed what a device or another client asks for, the code of the request creates a grant, at
//! most once.

use std::sync::Arc;

use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::backchannel::BackchannelPoll;
use oauth::token::device_code::DevicePoll;
use oauth::token::polling::{
    self, Facts, PollDecision, PolledKind, PolledRequest, UserDecision, accepts_poll_after,
};

use super::new_grant::FirstTokens;
use super::{Narrowing, TokenService};
use crate::identity::caller::RequestOrigin;
use crate::node::access_note;
use crate::node::entity_cache::{Account, Entities};
use crate::protocol::refusal::ProtocolRefusal;

/// The result of a poll, and the user who decided.
type Decided = (PollDecision, Option<Arc<Account>>);

impl TokenService {
    pub(super) async fn poll_device(
        &self,
        request: &DevicePoll,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let found = match self.context.vault.device_code_digest(&request.code) {
            Some(digest) => self.context.store.find_by_device_code(digest).await?,
            None => None,
        };
        let stored = found.ok_or(PolledKind::Device.unknown())?;
        let decided = self.decide_poll(stored.polled(), client, narrowing).await?;
        let (now, store) = (self.context.now(), &self.context.store);
        let is_pending = decided.0 == PollDecision::Pending;
        if is_pending && !store.poll_device_authorization(stored.id, now, accepts_poll_after(now)).await? {
            return Err(Refusal::PolledTooSoon.into());
        }
        self.answer_poll(decided, client, narrowing, origin).await
    }

    pub(super) async fn poll_backchannel(
        &self,
        request: &BackchannelPoll,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let found = match self.context.vault.auth_req_id_digest(&request.id) {
            Some(digest) => self.context.store.find_by_auth_req_id(digest).await?,
            None => None,
        };
        let stored = found.ok_or(PolledKind::Backchannel.unknown())?;
        let decided = self.decide_poll(stored.polled(), client, narrowing).await?;
        let (now, store) = (self.context.now(), &self.context.store);
        let (is_pending, before) = (decided.0 == PollDecision::Pending, accepts_poll_after(now));
        if is_pending && !store.poll_backchannel_authentication(stored.id, now, before).await? {
            return Err(Refusal::PolledTooSoon.into());
        }
        self.answer_poll(decided, client, narrowing, origin).await
    }

    async fn decide_poll(
        &self,
        request: PolledRequest<'_>,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
    ) -> Result<Decided, ProtocolRefusal> {
        let user = match request.decision {
            UserDecision::Allowed { user, .. } => Entities::of(&self.context).account(user).await?,
            UserDecision::Pending | UserDecision::Denied => None,
        };
        if self.context.revocations.ends_all_of(request.code.at()) {
            return Err(request.kind.revoked().into());
        }
        let facts = Facts {
            scopes: narrowing.scopes,
            client,
            user: user.as_deref().map(|account| &account.user),
            lifetime_limit_secs: Entities::of(&self.context).limit(Limit::OAuthAccessTokenLifetime).await?,
            now: self.context.now(),
        };
        Ok((polling::decide(request, facts)?, user))
    }

    async fn answer_poll(
        &self,
        (decision, user): Decided,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let PollDecision::Create(decision) = decision else {
            return Err(Refusal::NotDecided.into());
        };
        user.iter().for_each(access_note::user);
        let mut details = decision.details.for_access_tokens();
        self.narrow(&mut details, decision.user, narrowing).await?;
        let user = user.as_deref().map(|account| &account.user);
        let first = FirstTokens { details, user, nonce: None };
        self.create_grant_with(&decision, first, client, origin).await
    }
}
