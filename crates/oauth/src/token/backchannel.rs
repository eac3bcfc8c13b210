//! Polling with an `auth_req_id`: [CIBA Core
//! §10.1](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#rfc.section.10.1). What a
//! poll gets is decided in [`super::polling`].

use crate::client_authentication::AuthenticatedClient;
use crate::parameters::{Name, Parameters};
use crate::refusal::Refusal;
use crate::scope::ScopeRegistry;
use domain::secret::AuthReqIdText;

const AUTH_REQ_ID: Name = Name::opaque("auth_req_id");

/// The parameters of a poll.
#[derive(Debug, Clone)]
pub struct BackchannelPoll {
    /// `auth_req_id` as received.
    pub id: AuthReqIdText,
}

impl BackchannelPoll {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        _registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        Ok(Self { id: AuthReqIdText::new(parameters.required(AUTH_REQ_ID)?) })
    }
}
