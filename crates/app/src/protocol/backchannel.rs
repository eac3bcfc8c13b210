//! Backchannel authentication: the requests of clients, and the decisions of the users whom they name.

use std::sync::Arc;

use domain::account::network::address_text;
use domain::secret::AuthReqIdText;
use oauth::backchannel::{self, BackchannelRequest};
use oauth::client_authentication::AuthenticatedClient;
use oauth::parameters::{Parameters, RESOURCE, SCOPE};
use oauth::refusal::Refusal;
use oauth::token::polling::INTERVAL_SECS;
use store::{BackchannelInsertion, BackchannelLimits, NewBackchannelAuthentication};

use crate::Context;
use crate::identity::caller::RequestOrigin;
use crate::node::entity_cache::{Account, Entities};
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::data_access::ReachableData;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::protocol::resources::RequestedResources;

mod decision;
mod hint;

pub use decision::{BackchannelAnswer, BackchannelQuestion, BackchannelRefusal, WaitingRequest};

/// How many requests may be open at once: enough for a person who uses several applications, and not enough to wear a
/// person down.
const LIMITS: BackchannelLimits = BackchannelLimits { of_user: MOST_WAITING, of_pair: 3 };

/// How many requests may wait for a user at once.
const MOST_WAITING: u32 = 10;

/// The answer to a client ([CIBA Core
/// §7.3](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.7.3)).
#[derive(Debug)]
pub struct IssuedAuthReqId {
    /// `auth_req_id`.
    pub auth_req_id: AuthReqIdText,
    /// `expires_in`, in seconds.
    pub expires_in: i64,
    /// `interval`, in seconds.
    pub interval: i64,
}

/// The backchannel authentication endpoint, and the decisions of users about requests to them.
#[derive(Clone)]
pub struct BackchannelService {
    context: Arc<Context>,
}

service!(BackchannelService);

impl BackchannelService {
    /// Handles an authentication request: stores it for the user, who finds it on the account pages.
    ///
    /// # Errors
    /// [`ProtocolRefusal`]: a refusal of the protocol, too many requests to the user or too many unknown users, or a failure
    /// of the server. Nothing is stored then.
    pub async fn authenticate(&self, request: ClientRequest<'_>) -> Result<IssuedAuthReqId, ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate(request).await?;
        let requested = request.parameters.one(SCOPE).ok().flatten();
        let registry =
            Entities::of(&self.context).scopes_for(&client.application().settings.scopes, requested).await?;
        let mut wanted = BackchannelRequest::parse(request.parameters, &client, &registry)?;
        self.limit_to_requested(&mut wanted, &client, request.parameters).await?;
        let account = self.user_of(&wanted, client.application()).await?;
        backchannel::acr_can_be_met(&wanted, &account.user)?;
        let issued = self.ask(&client, wanted, &account, request.origin).await?;
        // Only now, because a request that is refused for another reason has already revealed that the user exists.
        self.context.rates.user_hint_was_right(client.application().id);
        Ok(issued)
    }

    /// Limits the access to the resources and the data that the request names.
    async fn limit_to_requested(
        &self,
        wanted: &mut BackchannelRequest,
        client: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<(), ProtocolRefusal> {
        let resources = parameters.all(RESOURCE)?;
        wanted.details.resources = RequestedResources::of(&self.context).existing(resources).await??;
        wanted.details.data = ReachableData::of(&self.context)
            .requested_data(parameters, client.application(), &wanted.scopes)
            .await?;
        ReachableData::of(&self.context)
            .limits_meet(&wanted.details.resources, wanted.details.data.as_deref())
            .await??;
        Ok(())
    }

    async fn ask(
        &self,
        client: &AuthenticatedClient,
        wanted: BackchannelRequest,
        account: &Account,
        origin: &RequestOrigin,
    ) -> Result<IssuedAuthReqId, ProtocolRefusal> {
        let now = self.context.now();
        let (auth_req_id, digest) = self.context.vault.new_auth_req_id();
        let new = NewBackchannelAuthentication {
            digest,
            code: self.context.vault.new_code_id(now),
            application: client.application().id,
            application_epoch: client.application().epoch,
            user: account.user.id,
            user_epoch: account.user.epoch,
            scopes: wanted.scopes,
            details: wanted.details,
            binding_message: wanted.binding_message,
            max_age_secs: wanted.max_age_secs,
            address: origin.address.map(address_text),
            at: now,
            expires_at: now.plus_secs(wanted.lifetime_secs),
            limits: LIMITS,
        };
        match self.context.store.insert_backchannel_authentication(new).await? {
            BackchannelInsertion::Stored => {}
            BackchannelInsertion::TooMany { next_expiry } => {
                let wait = next_expiry.as_secs().saturating_sub(now.as_secs()).saturating_add(1);
                return Err(RateLimits::of(&self.context).too_often(u32::try_from(wait).unwrap_or(1)));
            }
            BackchannelInsertion::Gone => {
                self.context.entities.forget_applications();
                self.context.entities.forget_users();
                return Err(Refusal::UserHintUnknown.into());
            }
        }
        Ok(IssuedAuthReqId { auth_req_id, expires_in: wanted.lifetime_secs, interval: INTERVAL_SECS })
    }
}
