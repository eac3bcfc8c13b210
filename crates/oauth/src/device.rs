//! The device authorization endpoint ([RFC 8628](https://www.rfc-editor.org/rfc/rfc8628)): a device without a browser
//! gets a code for itself and a short one for its user, who decides in a browser elsewhere.
//!
//! The steps are [`DeviceRequest::parse`] at the endpoint, [`find_open`] on the page, and
//! [`crate::token::polling`] when the device polls.

use crate::application::GrantType;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::GrantDetails;
use crate::parameters::{Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use crate::token;
use crate::token::polling::{PolledKind, PolledRequest, UserDecision};
use domain::id::{ApplicationId, CodeId, DeviceAuthorizationId, Epoch};
use domain::time::Timestamp;

mod user_code;

pub use user_code::UserCode;

/// The parameters of a device authorization request ([RFC 8628
/// §3.1](https://www.rfc-editor.org/rfc/rfc8628#section-3.1)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The requested scopes, for which the application is registered.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request.
    pub details: GrantDetails,
}

impl DeviceRequest {
    /// Reads the request and checks it against the registration of the client.
    ///
    /// # Errors
    /// `unauthorized_client` if the application is not registered for the grant type, `invalid_scope`, and
    /// `invalid_request`.
    pub fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        token::may_use(GrantType::DeviceCode, client)?;
        let settings = &client.application().settings;
        Ok(Self {
            scopes: settings.requested_scopes(parameters.one(SCOPE)?, registry)?,
            details: GrantDetails::of_instance(client.instance()),
        })
    }
}

/// A stored request of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// The number of the row.
    pub id: DeviceAuthorizationId,
    /// The id under which the grant is created, at most once.
    pub code: CodeId,
    /// The application of the device.
    pub application: ApplicationId,
    /// The application's epoch when the device asked.
    pub application_epoch: Epoch,
    /// The requested scopes; after the decision, those that were allowed.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request or of the decision.
    pub details: GrantDetails,
    /// The first moment at which both codes are no longer valid.
    pub expires_at: Timestamp,
    /// When the last poll was accepted.
    pub polled_at: Option<Timestamp>,
    /// What the user decided.
    pub decision: UserDecision,
}

impl DeviceAuthorization {
    /// Whether the codes have expired at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_past(now)
    }

    /// What a poll needs of it.
    pub fn polled(&self) -> PolledRequest<'_> {
        PolledRequest {
            kind: PolledKind::Device,
            code: self.code,
            application: self.application,
            application_epoch: self.application_epoch,
            scopes: &self.scopes,
            details: &self.details,
            expires_at: self.expires_at,
            polled_at: self.polled_at,
            decision: self.decision,
        }
    }
}

/// Why a user code leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserCodeRefusal {
    /// No device shows this code.
    #[error("no device shows this code; check every letter")]
    Unknown,
    /// The code has expired.
    #[error("this code has expired; start again on the device")]
    Expired,
    /// The code was used.
    #[error("this code was used before; start again on the device")]
    Decided,
}

/// The request of a device that still waits for a decision ([RFC 8628
/// §3.3](https://www.rfc-editor.org/rfc/rfc8628#section-3.3)). The store checks it again when it writes the decision.
///
/// # Errors
/// [`UserCodeRefusal`].
pub fn find_open(
    found: Option<DeviceAuthorization>,
    now: Timestamp,
) -> Result<DeviceAuthorization, UserCodeRefusal> {
    let found = found.ok_or(UserCodeRefusal::Unknown)?;
    if found.is_expired(now) {
        Err(UserCodeRefusal::Expired)
    } else if found.decision != UserDecision::Pending {
        Err(UserCodeRefusal::Decided)
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
