//! Polling with a device code: [RFC 8628 §3.4](https://www.rfc-editor.org/rfc/rfc8628#section-3.4). What a poll gets is
//! decided in [`super::polling`].

use crate::client_authentication::AuthenticatedClient;
use crate::parameters::{Name, Parameters};
use crate::refusal::Refusal;
use crate::scope::ScopeRegistry;
use domain::secret::DeviceCodeText;

const DEVICE_CODE: Name = Name::opaque("device_code");

/// The parameters of a poll.
#[derive(Debug, Clone)]
pub struct DevicePoll {
    /// The device code as received.
    pub code: DeviceCodeText,
}

impl DevicePoll {
    pub(super) fn parse(
        parameters: &Parameters,
        _client: &AuthenticatedClient,
        _registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        Ok(Self { code: DeviceCodeText::new(parameters.required(DEVICE_CODE)?) })
    }
}
