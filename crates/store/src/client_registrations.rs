//! Clients that register themselves ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591), [RFC
//! 7592](https://www.rfc-editor.org/rfc/rfc7592)), and the tokens that allow them to.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId, InitialAccessTokenId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::client_registration::InitialAccessToken;
use oauth::registration::Warning;
use oauth::revocation::Revocation;

use crate::{Amendment, Answer, ApplicationRefusal, Judged, NewApplication};

/// How a client registers itself.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// The digest of the token by which it will manage its registration.
    pub token: Digest,
    /// The digest of the initial access token that it presented; the application belongs to the user who created that.
    pub initial_token: Option<Digest>,
    /// The maximum number of clients that have registered themselves, this one included.
    pub most_clients: u32,
}

/// The tokens of a change to a registration.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationTokens {
    /// The digest of the one that the client presented.
    pub held: Digest,
    /// The digest of the one that replaces it.
    pub next: Digest,
}

/// An initial access token to be stored.
#[derive(Debug, Clone)]
pub struct NewInitialAccessToken {
    /// The digest of the token.
    pub digest: Digest,
    /// For whom it is; may be empty.
    pub description: String,
    /// The Administrator, to whom the clients will belong.
    pub created_by: UserId,
    /// The current time.
    pub at: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// How many clients may register with it; `None` for any number.
    pub most_uses: Option<u32>,
}

/// Why a change to the initial access tokens was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialAccessTokenRefusal {
    /// No token has that id.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// There are [`MOST_INITIAL_ACCESS_TOKENS`] already.
    Full,
}

/// The maximum number of initial access tokens. Expired ones are purged.
pub const MOST_INITIAL_ACCESS_TOKENS: u32 = 1_000;

/// Clients that register themselves, and the tokens that allow them to.
pub trait ClientRegistrations {
    /// Registers an application for itself. The audit event receives its id. An initial access token is used up in the
    /// same transaction; it is refused as unusable if it would not be found by
    /// [`Self::find_usable_initial_access_token`], or if its creator is not the owner.
    fn register_client(
        &self,
        new: NewApplication,
        registration: NewRegistration,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Application, ApplicationRefusal>>;
    /// The application with that client id, if it registered itself and the token is its own.
    fn find_registered_client<'a>(
        &'a self,
        client_id: &'a ClientId,
        token: &'a Digest,
    ) -> Answer<'a, Option<Application>>;
    /// Replaces the stored settings by the result of the amendment, and the token.
    fn update_registered_client(
        &self,
        id: ApplicationId,
        tokens: RegistrationTokens,
        amendment: Amendment,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Application, Vec<Warning>), ApplicationRefusal>>;
    /// Deletes an application by its own token, and revokes its consents, grants, codes and tokens.
    fn delete_registered_client(
        &self,
        id: ApplicationId,
        token: Digest,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>>;
    /// The first applications that registered themselves before the time and have never obtained a token.
    fn unused_registered_clients(&self, before: Timestamp, limit: u32) -> Answer<'_, Vec<ApplicationId>>;
    /// Deletes such an application, if it is still unused.
    fn delete_unused_client(
        &self,
        id: ApplicationId,
        before: Timestamp,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Vec<Revocation>, ApplicationRefusal>>;
    /// Stores an initial access token. The audit event receives its description as the subject.
    fn insert_initial_access_token(
        &self,
        new: NewInitialAccessToken,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<InitialAccessToken, InitialAccessTokenRefusal>>;
    /// The initial access token with that digest, if a client may register with it now: it has not expired, it is not
    /// used up, and its creator is still an active Administrator.
    fn find_usable_initial_access_token<'a>(
        &'a self,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<InitialAccessToken>>;
    /// Lists the initial access tokens, by id.
    fn list_initial_access_tokens(&self) -> Answer<'_, Vec<InitialAccessToken>>;
    /// Deletes an initial access token; clients that registered with it stay.
    fn delete_initial_access_token(
        &self,
        id: InitialAccessTokenId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), InitialAccessTokenRefusal>>;
    /// Deletes initial access tokens that have expired, and returns how many.
    fn purge_initial_access_tokens(&self, now: Timestamp) -> Answer<'_, u64>;
}
