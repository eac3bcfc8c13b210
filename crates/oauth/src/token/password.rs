//! Exchanging a user's name and password: [RFC 6749 §4.3](https://www.rfc-editor.org/rfc/rfc6749#section-4.3).

use super::{GrantDecision, access_token_lifetime_secs, gets_a_refresh_token};
use crate::application::ApplicationSettings;
use crate::client_authentication::AuthenticatedClient;
use crate::grant::{GrantDetails, GrantOrigin};
use crate::parameters::{Name, Parameters, SCOPE};
use crate::refusal::Refusal;
use crate::scope::{ScopeRegistry, ScopeSet};
use crate::user_authentication::SignInDetails;
use domain::account::User;
use domain::secret::Password;
use domain::time::Timestamp;

const USERNAME: Name = Name::opaque("username");
const PASSWORD: Name = Name::opaque("password");

/// The parameters of the request.
#[derive(Debug, Clone)]
pub struct PasswordRequest {
    /// The name as received.
    pub username: String,
    /// The password as received.
    pub password: Password,
    /// The requested scopes, for which the application is registered.
    pub scopes: ScopeSet,
}

impl PasswordRequest {
    pub(super) fn parse(
        parameters: &Parameters,
        client: &AuthenticatedClient,
        registry: &ScopeRegistry,
    ) -> Result<Self, Refusal> {
        let settings = &client.application().settings;
        no_second_factor_is_demanded(settings)?;
        Ok(Self {
            username: parameters.required(USERNAME)?.to_owned(),
            password: Password::new(parameters.required(PASSWORD)?),
            scopes: settings.requested_scopes(parameters.one(SCOPE)?, registry)?,
        })
    }
}

/// Before the password is looked at, which nothing would come of.
fn no_second_factor_is_demanded(settings: &ApplicationSettings) -> Result<(), Refusal> {
    if settings.client_metadata.require_second_factor {
        Err(Refusal::PasswordWithoutSecondFactor)
    } else {
        Ok(())
    }
}

/// Decides what the application gets from a user whose password was correct: a grant, which is not a consent
/// for the code flow.
///
/// # Errors
/// `invalid_grant`.
pub fn decide(
    request: &PasswordRequest,
    client: &AuthenticatedClient,
    user: &User,
    lifetime_limit_secs: i64,
    now: Timestamp,
) -> Result<GrantDecision, Refusal> {
    user_is_active(user)?;
    let settings = &client.application().settings;
    Ok(GrantDecision {
        user: user.id,
        user_epoch: user.epoch,
        origin: GrantOrigin::Password,
        consent: None,
        session: None,
        scopes: request.scopes.clone(),
        details: GrantDetails { sign_in: Some(SignInDetails::at(now)), ..GrantDetails::default() },
        refreshable: gets_a_refresh_token(settings),
        lifetime_secs: access_token_lifetime_secs(settings, lifetime_limit_secs),
    })
}

fn user_is_active(user: &User) -> Result<(), Refusal> {
    if user.active { Ok(()) } else { Err(Refusal::UserInactive) }
}
