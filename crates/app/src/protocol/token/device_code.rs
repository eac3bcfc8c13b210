//! Polling with a device code: once its user has allowed it, its use creates a grant, at most once.

use super::{Narrowing, TokenService};
use domain::limit::Limit;
use oauth::client_authentication::AuthenticatedClient;
use oauth::device::{self, DeviceDecision};
use oauth::refusal::Refusal;
use oauth::token::TokenResponse;
use oauth::token::device_code::{self, DevicePoll, PollDecision};

use crate::identity::access_note;
use crate::identity::caller::RequestOrigin;
use crate::protocol::client::ProtocolRefusal;

impl TokenService {
    pub(super) async fn poll(
        &self,
        request: &DevicePoll,
        client: &AuthenticatedClient,
        narrowing: Narrowing<'_>,
        origin: &RequestOrigin,
    ) -> Result<TokenResponse, ProtocolRefusal> {
        let stored = match self.context.vault.device_code_digest(&request.code) {
            Some(digest) => self.context.store.find_by_device_code(digest).await?,
            None => None,
        };
        let decision = stored.as_ref().map(|stored| stored.decision);
        let user = match decision {
            Some(DeviceDecision::Allowed { user, .. }) => self.context.account(user).await?,
            _ => None,
        };
        let now = self.context.now();
        if stored.as_ref().is_some_and(|asked| self.context.revocations.ends_all_of(asked.code.at())) {
            return Err(Refusal::DeviceAccessRevoked.into());
        }
        let decided = device_code::decide(device_code::Facts {
            client,
            request: stored.as_ref(),
            user: user.as_deref().map(|account| &account.user),
            lifetime_limit_secs: self.context.limit(Limit::OAuthAccessTokenLifetime).await?,
            now,
        })?;
        let id = stored.as_ref().ok_or(Refusal::DeviceCodeUnknown)?.id;
        let unless_after = device::accepts_poll_after(now);
        if !self.context.store.poll_device_authorization(id, now, unless_after).await? {
            return Err(Refusal::DevicePolledTooSoon.into());
        }
        match decided {
            PollDecision::Pending => Err(Refusal::DeviceNotDecided.into()),
            PollDecision::Create(decision) => {
                user.iter().for_each(access_note::user);
                let mut details = decision.details.for_access_tokens();
                self.narrow(&mut details, narrowing).await?;
                self.create_grant_for(&decision, details, client, origin).await
            }
        }
    }
}
